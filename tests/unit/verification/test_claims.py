"""Verdicts follow from the tables: direction, level, what is missing, and how much would do."""

import math

import pandas as pd
import pytest

from stormcnn.verification.claim_types import Bias, Change, Level, Need, Slope, Width
from stormcnn.verification.claims import judge
from stormcnn.vocabulary import LEAST_BLOCKS, LEAST_SEEDS, SEEDLESS

SIZE = {"storms": 1440, "events": 70, "runs": 36, "blocks": 36}


def score_rows(model, *, seeds=5, period="test", **rows):
    """Return rows of scores.csv: (value, low, high) by score, for each seed and their mean."""
    found = []
    names = [str(seed) for seed in range(seeds)] + ["mean"] * (seeds > 1)
    defaults = {
        "brier_score": (0.03, 0.02, 0.04),
        "brier_skill_score": (0.3, 0.2, 0.4),
        "brier_skill_score_training": (0.3, 0.2, 0.4),
        "calibration_intercept": (0.0, -0.3, 0.3),
        "calibration_bias_p_value": (0.5, math.nan, math.nan),
        "calibration_slope": (1.0, 0.8, 1.2),
        "calibration_slope_p_value": (0.5, math.nan, math.nan),
    }
    for seed in names:
        for score, (value, low, high) in (defaults | rows).items():
            row = {"model": model, "forecast": "single", "seed": seed, "period": period}
            row |= {"stratum": "all", "score": score, "value": value, "low": low, "high": high}
            found.append(row | {"seed_sd": 0.01, "block_sd": 0.05} | SIZE)
    return found


def difference_rows(model, reference="baseline", *, forecast="single", claim="method", **rows):
    """Return rows of differences.csv: (difference, low, high, p) by score."""
    found = []
    nothing = (0.0, -0.01, 0.01, 0.9)
    defaults = dict.fromkeys(
        ("brier_skill_score", "auc", "average_precision", "log_score"), nothing
    )
    for score, (difference, low, high, p) in (defaults | rows).items():
        row = {"model": model, "reference": reference, "forecast": forecast, "period": "test"}
        row |= {"reference_forecast": "single", "seed": "mean" if claim == "method" else "0"}
        row |= {"score": score, "difference": difference, "low": low, "high": high}
        found.append(row | {"p_value": p, "p_holm": p, "claim": claim} | SIZE)
    return found


def verdicts(scores, differences=(), *, resamples=1000, blocks=36, **tables):
    columns = list(difference_rows("l2")[0])
    scores = pd.DataFrame(scores).assign(blocks=blocks)
    differences = pd.DataFrame(differences, columns=columns).assign(blocks=blocks)
    return judge(scores, differences, confidence=0.95, resamples=resamples, **tables)


def two_models(**options):
    return score_rows("baseline", **options) + score_rows("l2", **options)


BETTER = {"brier_skill_score": (0.06, 0.02, 0.1, 0.01)}


@pytest.mark.parametrize(
    ("estimate", "p", "bias"),
    [
        ((-0.5, -0.8, -0.2), 0.001, Bias.OVER),
        ((0.5, 0.2, 0.8), 0.001, Bias.UNDER),
        ((0.1, -0.3, 0.5), 0.5, Bias.NONE),
        ((0.5, 0.01, 0.65), 0.03, Bias.NONE),  # one of two tests
        ((0.4, -0.1, 0.9), 0.1, Bias.UNKNOWN),
        ((0.4, -0.1, 0.9), 0.001, Bias.UNKNOWN),  # holds for these seeds only
    ],
)
def test_bias_is_found_with_its_direction_or_excluded_or_unknown(estimate, p, bias):
    rows = {"calibration_intercept": estimate, "calibration_bias_p_value": (p, math.nan, math.nan)}
    calibration = verdicts(score_rows("baseline", **rows)).calibration[0]
    assert (calibration.bias, calibration.slope) == (bias, Slope.NONE)
    assert (calibration.need.blocks is not None) == (bias is Bias.UNKNOWN)


@pytest.mark.parametrize(
    ("estimate", "p", "slope"),
    [
        ((0.67, 0.5, 0.85), 0.001, Slope.SHARP),
        ((1.5, 1.2, 1.8), 0.001, Slope.FLAT),
        ((1.1, 0.7, 1.5), 0.5, Slope.NONE),
        ((1.3, 0.4, 2.2), 0.3, Slope.UNKNOWN),
    ],
)
def test_slope_is_found_with_its_direction_or_excluded_or_unknown(estimate, p, slope):
    rows = {"calibration_slope": estimate, "calibration_slope_p_value": (p, math.nan, math.nan)}
    calibration = verdicts(score_rows("baseline", **rows)).calibration[0]
    assert (calibration.bias, calibration.slope) == (Bias.NONE, slope)


@pytest.mark.parametrize("value", [-0.5, 0.5, 1.5, math.nan])
def test_bias_and_slope_without_an_interval_are_unknown(value):
    unknown, significant = (value, math.nan, math.nan), (0.001, math.nan, math.nan)
    rows = {f"calibration_{name}": unknown for name in ("intercept", "slope")}
    rows |= {f"calibration_{name}_p_value": significant for name in ("bias", "slope")}
    calibration = verdicts(score_rows("baseline", **rows)).calibration[0]
    assert (calibration.bias, calibration.slope) == (Bias.UNKNOWN, Slope.UNKNOWN)


def test_blocks_that_would_do_halve_the_interval_with_four_times_as_many():
    def needed(half_width):
        rows = {"calibration_intercept": (0.0, -half_width, half_width)}
        return verdicts(score_rows("baseline", seeds=1, **rows)).calibration[0].need.blocks

    assert needed(2.0) == pytest.approx(4 * needed(1.0), abs=4)
    # A bias of 0.69 = ln 2 has p < 0.025, one of two tests, in 80 % of the cases if the half-width
    # of the interval is 0.441.
    assert needed(1.0) == math.ceil(36 * ((2.2414 + 0.8416) / 1.96 / math.log(2)) ** 2)


@pytest.mark.parametrize(
    ("estimate", "verdict"),
    [
        ((0.3, 0.2, 0.4), Change.BETTER),
        ((-0.3, -0.4, -0.2), Change.WORSE),
        ((0.02, -0.05, 0.09), Change.NONE),
        ((3e-8, 1e-8, 5e-8), Change.NONE),  # rounding errors of a constant forecast
        ((-3e-8, -5e-8, -1e-8), Change.NONE),
        ((0.1, -0.1, 0.3), Change.UNKNOWN),
    ],
)
def test_skill_is_against_the_training_climatology(estimate, verdict):
    rows = {"brier_skill_score_training": estimate, "brier_skill_score": (-0.3, -0.4, -0.2)}
    skill = verdicts(score_rows("baseline", **rows)).skill[0]
    assert skill.verdict == verdict
    assert (skill.need.blocks is not None) == (verdict is Change.UNKNOWN)


@pytest.mark.parametrize(
    ("resamples", "blocks", "need"),
    [
        (1000, 36, Need()),
        (30, 36, Need(resamples=200)),
        (1000, 9, Need(blocks=LEAST_BLOCKS)),
        (30, 9, Need(blocks=LEAST_BLOCKS)),
    ],
)
def test_without_an_interval_only_known_shortages_are_named(resamples, blocks, need):
    names = ("brier_skill_score_training", "calibration_intercept", "calibration_slope")
    rows = dict.fromkeys(names, (0.3, math.nan, math.nan))
    claims = verdicts(score_rows("baseline", **rows), resamples=resamples, blocks=blocks)
    assert claims.skill[0].need == claims.calibration[0].need == need


def test_intervals_of_few_blocks_do_not_say_how_many_would_do():
    rows = {
        "brier_skill_score_training": (0.1, -0.5, 0.7),
        "calibration_intercept": (0.0, -3.0, 3.0),
    }
    claims = verdicts(score_rows("baseline", **rows), blocks=9)
    assert claims.skill[0].need == claims.calibration[0].need == Need(blocks=LEAST_BLOCKS)


def test_skill_and_calibration_ask_for_seeds_if_seeds_dominate():
    rows = {
        "brier_skill_score_training": (0.1, -0.1, 0.3),
        "calibration_intercept": (0.0, -0.2, 0.2),
        "calibration_slope": (1.0, 0.0, 2.0),
    }
    scores = pd.DataFrame(score_rows("baseline", **rows))
    scores["seed_sd"] = scores["score"].map(
        {"brier_skill_score_training": 0.225, "calibration_slope": 1.125}
    )
    claims = verdicts(scores)
    assert all(one.need.seeds > 5 for one in (claims.skill[0], claims.calibration[0]))
    assert claims.skill[0].need.blocks is claims.calibration[0].need.blocks is None


def test_nothing_is_claimed_with_few_blocks():
    rows = {
        "calibration_intercept": (-0.5, -0.8, -0.2),
        "calibration_bias_p_value": (0.001, math.nan, math.nan),
    }
    claims = verdicts(
        two_models(**rows), difference_rows("l2", **BETTER, auc=(0.1, 0.05, 0.15, 0.001)), blocks=9
    )
    assert {one.bias for one in claims.calibration} == {Bias.UNKNOWN}
    assert {one.verdict for one in (*claims.skill, *claims.differences)} == {Change.UNKNOWN}
    assert claims.differences[0].others == ()
    assert claims.differences[0].support.level is Level.NOTHING
    assert claims.differences[0].need.blocks == LEAST_BLOCKS
    assert claims.choice.models == ()
    assert not claims.events.enough


@pytest.mark.parametrize(
    ("seeds", "claim", "level"),
    [(5, "method", Level.METHOD), (2, "networks", Level.NETWORKS), (1, "networks", Level.NETWORKS)],
)
def test_claim_about_methods_needs_several_seeds(seeds, claim, level):
    claims = verdicts(two_models(seeds=seeds), difference_rows("l2", claim=claim, **BETTER))
    support = claims.differences[0].support
    assert (support.level, support.seeds) == (level, seeds)
    assert support.need.seeds == (LEAST_SEEDS if seeds < LEAST_SEEDS else None)
    assert claims.differences[0].verdict is Change.BETTER


@pytest.mark.parametrize("seeds", [1, 2, 5])
@pytest.mark.parametrize("opponent", SEEDLESS)
def test_comparison_with_a_model_without_seeds_is_about_the_method_of_the_network(opponent, seeds):
    enough = seeds >= LEAST_SEEDS
    scores = score_rows("baseline", seeds=seeds) + score_rows(opponent, seeds=1)
    rows = difference_rows("baseline", opponent, claim="method" if enough else "networks", **BETTER)
    support = verdicts(scores, rows).opponents[0].support
    level = Level.METHOD if enough else Level.NETWORKS
    assert (support.level, support.seeds) == (level, seeds)
    assert support.need.seeds == (None if enough else LEAST_SEEDS)


@pytest.mark.parametrize(("seeds", "level"), [(2, Level.NETWORKS), (5, Level.METHOD)])
def test_boosted_trees_need_seeds_as_networks_do(seeds, level):
    scores = score_rows("baseline") + score_rows("boosted_trees", seeds=seeds)
    rows = difference_rows("baseline", "boosted_trees", **BETTER)
    assert verdicts(scores, rows).opponents[0].support.level is level


def test_best_network_comes_first_against_each_opponent():
    rows = [
        row
        for opponent, shift in {"boosted_trees": -0.2, "threshold_rule": 0.1}.items()
        for model, value in {"baseline": 0.0, "l2": 0.05}.items()
        for row in difference_rows(
            model,
            opponent,
            brier_skill_score=(value + shift, value + shift - 0.03, value + shift + 0.03, 0.01),
        )
    ]
    opponents = score_rows("boosted_trees") + score_rows("threshold_rule", seeds=1)
    claims = verdicts(two_models() + opponents, rows)
    assert claims.differences == ()
    found = [(one.reference, one.model, one.verdict) for one in claims.opponents]
    assert found == [
        ("boosted_trees", "l2", Change.WORSE),
        ("boosted_trees", "baseline", Change.WORSE),
        ("threshold_rule", "l2", Change.BETTER),
        ("threshold_rule", "baseline", Change.BETTER),
    ]
    assert claims.choice.models == ("boosted_trees",)


def test_rows_about_methods_precede_those_about_networks():
    rows = difference_rows("l2", **BETTER) + difference_rows("l2", claim="networks")
    assert verdicts(two_models(), rows).differences[0].verdict is Change.BETTER


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ((0.06, 0.02, 0.1, 0.01), Change.BETTER),
        ((-0.06, -0.1, -0.02, 0.01), Change.WORSE),
        ((0.06, 0.02, 0.1, 0.06), Change.UNKNOWN),  # not after Holm's correction
        ((0.06, -0.01, 0.13, 0.04), Change.UNKNOWN),
        ((0.01, -0.02, 0.04, 0.4), Change.NONE),
        ((0.06, 0.02, 0.1, math.nan), Change.UNKNOWN),
    ],
)
def test_difference_needs_interval_and_corrected_p_value(row, verdict):
    difference = verdicts(two_models(), difference_rows("l2", brier_skill_score=row)).differences[0]
    assert difference.verdict is verdict
    assert (difference.need.blocks is not None) == (verdict is Change.UNKNOWN)


def test_more_seeds_are_asked_for_if_seeds_dominate():
    scores = pd.DataFrame(two_models()).assign(seed_sd=0.1).to_dict("records")
    rows = difference_rows("l2", brier_skill_score=(0.02, -0.12, 0.16, 0.6))
    need = verdicts(scores, rows).differences[0].need
    assert need.seeds > 5
    assert need.blocks is None or need.blocks > 36


def test_significant_differences_in_other_scores_are_kept():
    rows = {"auc": (0.03, 0.01, 0.05, 0.001), "log_score": (-0.02, -0.03, -0.01, 0.001)}
    difference = verdicts(two_models(), difference_rows("l2", **rows)).differences[0]
    assert difference.verdict is Change.NONE
    assert difference.others == (("auc", Change.BETTER), ("log_score", Change.BETTER))


def test_other_scores_are_one_family():
    rows = {"auc": (0.03, 0.01, 0.05, 0.02)}
    assert verdicts(two_models(), difference_rows("l2", **rows)).differences[0].others == ()


@pytest.mark.parametrize(("resamples", "needed"), [(100, 200), (199, 200), (200, None)])
def test_too_few_resamples_are_named(resamples, needed):
    difference = verdicts(
        two_models(), difference_rows("l2", **BETTER), resamples=resamples
    ).differences[0]
    assert difference.need.resamples == needed
    assert difference.verdict is (Change.UNKNOWN if needed else Change.BETTER)


def test_resamples_grow_with_the_family():
    rows = [row for name in "abcdefgh" for row in difference_rows(name, **BETTER)]
    scores = [row for name in ("baseline", *"abcdefgh") for row in score_rows(name)]
    assert {one.need.resamples for one in verdicts(scores, rows, resamples=319).differences} == {
        320
    }
    assert {one.verdict for one in verdicts(scores, rows, resamples=320).differences} == {
        Change.BETTER
    }


def test_models_that_beat_the_reference_are_chosen():
    claims = verdicts(two_models(), difference_rows("l2", **BETTER))
    assert claims.choice == (Change.BETTER, ("l2",))


def test_worse_model_is_not_chosen():
    worse = {"brier_skill_score": (-0.06, -0.1, -0.02, 0.01)}
    assert verdicts(two_models(), difference_rows("l2", **worse)).choice == (
        Change.NONE,
        ("baseline",),
    )


def test_all_models_that_are_not_known_to_lose_are_chosen():
    scores = [row for name in ("baseline", "wide", "dropout", "l2") for row in score_rows(name)]
    unknown = {"brier_skill_score": (0.02, -0.08, 0.12, 0.6)}

    def choose(*rows):
        return verdicts(scores, [row for listed in rows for row in listed]).choice

    # The network that dropout beats is out, but not the reference and others.
    assert choose(
        difference_rows("wide", **unknown),
        difference_rows("dropout", **unknown),
        difference_rows("dropout", "wide", **BETTER),
        difference_rows("l2", **unknown),
    ) == (Change.NONE, ("baseline", "dropout", "l2"))
    assert choose(
        difference_rows("wide", **BETTER),
        difference_rows("dropout", **BETTER),
        difference_rows("dropout", "wide", **BETTER),
        difference_rows("l2", **BETTER),
    ) == (Change.BETTER, ("dropout", "l2"))
    assert choose(
        difference_rows("dropout", **BETTER),
        difference_rows("wide", **unknown),
        difference_rows("l2", **unknown),
    ) == (Change.NONE, ("wide", "dropout", "l2"))


def test_no_model_is_chosen_without_skill():
    rows = {"brier_skill_score_training": (0.0, -0.05, 0.05)}
    assert verdicts(two_models(**rows), difference_rows("l2")).choice == (Change.WORSE, ())


def test_noise_of_members_widens_the_gain_of_their_mean():
    rows = difference_rows("l2", "l2", forecast="mc_mean", **BETTER)
    noise = {"model": "l2", "forecast": "mc_mean", "seed": "0", "stratum": "all", "blocks": 36}
    noise |= {"score": "averaging_benefit_noise_share", "low": math.nan, "high": math.nan}

    def gain(share):
        uncertainty = pd.DataFrame([*count_rows(), noise | {"value": share}])
        return verdicts(score_rows("l2"), rows, uncertainty=uncertainty).averaging[0].verdict

    assert gain(0.1) is Change.BETTER
    assert gain(0.9) is not Change.BETTER
    assert gain(1.0) is gain(math.inf) is gain(math.nan) is Change.UNKNOWN


def count_rows(bias=(0.1, 0.5), variance=(1 / 12, 0.5)):
    """Return rows of uncertainty/scores.csv with the value and the p-value of bias and width."""
    values = {
        "count_bias": bias[0],
        "count_bias_p_value": bias[1],
        "count_pit_variance": variance[0],
        "count_width_p_value": variance[1],
        "count_coverage_90": 0.9,
    }
    return [
        {"model": "l2", "forecast": "mc_mean", "seed": "0", "stratum": "all", "blocks": 36}
        | {"score": score, "value": value, "low": math.nan, "high": math.nan}
        for score, value in values.items()
    ]


@pytest.mark.parametrize(
    ("bias", "variance", "expected"),
    [
        ((0.5, 0.001), (1 / 12, 0.5), (Bias.OVER, Width.NONE)),
        ((-0.5, 0.001), (0.12, 0.001), (Bias.UNDER, Width.NARROW)),
        # Adding the missing events makes intervals wider.
        ((-0.5, 0.001), (0.05, 0.001), (Bias.UNDER, Width.UNKNOWN)),
        ((-0.5, 0.001), (1 / 12, 0.5), (Bias.UNDER, Width.UNKNOWN)),
        ((0.5, 0.2), (0.05, 0.001), (Bias.NONE, Width.WIDE)),
        ((0.5, math.nan), (0.05, math.nan), (Bias.UNKNOWN, Width.UNKNOWN)),
    ],
)
def test_bias_of_counts_is_apart_from_their_width(bias, variance, expected):
    uncertainty = pd.DataFrame(count_rows(bias, variance))
    counts = verdicts(score_rows("l2"), uncertainty=uncertainty).counts[0]
    assert (counts.bias, counts.width) == expected


def test_counts_of_few_blocks_are_not_judged():
    uncertainty = pd.DataFrame(count_rows((0.5, 0.001), (0.12, 0.001))).assign(blocks=9)
    counts = verdicts(score_rows("l2"), uncertainty=uncertainty).counts[0]
    assert (counts.bias, counts.width) == (Bias.UNKNOWN, Width.UNKNOWN)
    assert counts.need.blocks == LEAST_BLOCKS


@pytest.mark.parametrize(
    ("gain", "p", "blocks", "verdict"),
    [
        (0.01, 0.01, 20, Change.BETTER),
        (-0.01, 0.01, 20, Change.WORSE),
        (0.01, 0.03, 20, Change.NONE),  # one of two recalibrations
        (math.nan, math.nan, 6, Change.UNKNOWN),
    ],
)
def test_recalibration_is_judged_out_of_fold(gain, p, blocks, verdict):
    row = {"model": "l2", "low": gain - 0.01, "high": gain + 0.01, "blocks": blocks, "p_value": p}
    table = pd.DataFrame(
        [
            row | {"method": "intercept", "log_score_gain": gain},
            row | {"method": "logistic", "log_score_gain": gain - 0.1},
        ]
    )
    worse = {"log_score": (0.02, 0.01, 0.03, 0.001)}
    recalibration = verdicts(
        score_rows("l2"),
        difference_rows("l2", "l2", forecast="intercept", **worse),
        recalibration=table,
    ).recalibration[0]
    assert (recalibration.method, recalibration.verdict) == ("intercept", verdict)
    assert recalibration.in_test is Change.WORSE


def test_events_are_enough_if_a_relevant_difference_would_show():
    near, far = (
        verdicts(
            two_models(), difference_rows("l2", brier_skill_score=(0.0, -width, width, 0.9))
        ).events
        for width in (0.02, 0.2)
    )
    assert near.enough
    assert not far.enough
    assert far.need.blocks > 36
    assert far.detectable == pytest.approx(0.2 * (1.96 + 0.8416) / 1.96, rel=1e-3)


def test_a_difference_is_harder_to_detect_as_one_of_several():
    # By the normal distribution, 4 of 5 p-values are below 0.05 / 3, which Holm's correction asks.
    scores, rows = two_models(), []
    for model in ("l2", "l1", "dropout"):
        scores += [] if model == "l2" else score_rows(model)
        rows += difference_rows(model, brier_skill_score=(0.0, -0.2, 0.2, 0.9))
    events = verdicts(scores, rows).events
    distance = events.detectable / (0.2 / 1.96)
    assert distance == pytest.approx(2.394 + 0.8416, rel=1e-3)
    assert events.need.blocks > verdicts(two_models(), rows[: len(rows) // 3]).events.need.blocks


@pytest.mark.parametrize(
    ("width", "resamples", "detectable"),
    [(math.nan, 1, False), (math.nan, 30, False), (0.02, 100, True), (math.nan, 1000, False)],
)
def test_without_evidence_events_are_not_enough(width, resamples, detectable):
    rows = difference_rows("l2", brier_skill_score=(0.0, -width, width, 0.9))
    rows += difference_rows("l1", brier_skill_score=(0.0, -0.01, 0.01, 0.9))
    scores = two_models() + score_rows("l1")
    for ordered in (rows, rows[::-1]):
        events = verdicts(scores, ordered, resamples=resamples).events
        assert events.enough is None
        assert events.need.resamples == (200 if resamples < 200 else None)
        assert math.isfinite(events.detectable) is detectable


def test_equal_forecasts_do_not_say_whether_events_are_enough():
    rows = difference_rows("l2", brier_skill_score=(0.0, 0.0, 0.0, 1.0))
    assert verdicts(two_models(), rows).events.enough is None


def test_one_model_does_not_say_whether_events_are_enough():
    assert verdicts(score_rows("baseline")).events.enough is None


@pytest.mark.parametrize("events", [0, 3, 1437, 1440])
def test_rare_storms_with_or_without_an_event_are_not_enough(events):
    rows = difference_rows("l2", brier_skill_score=(0.0, -0.01, 0.01, 0.9))
    scores = pd.DataFrame(two_models()).assign(events=events).to_dict("records")
    judged = verdicts(scores, rows).events
    assert judged.enough is False
    assert judged.need.blocks == (240 if events in (3, 1437) else None)


def test_opponents_do_not_decide_whether_there_are_enough_events():
    scores = two_models() + score_rows("logistic_regression", seeds=1)
    networks = difference_rows("l2", brier_skill_score=(0.0, -0.02, 0.02, 0.9))
    opponent = difference_rows("l2", "logistic_regression", brier_skill_score=(0.0, -0.2, 0.2, 0.9))
    assert verdicts(scores, networks + opponent).events == verdicts(scores, networks).events
    assert verdicts(scores, networks).events.enough
