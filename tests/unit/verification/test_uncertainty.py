"""Scores of Monte Carlo members find the right spread right and other spreads wrong."""

from __future__ import annotations

import functools
import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sampled_members import Sampled, logistic, sampled

from stormcnn.errors import UserError
from stormcnn.verification.member_noise import brier_score_noise_variance
from stormcnn.verification.resampling import interval, resample_blocks

JUDGED_BY_BLOCK = [
    "count_bias_p_value", "count_width_p_value", "count_pit_variance",
    "averaging_benefit_noise_share",
]  # fmt: skip

members_of_storms = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 8), st.integers(2, 12)),
    elements=st.floats(0, 1, allow_subnormal=False),
)


@functools.cache
def storms_with_known_truth(spread: float = 0.7, coherent: bool = True) -> Sampled:
    """Return 200 runs of 60 storms whose logits have an error of 0.7, shared by a run's storms.

    The members' logits vary by `spread`; if `coherent`, all storms of a run share the variation.
    """
    rng = np.random.default_rng(11)
    runs, storms, members = 200, 60, 40
    run = np.arange(runs * storms) % runs
    logit = rng.normal(-3.0, 1.8, run.size)
    truth = logistic(logit + 0.7 * rng.normal(size=runs)[run])
    shift = rng.normal(size=(runs, members))[run]
    if not coherent:
        shift = rng.normal(size=(run.size, members))
    members = logistic(logit[:, np.newaxis] + spread * shift)
    event = (rng.random(run.size) < truth).astype(int)
    return sampled(members, event, truth, runs, without_dropout=logistic(logit))


@functools.cache
def values_with_known_truth(
    spread: float = 0.7, coherent: bool = True, forecast: str = "mc_mean"
) -> pd.Series:
    return storms_with_known_truth(spread, coherent).values(forecast)


def beta_members(concentration: float, members: int = 80) -> Sampled:
    """Return members drawn from Beta(qk, (1 - q)k), where q is the true probability."""
    rng = np.random.default_rng(4)
    truth = rng.beta(0.6, 3, 12000)
    spread = rng.beta(
        concentration * truth[:, np.newaxis],
        concentration * (1 - truth[:, np.newaxis]),
        (truth.size, members),
    )
    return sampled(spread, rng.random(truth.size) < truth, truth)


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(members_of_storms, st.integers(0, 2**8 - 1))
def test_members_score_worse_than_their_mean_by_exactly_their_variance(members, events):
    event = np.array([events >> storm & 1 for storm in range(len(members))])
    values = sampled(members, event, runs=1).values()
    each = ((members - event[:, np.newaxis]) ** 2).mean()
    assert values["members_brier_score"] == pytest.approx(each, abs=1e-12)
    gain = each - values["brier_score"]
    assert values["epistemic_variance"] == pytest.approx(gain, abs=1e-12)


# Spread and error of storms


def test_ratios_of_spread_and_error_by_hand():
    values = sampled([[0.2, 0.4], [0.5, 0.9]], [0, 1], runs=1).values()
    brier = (0.3**2 + 0.3**2) / 2
    variance = (0.02 + 0.08) / 2
    assert values["brier_score"] == pytest.approx(brier)
    assert values["epistemic_share"] == pytest.approx(1.5 * variance / brier)
    assert values["spread_skill_ratio"] == pytest.approx(np.sqrt(1.5 * variance / brier))
    assert values["total_variance"] == pytest.approx((0.3 * 0.7 + 0.7 * 0.3) / 2)
    assert values["total_spread_skill_ratio"] == pytest.approx(np.sqrt(0.21 / brier))


@pytest.mark.slow
@pytest.mark.parametrize("concentration", [2, 10])
def test_spread_skill_ratio_of_a_perfect_mean_tells_the_epistemic_share_not_calibration(
    concentration,
):
    values = beta_members(concentration).values()
    analytic = 1 / np.sqrt(concentration + 1)
    assert values["spread_skill_ratio"] == pytest.approx(analytic, rel=0.03)
    assert values["epistemic_share"] == pytest.approx(analytic**2, rel=0.06)
    share = values["epistemic_variance"] / values["total_variance"]
    assert share == pytest.approx(analytic**2, rel=0.03)
    assert values["total_spread_skill_ratio"] == pytest.approx(1, abs=0.02)


def test_averaging_benefit_is_what_the_mean_gains_over_the_network_without_dropout():
    data = sampled([[0.2, 0.4], [0.5, 0.9]], [0, 1], runs=1, without_dropout=np.array([0.5, 0.6]))
    assert data.values()["averaging_benefit"] == pytest.approx((0.25 + 0.16) / 2 - 0.09)


# Known truth


@pytest.mark.slow
def test_members_of_the_right_spread_pass_every_diagnostic():
    values = values_with_known_truth()
    assert values["spread_skill_ratio_truth"] == pytest.approx(1, abs=0.1)
    assert values["spread_skill_reliability_truth"] < 0.005
    assert values["quantile_coverage_90_truth"] == pytest.approx(0.9, abs=0.06)
    assert values["quantile_coverage_50_truth"] == pytest.approx(0.5, abs=0.08)
    assert values["count_spread_skill_ratio"] == pytest.approx(1, abs=0.1)
    assert values["count_coverage_90"] == pytest.approx(0.9, abs=0.05)
    assert values["count_coverage_90_truth"] == pytest.approx(0.9, abs=0.06)
    assert values["total_spread_skill_ratio_truth"] == pytest.approx(1, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.2, 0.0])
def test_members_with_too_little_spread_fail(spread):
    right = values_with_known_truth()
    values = values_with_known_truth(spread)
    for score in ("spread_skill_ratio_truth", "count_spread_skill_ratio_truth"):
        assert values[score] < 0.5, score
    assert values["count_spread_skill_ratio"] < 0.85
    assert values["quantile_coverage_90_truth"] < 0.6
    assert values["count_coverage_90"] < 0.8
    assert values["count_coverage_90_truth"] < 0.6
    assert values["count_pit_variance"] > right["count_pit_variance"] + 0.01
    for score in ("count_crps", "count_crps_truth", "spread_skill_reliability_truth"):
        assert values[score] > right[score], score


@pytest.mark.slow
def test_members_with_too_much_spread_fail():
    right = values_with_known_truth()
    values = values_with_known_truth(1.8)
    for score in ("spread_skill_ratio_truth", "count_spread_skill_ratio_truth"):
        assert values[score] > 1.6, score
    assert values["count_spread_skill_ratio"] > 1.4
    for score in ("quantile_coverage_90_truth", "count_coverage_90", "count_coverage_90_truth"):
        assert values[score] > 0.96, score
    assert values["count_pit_variance"] < right["count_pit_variance"] - 0.01
    for score in ("count_crps", "count_crps_truth", "spread_skill_reliability_truth"):
        assert values[score] > right[score], score


@pytest.mark.slow
def test_members_with_independent_errors_pass_for_storms_and_fail_for_runs():
    values = values_with_known_truth(coherent=False)
    assert values["spread_skill_ratio_truth"] == pytest.approx(1, abs=0.1)
    assert values["quantile_coverage_90_truth"] == pytest.approx(0.9, abs=0.06)
    assert values["count_coverage_90"] < 0.8
    assert values["count_coverage_90_truth"] < 0.4


@pytest.mark.slow
def test_counts_of_independent_storms_are_overconfident():
    single = values_with_known_truth(forecast="single")
    members = values_with_known_truth()
    assert single["count_coverage_90"] < 0.8 < members["count_coverage_90"]
    assert single["count_crps"] > members["count_crps"]


@pytest.mark.slow
@pytest.mark.parametrize(("slope", "overconfident"), [(1.6, True), (0.6, False)])
def test_over_and_underconfident_probabilities_fail_by_total_spread(slope, overconfident):
    rng = np.random.default_rng(6)
    logit = rng.normal(-1, 1.5, 8000)
    truth = logistic(logit)
    members = logistic(slope * logit[:, np.newaxis] + 0.1 * rng.normal(size=(8000, 20)))
    values = sampled(members, rng.random(8000) < truth, truth).values()
    for score in ("total_spread_skill_ratio", "total_spread_skill_ratio_truth"):
        assert (values[score] < 0.97) if overconfident else (values[score] > 1.03), score
    for score in ("total_spread_skill_reliability", "brier_score_truth"):
        assert values[score] > (0.02 if "reliability" in score else 0.001), score


def test_truth_by_hand():
    data = sampled(
        [[0.2, 0.4], [0.5, 0.9]], [0, 1], [0.25, 0.95], 1, without_dropout=np.array([0.5, 0.6])
    )
    values = data.values()
    distance = (0.05**2 + 0.25**2) / 2
    noise = (0.25 * 0.75 + 0.95 * 0.05) / 2
    assert values["brier_score_truth"] == pytest.approx(distance)
    assert values["averaging_benefit_truth"] == pytest.approx((0.25**2 + 0.35**2) / 2 - distance)
    assert values["spread_skill_ratio_truth"] == pytest.approx(np.sqrt(1.5 * 0.05 / distance))
    total = np.sqrt(0.21 / (distance + noise))
    assert values["total_spread_skill_ratio_truth"] == pytest.approx(total)
    assert values["quantile_coverage_90_truth"] == 0.5
    assert values["count_bias_truth"] == pytest.approx(0.3 + 0.7 - 1.2)


@pytest.mark.slow
def test_without_truth_no_score_of_truth_is_given():
    table = storms_with_known_truth().tables()
    assert not table.scores["score"].str.contains("truth").any()
    assert table.spread_skill["error_truth"].isna().all()
    assert table.counts["truth"].isna().all()


# Tables and intervals


@pytest.mark.slow
def test_scores_are_tidy_and_ensemble_scores_are_of_counts_only():
    table = storms_with_known_truth().tables(resamples=40).scores
    assert list(table) == [
        "model", "forecast", "seed", "period", "stratum", "score", "value", "low", "high",
        "seed_sd", "block_sd", "storms", "events", "runs", "blocks",
    ]  # fmt: skip
    assert not table.duplicated(["model", "forecast", "seed", "period", "stratum", "score"]).any()
    assert table["value"].notna().all()
    with_interval = table[~table["score"].str.contains("p_value|noise_share")]
    assert (with_interval["low"] <= with_interval["high"]).all()
    of_ensembles = table["score"].str.contains("crps|rank_histogram|coverage")
    assert table.loc[of_ensembles, "score"].str.startswith("count_").all()


@pytest.mark.slow
def test_intervals_resample_blocks():
    data = storms_with_known_truth()
    row = data.tables(resamples=300, confidence=0.9).scores.set_index("score").loc["brier_score"]
    draws = resample_blocks(data.storms["run_date"].to_numpy(), 300)
    squares = (data.storms["mc_mean"].to_numpy() - data.event) ** 2
    weights = draws.weights[:, draws.block]
    samples = weights @ squares / weights.sum(axis=1)
    low, high = interval(squares.mean(), samples, 0.9, draws.blocks.size)
    assert row["value"] == pytest.approx(squares.mean())
    assert (row["low"], row["high"]) == (pytest.approx(low), pytest.approx(high))
    sizes = row[["storms", "events", "runs", "blocks"]].tolist()
    assert sizes == [12000, data.event.sum(), 200, 200]


def hourly_storms(days: int = 12) -> Sampled:
    """Return storms of hourly runs, not in order, with an error that storms of a day share."""
    rng = np.random.default_rng(3)
    hour = rng.permutation(np.repeat(np.arange(24 * days), 4))
    logit = rng.normal(-1, 1, hour.size)
    truth = logistic(logit + rng.normal(size=days)[hour // 24])
    members = logistic(logit[:, np.newaxis] + rng.normal(size=(days, 20))[hour // 24])
    date = np.datetime64("2015-04-01", "ns") + hour * np.timedelta64(1, "h")
    return sampled(members, rng.random(hour.size) < truth, truth, date=date)


@pytest.mark.slow
def test_hourly_runs_of_a_day_are_one_block():
    data = hourly_storms()
    day, run = (
        data.tables(resamples=200, block=block)
        .scores.set_index(["forecast", "score"])
        .loc["mc_mean"]
        for block in ("day", "run")
    )
    assert set(day["runs"]) == {12 * 24}
    assert (set(day["blocks"]), set(run["blocks"])) == ({12}, {12 * 24})
    pd.testing.assert_series_equal(
        day["value"].drop(index=JUDGED_BY_BLOCK), run["value"].drop(index=JUDGED_BY_BLOCK)
    )
    for score in ("brier_score", "count_bias", "count_coverage_90"):
        width = day["high"] - day["low"]
        assert width[score] > 1.5 * (run["high"] - run["low"])[score], score
    assert day.loc["count_bias_p_value", "value"] > run.loc["count_bias_p_value", "value"]


def test_counts_remain_those_of_runs():
    counts = hourly_storms().tables().counts
    assert len(counts) == 12 * 24
    assert list(counts["run_date"]) == sorted(counts["run_date"])


def test_coverage_of_every_run_has_an_interval_that_excludes_no_likely_coverage():
    data = sampled(np.tile([[0.0], [1.0]], (20, 39)), np.tile([0, 1], 20), runs=10)
    row = data.tables(resamples=50).scores.query("forecast == 'single'").set_index("score")
    coverage = row.loc["count_coverage_90"]
    assert coverage["low"] < 0.6
    assert coverage["high"] > 0.99


@pytest.mark.parametrize("runs", [2, 9])
def test_few_blocks_test_nothing(runs, caplog):
    rng = np.random.default_rng(0)
    data = sampled(rng.random((90, 5)), rng.integers(0, 2, 90), runs=runs)
    values = data.tables(resamples=50).scores.set_index("score")["value"]
    assert f"{runs} blocks" in caplog.text
    assert values[["count_bias_p_value", "count_width_p_value"]].isna().all()


# Noise of the members


def members_of_masks(rng: np.random.Generator, members: int) -> np.ndarray:
    """Draw members whose logits have an error that is common to all 400 storms."""
    logit = np.random.default_rng(0).normal(-1.5, 1, (400, 1))
    return logistic(logit + 0.8 * rng.normal(size=members))


@pytest.mark.slow
def test_interval_of_the_benefit_of_averaging_has_the_noise_of_other_members():
    rng = np.random.default_rng(1)
    event = (rng.random(400) < 0.3).astype(int)
    draws = [members_of_masks(rng, 30) for _ in range(400)]
    known = np.var([((members.mean(axis=1) - event) ** 2).mean() for members in draws])
    of_members, of_interval = [], []
    for members in draws[:5]:
        data = sampled(members, event, runs=40, without_dropout=np.full(400, 0.3))
        influence = data.counts["brier_influence"].sum("run").to_numpy()
        of_members.append(brier_score_noise_variance(influence, 400))
        table = data.tables(resamples=400).scores.set_index("score")
        width = np.subtract(*table.loc["averaging_benefit", ["high", "low"]])
        of_interval.append(
            table.loc["averaging_benefit_noise_share", "value"] * (width / 2 / 2.02) ** 2
        )
    assert np.mean(of_members) == pytest.approx(known, rel=0.3)
    assert np.mean(of_interval) == pytest.approx(known, rel=0.4)


@pytest.mark.slow
def test_more_members_have_a_smaller_share_of_the_interval():
    rng = np.random.default_rng(2)
    event = (rng.random(400) < 0.3).astype(int)
    share, width = [], []
    for members in (10, 1000):
        data = sampled(
            members_of_masks(rng, members), event, runs=40, without_dropout=np.full(400, 0.3)
        )
        table = data.tables(resamples=400).scores.set_index("score")
        share.append(table.loc["averaging_benefit_noise_share", "value"])
        width.append(np.subtract(*table.loc["averaging_benefit", ["high", "low"]]))
    assert share[1] < 0.02 < 0.2 < share[0]
    assert width[1] < width[0]


@pytest.mark.slow
def test_intervals_of_departures_from_reliability_reach_towards_zero():
    rng = np.random.default_rng(0)
    truth = rng.beta(1, 4, 4000)
    members = np.clip(truth[:, np.newaxis] + 0.01 * rng.normal(size=(4000, 10)), 0, 1)
    data = sampled(members, rng.random(4000) < truth, runs=40)
    table = data.tables(resamples=200).scores
    table = table[table["forecast"] == "mc_mean"].set_index("score")
    for score in ("total_spread_skill_reliability", "count_pit_deviation"):
        assert table.loc[score, "low"] < 0.25 * table.loc[score, "value"], score


@pytest.mark.slow
def test_score_does_not_depend_on_the_order_of_storms_or_runs():
    data = storms_with_known_truth()
    order = np.random.default_rng(1).permutation(data.event.size)
    shuffled = data._replace(
        storms=data.storms.isel(storm=order),
        event=data.event[order],
        counts=data.counts.isel(run=slice(None, None, -1)),
        truth=data.truth[order],
    )
    pd.testing.assert_frame_equal(
        shuffled.tables(20, truth=shuffled.truth).scores, data.tables(20, truth=data.truth).scores
    )


def test_counts_by_run_date_by_hand():
    members = np.repeat([[0.0], [1.0], [1.0]], 39, axis=1)
    data = sampled(members, [0, 1, 0], np.array([0.1, 0.7, 0.4]), runs=2)
    table = data.tables(truth=data.truth).counts
    assert list(table["run_date"]) == ["2015-04-01T00:00", "2015-04-02T00:00"]
    assert list(table["observed"]) == [0, 1]
    for column in ("mean", "q05", "q25", "q50", "q75", "q95", "deterministic"):
        np.testing.assert_allclose(table[column], [1, 1], err_msg=column)
    np.testing.assert_allclose(table["truth"], [0.5, 0.7])


def test_quantiles_of_counts_hold_as_many_new_members_as_they_say():
    members = np.triu(np.ones((39, 39)))  # member m counts m + 1 events
    table = sampled(members, np.zeros(39, int), runs=1).tables().counts
    assert table.loc[0, ["q05", "q25", "q50", "q75", "q95"]].tolist() == [2, 10, 20, 30, 38]


# Bad input


def test_one_member_has_no_spread_and_is_named_in_the_log(caplog):
    rng = np.random.default_rng(0)
    data = sampled(rng.random((40, 1)), rng.integers(0, 2, 40))
    with caplog.at_level(logging.WARNING):
        values = data.values()
    assert "dropout, seed 0 has one MC member" in caplog.text
    assert values[["brier_score", "total_variance", "count_bias"]].notna().all()
    needs_spread = [
        "spread_skill_ratio", "epistemic_share", "mutual_information", "epistemic_variance",
        "spread_skill_reliability", "spread_skill_reliability_truth", "discard_gain",
        "count_coverage_90", "count_crps",
    ]  # fmt: skip
    assert values[needs_spread].isna().all()
    assert data.values("single")["count_coverage_90"] > 0


def test_one_run_date_gives_values_without_intervals_and_is_named_in_the_log(caplog):
    rng = np.random.default_rng(0)
    data = sampled(rng.random((40, 5)), rng.integers(0, 2, 40), runs=1)
    tables = data.tables(resamples=50)
    assert "2015-04-01" in caplog.text
    assert tables.scores["value"].notna().mean() > 0.9
    for table in (tables.scores, tables.spread_skill, tables.discard):
        assert table[["low", "high"]].isna().all(axis=None)


def test_one_resample_gives_intervals_of_tests_only():
    scores = hourly_storms().tables(resamples=1).scores.query("forecast == 'mc_mean'")
    with_interval = set(scores.loc[scores["low"].notna(), "score"])
    assert {"count_bias", "count_pit_variance", "count_coverage_90"} <= with_interval
    assert not with_interval & {"brier_score", "averaging_benefit", "count_crps"}


@pytest.mark.parametrize("event", [0, 1])
def test_storms_of_one_class_have_no_wrong_spread(event):
    members = np.random.default_rng(0).random((120, 20))
    scores = sampled(members, np.full(120, event), runs=12).tables(resamples=200).scores
    by_score = scores.query("forecast == 'mc_mean'").set_index("score")
    assert by_score.loc["count_bias_p_value", "value"] < 0.01
    assert np.isnan(by_score.loc["count_width_p_value", "value"])


def test_blocks_with_one_storm_are_judged():
    rng = np.random.default_rng(5)
    truth = rng.beta(1, 3, 15)
    data = sampled(truth[:, np.newaxis].repeat(9, axis=1), rng.random(15) < truth, runs=15)
    scores = data.tables(resamples=200).scores.query("forecast == 'single'").set_index("score")
    assert scores.loc["count_bias_p_value", "value"] > 0.05
    assert (scores["blocks"] == scores["storms"]).all()


@pytest.mark.parametrize("event", [0, 1])
def test_storms_of_one_class_have_all_scores_but_brier_skill(event, caplog):
    members = np.random.default_rng(0).random((40, 5))
    tables = sampled(members, np.full(40, event)).tables(resamples=20)
    assert "dropout, seed 0" in caplog.text
    of_tests = tables.scores["score"].str.contains("p_value")
    assert tables.scores.loc[~of_tests, "value"].notna().all()
    skill = tables.discard["score"] == "brier_skill_score"
    assert tables.discard.loc[skill, "value"].isna().all()
    assert tables.discard.loc[~skill, "value"].notna().all()


def test_certain_probabilities_are_scored():
    members = np.array([[0, 0, 0], [1, 1, 1], [0, 1, 1], [0, 0, 0], [1, 1, 1]], dtype=float)
    values = sampled(members, [0, 1, 1, 1, 0], runs=1).values()
    assert values["brier_score"] == pytest.approx((1 / 9 + 1 + 1) / 5)
    assert values["aleatoric_variance"] == pytest.approx(0)
    assert values["expected_entropy"] == 0


def test_forecast_without_error_has_no_ratio_of_spread_and_error():
    values = sampled([[0.0, 0.0], [1.0, 1.0]], [0, 1], runs=1).values()
    ratios = ["spread_skill_ratio", "epistemic_share", "total_spread_skill_ratio"]
    assert values[ratios].isna().all()
    assert values["brier_score"] == 0


@pytest.mark.slow
def test_dropout_rate_of_zero_shows_no_spread():
    data = storms_with_known_truth(0.0)
    values = data._replace(storms=data.storms.astype(np.float32)).values()
    zero = ["spread_skill_ratio", "epistemic_share", "mutual_information", "averaging_benefit"]
    np.testing.assert_allclose(values[zero], 0, atol=1e-8)
    assert values["discard_gain"] < 0


def test_rounding_to_the_precision_of_a_file_changes_no_score():
    data = storms_with_known_truth()
    rounded = data._replace(storms=data.storms.astype(np.float32)).values()
    np.testing.assert_allclose(rounded, values_with_known_truth(), rtol=1e-3, atol=1e-5)


def test_counts_of_other_storms_are_an_error():
    data = storms_with_known_truth()
    for counts in (data.counts.isel(run=slice(1, None)), data.counts.assign(
        observed=data.counts["observed"] + 1
    )):  # fmt: skip
        with pytest.raises(UserError, match="dropout, seed 0"):
            data._replace(counts=counts).tables()


@pytest.mark.parametrize(
    ("variable", "wrong", "named"),
    [("mc_mean", 1.2, "mc_mean.*storm 3.*1.2"), ("probability", np.nan, "probability.*nan"),
     ("mc_std", np.nan, "mc_std")],
)  # fmt: skip
def test_wrong_value_is_named_with_the_network(variable, wrong, named):
    data = sampled(np.full((8, 3), 0.5), np.arange(8) % 2)
    values = data.storms[variable].to_numpy().copy()
    values[3] = wrong
    with pytest.raises(UserError, match=f"dropout, seed 0.*{named}"):
        data._replace(storms=data.storms.assign({variable: ("storm", values)})).tables()


def test_truth_of_other_storms_is_an_error():
    data = sampled(np.full((8, 3), 0.5), np.arange(8) % 2)
    with pytest.raises(UserError, match=r"true probability.*\(7,\)"):
        data.tables(truth=np.full(7, 0.5))
