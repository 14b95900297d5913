from __future__ import annotations

import math

import pytest
from report_files import HOSTILE, TITLES, rates_tried

from stormcnn.report.verdicts import (
    Wording,
    describe_calibration,
    describe_counts,
    describe_difference,
    describe_rate_choice,
    describe_recalibration,
    describe_scope,
    describe_skill,
)
from stormcnn.verification.claim_types import (
    Bias,
    Calibration,
    Change,
    Counts,
    Difference,
    Estimate,
    Level,
    Need,
    Recalibration,
    Skill,
    Slope,
    Support,
    Width,
)

WORDING = Wording(TITLES, 0.95, 1000, "day", {"baseline": 17169, "dropout": 66337}, frozenset())
METHOD = Support(Level.METHOD, seeds=5, blocks=36, need=Need())
NETWORKS = Support(Level.NETWORKS, seeds=1, blocks=36, need=Need(seeds=3))
NOTHING = Support(Level.NOTHING, seeds=1, blocks=6, need=Need(blocks=10, seeds=3))


def difference(support=METHOD, verdict=Change.BETTER, need=None, others=(), **changes):
    return Difference(
        "dropout",
        "baseline",
        "single",
        "single",
        support,
        verdict,
        Estimate(0.02, 0.004, 0.036),
        0.012,
        need or Need(),
        others,
    )._replace(**changes)


@pytest.mark.parametrize(
    ("support", "beginning"),
    [(METHOD, "As a method, "), (NETWORKS, "As trained here, "), (NOTHING, "As trained here, ")],
)
def test_every_verdict_says_what_it_is_about(support, beginning):
    estimate = Estimate(0.1, 0.0, 0.2)
    statements = [
        describe_difference(difference(support), WORDING),
        describe_skill(Skill("dropout", support, Change.NONE, estimate, Need()), WORDING),
        describe_calibration(
            Calibration(
                "dropout", "single", support, Bias.OVER, Slope.NONE, estimate, estimate, Need()
            ),
            WORDING,
        ),
    ]
    assert all(statement.text.startswith(beginning) for statement in statements)


@pytest.mark.parametrize(
    ("change", "verdict", "evidence"),
    [
        ({}, "better", ["+0.020", "95 %", "+0.004 to +0.036", "p = 0.012"]),
        ({"verdict": Change.WORSE}, "worse", ["p = 0.012"]),
        ({"verdict": Change.NONE}, "none", ["less than 0.05"]),
        ({"verdict": Change.UNKNOWN, "need": Need(blocks=120)}, "none", ["120 days", "not known"]),
        ({"verdict": Change.UNKNOWN, "need": Need(seeds=9)}, "none", ["9 seeds"]),
        ({"verdict": Change.UNKNOWN, "need": Need(resamples=400)}, "none", ["400 resamples"]),
        ({"p_holm": math.nan}, "better", ["+0.004 to +0.036"]),
        ({"difference": Estimate(math.nan, math.nan, math.nan)}, "none", ["cannot be compared"]),
    ],
)
def test_difference_has_its_verdict_and_evidence(change, verdict, evidence):
    statement = describe_difference(difference(**change), WORDING)
    assert statement.verdict == verdict
    for text in ("Spatial dropout", "Baseline", *evidence):
        assert text in statement.text


def test_too_few_blocks_are_named_with_the_number_that_would_do():
    statement = describe_difference(
        difference(NOTHING, Change.UNKNOWN, need=Need(blocks=10)), WORDING
    )
    assert "6 days" in statement.text
    assert "10 days" in statement.text
    assert "10" in describe_scope(NOTHING, WORDING)
    one_day = difference(NOTHING._replace(blocks=1), Change.UNKNOWN, need=Need(blocks=10))
    assert "1 day is too few" in describe_difference(one_day, WORDING).text
    assert "3" in describe_scope(NETWORKS, WORDING)


def test_significant_differences_in_other_scores_are_not_hidden():
    one = difference(
        verdict=Change.NONE, others=(("auc", Change.BETTER), ("log_score", Change.WORSE))
    )
    text = describe_difference(one, WORDING).text
    assert "Spatial dropout is significantly better in area under the ROC curve" in text
    assert "worse in log score" in text


def test_different_sizes_of_compared_models_are_mentioned():
    text = describe_difference(difference(), WORDING).text
    assert "66,337" in text
    assert "17,169" in text
    same = WORDING._replace(parameters={"baseline": 17169, "dropout": 17169})
    assert "17,169" not in describe_difference(difference(), same).text


def test_smallest_possible_p_value_is_an_upper_limit():
    at_floor = WORDING._replace(floored=frozenset({("dropout", "baseline", "single")}))
    assert "p ≤ 0.012" in describe_difference(difference(), at_floor).text
    assert "p < 0.001" in describe_difference(difference(p_holm=0.0004), at_floor).text


@pytest.mark.parametrize(
    ("bias", "slope", "verdict", "words"),
    [
        (Bias.OVER, Slope.NONE, "worse", ["over-forecasts", "1.65 (95 % interval 1.22 to 2.23)"]),
        (Bias.UNDER, Slope.SHARP, "worse", ["under-forecasts", "too sharp"]),
        (Bias.NONE, Slope.FLAT, "worse", ["nothing shows that Baseline", "too flat"]),
        (Bias.NONE, Slope.NONE, "better", ["nothing shows that", "Nothing shows that"]),
        (Bias.UNKNOWN, Slope.NONE, "none", ["not known", "90 days would show odds twice"]),
        (Bias.UNKNOWN, Slope.UNKNOWN, "none", ["90 days", "odds twice", "a slope below 0.5"]),
    ],
)
def test_bias_and_slope_of_calibration_are_described_apart(bias, slope, verdict, words):
    need = Need(blocks=90 if bias is Bias.UNKNOWN else None)
    one = Calibration(
        "baseline",
        "single",
        METHOD,
        bias,
        slope,
        Estimate(-0.1, -0.5, 0.3) if bias is Bias.NONE else Estimate(-0.5, -0.8, -0.2),
        Estimate(1, 0.8, 1.2),
        need,
    )
    statement = describe_calibration(one, WORDING)
    assert statement.verdict == verdict
    assert all(word in statement.text for word in words)
    assert "confident" not in statement.text


@pytest.mark.parametrize(
    ("intercept", "slope", "named"),
    [(-0.05, 1.01, "slope excludes 1"), (0.05, 0.9, "odds excludes 1"), (0.05, 1.01, "Both")],
)
def test_intervals_that_contradict_the_tests_of_calibration_are_explained(intercept, slope, named):
    one = Calibration(
        "baseline",
        "single",
        METHOD,
        Bias.NONE,
        Slope.NONE,
        Estimate(0.3, intercept, 0.6),
        Estimate(1.2, slope, 1.5),
        Need(),
    )
    statement = describe_calibration(one, WORDING)
    assert named in statement.text
    assert "half the level" in statement.text
    assert statement.verdict == "none"


def test_skill_says_that_a_minimum_of_blocks_is_needed():
    one = Skill("dropout", NOTHING, Change.UNKNOWN, Estimate(0.1, -0.1, 0.3), Need(blocks=10))
    assert "At least 10 days are needed" in describe_skill(one, WORDING).text


def test_undefined_bias_is_no_number():
    nothing = Estimate(math.nan, math.nan, math.nan)
    one = Calibration(
        "baseline", "single", METHOD, Bias.UNKNOWN, Slope.UNKNOWN, nothing, nothing, Need()
    )
    statement = describe_calibration(one, WORDING)
    assert statement.verdict == "none"
    assert "not defined" in statement.text
    assert "\u2013" not in statement.text


def test_skill_names_its_reference_and_what_is_excluded():
    one = Skill("dropout", METHOD, Change.NONE, Estimate(0.01, -0.01, 0.03), Need())
    text = describe_skill(one, WORDING).text
    assert "event frequency of the training period" in text
    assert "0.1 is excluded" in text


def test_recalibration_that_makes_the_test_period_worse_says_so():
    one = Recalibration(
        "baseline", "isotonic", METHOD, Change.BETTER, Estimate(-0.01, -0.02, -0.001), Change.WORSE
    )
    statement = describe_recalibration(one, WORDING)
    assert statement.verdict == "better"
    assert "helps" in statement.text
    assert "worse" in statement.text
    assert "of the first seed" in statement.text


@pytest.mark.parametrize("verdict", list(Change))
def test_recalibration_is_about_one_network_without_the_held_out_blocks(verdict):
    one = Recalibration(
        "baseline", "isotonic", NETWORKS, verdict, Estimate(-0.01, -0.02, 0.0), Change.NONE
    )
    text = describe_recalibration(one, WORDING._replace(block="run")).text
    assert "once without the last forecast runs of the training period" in text


def test_unknown_recalibration_says_how_many_blocks_are_needed():
    unknown = Estimate(math.nan, math.nan, math.nan)
    one = Recalibration("baseline", "isotonic", NOTHING, Change.UNKNOWN, unknown, Change.NONE)
    assert "At least 10 days" in describe_recalibration(one, WORDING).text


@pytest.mark.parametrize(
    ("bias", "width", "words"),
    [
        (Bias.OVER, Width.NARROW, ["too many events", "too narrow"]),
        (Bias.UNDER, Width.WIDE, ["too few events", "too wide"]),
        (Bias.NONE, Width.NONE, ["nothing shows", "nothing shows"]),
        (Bias.UNDER, Width.UNKNOWN, ["too few events", "not known"]),
    ],
)
def test_bias_of_event_counts_is_described_before_their_width(bias, width, words):
    estimate = Estimate(0.8, 0.7, 0.9)
    one = Counts("dropout", "0", 36, bias, width, estimate, estimate, estimate, Need())
    text = describe_counts(one, WORDING).text
    assert text.index(words[0]) < text.rindex(words[1])
    assert "80 % (95 % interval 70 to 90)" in text
    assert "seed 0" in text
    averaged = describe_counts(one._replace(seed="mean"), WORDING).text
    assert "averaged over the seeds" in averaged


def test_coverage_of_a_single_member_is_left_out():
    estimate, nothing = Estimate(0.8, 0.7, 0.9), Estimate(math.nan, math.nan, math.nan)
    one = Counts("dropout", "0", 36, Bias.NONE, Width.UNKNOWN, estimate, nothing, nothing, Need())
    assert "they contain" not in describe_counts(one, WORDING).text


@pytest.mark.parametrize(
    ("current", "advice"),
    [
        (0.1, "no reason to change it"),
        (0.2, "0.2, is not shown to give worse probabilities"),
        (0.4, f"0.4, should be changed: {HOSTILE}"),
        (0.3, "not among them"),
    ],
)
def test_choice_of_a_rate_advises_on_the_current_rate(current, advice):
    first, second = describe_rate_choice(rates_tried(current))
    assert "3 dropout rates" in first
    assert "0.1 was chosen: lowest log score" in first
    assert advice in second


def test_a_rate_that_is_worse_by_chance_need_not_be_changed():
    tried = rates_tried(0.4).assign(told_apart=False)
    advice = describe_rate_choice(tried)[1]
    assert "nothing shows that it should be changed" in advice
    assert HOSTILE in advice
