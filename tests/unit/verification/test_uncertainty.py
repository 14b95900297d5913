from __future__ import annotations

import functools
import logging
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import scores.probability
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from stormcnn.errors import UserError
from stormcnn.sampling.members import QUANTILES, EventCounts, binary_entropy, summarise_members
from stormcnn.verification.resampling import resample_dates
from stormcnn.verification.scores import brier_score, brier_skill_score, log_score
from stormcnn.verification.uncertainty import (
    DISCARDED,
    UncertaintyTables,
    discard_curves,
    discard_gain,
    discard_improvement,
    interval_pit,
    monotonicity_fraction,
    score_uncertainty,
    split_entropy,
    split_variance,
)

members_of_storms = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 8), st.integers(2, 12)),
    elements=st.floats(0, 1, allow_subnormal=False),
)


class Sampled(NamedTuple):
    """Test storms with all their members, as a sampling job leaves them."""

    storms: xr.Dataset
    event: np.ndarray
    counts: xr.Dataset
    truth: np.ndarray
    members: np.ndarray

    def tables(self, resamples: int = 0, **others) -> UncertaintyTables:
        return score_uncertainty(
            self.storms, self.event, self.counts,
            model="dropout", seed=0, resamples=resamples, **others,
        )  # fmt: skip

    def values(self, forecast: str = "mc_mean") -> pd.Series:
        table = self.tables(truth=self.truth).scores
        return table[table["forecast"] == forecast].set_index("score")["value"]


def sampled(members: np.ndarray, event, truth=None, runs: int = 4, deterministic=None) -> Sampled:
    """Storms dealt out to `runs` runs one after the other; `members` (storm, member)."""
    event = np.asarray(event)
    storm = np.arange(event.size)
    date = np.datetime64("2015-04-01", "ns") + storm % runs * np.timedelta64(1, "D")
    members = np.asarray(members, dtype=np.float64)
    summary = summarise_members(members)
    counts = EventCounts(date, members.shape[1], seed=0)
    counts.add(members, event, date, np.char.add("run-", (storm % runs).astype(str)), storm)
    single = summary["mc_mean"] if deterministic is None else deterministic
    storms = xr.Dataset(
        {
            "probability": ("storm", single),
            **{name: ("storm", summary[name]) for name in ("mc_mean", "mc_std", "mc_entropy")},
            "mc_quantile": (("storm", "quantile"), summary["mc_quantile"]),
        },
        coords={"quantile": list(QUANTILES), "run_date": ("storm", date)},
    )
    truth = summary["mc_mean"] if truth is None else truth
    return Sampled(storms, event, counts.dataset(), truth, members)


def logistic(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))


@functools.cache
def storms_with_known_truth(spread: float = 0.7, coherent: bool = True) -> Sampled:
    """200 runs of 60 storms: the network's logits err by 0.7, alike in all storms of a run.

    Members err by `spread`, alike in all storms of a run where `coherent`.
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
    return sampled(members, event, truth, runs, deterministic=logistic(logit))


@functools.cache
def values_with_known_truth(
    spread: float = 0.7, coherent: bool = True, forecast: str = "mc_mean"
) -> pd.Series:
    return storms_with_known_truth(spread, coherent).values(forecast)


def beta_members(concentration: float, members: int = 80) -> Sampled:
    """Members Beta(qk, (1 - q)k) about the true probability q of storms: a calibrated mean."""
    rng = np.random.default_rng(4)
    truth = rng.beta(0.6, 3, 12000)
    spread = rng.beta(
        concentration * truth[:, np.newaxis],
        concentration * (1 - truth[:, np.newaxis]),
        (truth.size, members),
    )
    return sampled(spread, rng.random(truth.size) < truth, truth)


# Splits of variance and entropy


@given(members_of_storms)
def test_variance_of_the_event_is_what_members_agree_on_plus_their_spread(members):
    summary = summarise_members(members)
    split = split_variance(summary["mc_mean"], summary["mc_std"], members.shape[1])
    np.testing.assert_allclose(split.aleatoric + split.epistemic, split.total, atol=1e-15)
    np.testing.assert_allclose(split.aleatoric, (members * (1 - members)).mean(1), atol=1e-12)
    np.testing.assert_allclose(split.epistemic, members.var(axis=1), atol=1e-12)


@given(members_of_storms)
def test_entropy_of_the_mean_is_the_mean_entropy_plus_information_that_is_never_negative(members):
    summary = summarise_members(members)
    split = split_entropy(summary["mc_mean"], summary["mc_entropy"])
    assert (split.mutual_information >= 0).all()
    np.testing.assert_allclose(split.expected + split.mutual_information, split.total, atol=1e-12)
    np.testing.assert_allclose(split.total, binary_entropy(members.mean(axis=1)), atol=1e-12)


def test_mutual_information_by_hand():
    split = split_entropy([0.5, 0.5], [0.0, np.log(2)])
    np.testing.assert_allclose(split.mutual_information, [np.log(2), 0])


def test_rounding_in_a_file_gives_no_negative_information():
    assert split_entropy([0.5], [np.log(2) + 1e-8]).mutual_information[0] == 0


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
    mean_spread = (np.sqrt(0.02) + np.sqrt(0.08)) / 2
    assert values["ssrat_mean_sd"] == pytest.approx(mean_spread / np.sqrt(brier))
    assert values["total_variance"] == pytest.approx((0.3 * 0.7 + 0.7 * 0.3) / 2)
    assert values["total_spread_skill_ratio"] == pytest.approx(np.sqrt(0.21 / brier))


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
    data = sampled([[0.2, 0.4], [0.5, 0.9]], [0, 1], runs=1, deterministic=np.array([0.5, 0.6]))
    assert data.values()["averaging_benefit"] == pytest.approx((0.25 + 0.16) / 2 - 0.09)


def test_spread_skill_diagram_holds_every_storm_and_its_bins_average_to_the_scores():
    data = storms_with_known_truth()
    values, table = values_with_known_truth(), data.tables(truth=data.truth).spread_skill
    assert set(table["kind"]) == {
        "epistemic", "total", "epistemic_equal_width", "total_equal_width"
    }  # fmt: skip
    for kind, bins in table.groupby("kind"):
        share = bins["storms"] / data.event.size
        assert bins["storms"].sum() == data.event.size
        assert share @ bins["error"] ** 2 == pytest.approx(values["brier_score"])
        assert share @ bins["observed_frequency"] == pytest.approx(data.event.mean())
        name = "spread_skill_reliability" + ("_equal_width" if "width" in kind else "")
        name = f"total_{name}" if "total" in kind else name
        true_error = (data.storms["mc_mean"].to_numpy() - data.truth) ** 2
        if "total" in kind:
            true_error = true_error + data.truth * (1 - data.truth)
        assert share @ bins["error_truth"] ** 2 == pytest.approx(true_error.mean())
        departure = share @ (bins["error"] - bins["spread"]).abs()
        assert values[name] == pytest.approx(departure), kind
    equal = table[table["kind"] == "epistemic"]["storms"]
    assert len(equal) == 10
    assert equal.max() - equal.min() <= 1


def test_spread_skill_bins_by_hand():
    members = [[0.1, 0.1], [0.2, 0.2], [0.2, 0.6], [0.3, 0.7]]
    table = sampled(members, [0, 1, 0, 1], runs=1).tables().spread_skill
    bins = table[table["kind"] == "epistemic_equal_width"]
    np.testing.assert_array_equal(bins["storms"], [2, 2])
    np.testing.assert_allclose(bins["spread"], [0, np.sqrt(1.5 * 0.08)], atol=1e-12)
    np.testing.assert_allclose(
        bins["error"] ** 2, [(0.1**2 + 0.8**2) / 2, (0.4**2 + 0.5**2) / 2], atol=1e-12
    )
    np.testing.assert_allclose(bins["forecast_mean"], [0.15, 0.45])
    np.testing.assert_allclose(bins["observed_frequency"], [0.5, 0.5])


def test_bins_of_equal_width_begin_at_no_spread():
    departure = np.array([0.052, 0.058, 0.1])[:, np.newaxis] * [-1, 1]
    table = sampled(0.5 + departure, [0, 1, 0], runs=1).tables().spread_skill
    bins = table[table["kind"] == "epistemic_equal_width"]
    np.testing.assert_array_equal(bins["storms"], [2, 1])


# Interval PIT


def test_interval_pit_is_that_of_the_scores_package():
    rng = np.random.default_rng(3)
    probability, event = rng.beta(0.5, 2, 500), rng.integers(0, 2, 500)
    below = np.where(event == 1, 1 - probability, 0)
    at = np.where(event == 1, 1, 1 - probability)
    reference = scores.probability.PitFcstAtObs(
        xr.DataArray(at, dims="storm"), fcst_at_obs_left=xr.DataArray(below, dims="storm")
    )
    ours = interval_pit(probability, event)
    histogram = reference.hist_values(10).to_numpy()
    deviation = np.sqrt(((histogram - 0.1) ** 2).mean())
    assert ours["pit_variance"] == pytest.approx(reference.variance().item())
    assert ours["pit_deviation"] == pytest.approx(deviation)


def test_interval_pit_of_climatology_is_flat_and_that_of_certain_right_forecasts_too():
    climatology = interval_pit(np.full(10, 0.3), [1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
    certain = interval_pit([0.0, 1.0, 0.0], [0, 1, 0])
    for flat in (climatology, certain):
        assert flat["pit_deviation"] == pytest.approx(0, abs=1e-9)
        assert flat["pit_variance"] == pytest.approx(1 / 12)


# Discard test


def curves_of(uncertainty, error, date=None, weights=None) -> np.ndarray:
    date = np.zeros(len(error), int) if date is None else date
    weights = np.ones((1, date.max() + 1)) if weights is None else weights
    return discard_curves(uncertainty, [error], date, weights)[:, 0]


def test_discard_curve_by_hand():
    uncertainty = np.arange(20)[::-1]
    error = np.arange(20.0)  # the most uncertain storm has the smallest error
    curve = curves_of(uncertainty, error)[0]
    expected = [error[discarded:].mean() for discarded in range(20)]
    np.testing.assert_allclose(curve, expected)
    assert monotonicity_fraction(curve) == 0
    assert discard_improvement(curve) == pytest.approx((9.5 - 19) / 19)
    turned = curves_of(uncertainty[::-1], error)[0]
    assert monotonicity_fraction(turned) == 1
    assert discard_gain(curve, turned) == pytest.approx(np.trapezoid(curve - turned, dx=0.05))


@settings(max_examples=30)
@given(st.permutations(range(25)), st.lists(st.integers(0, 3), min_size=25, max_size=25))
def test_discard_curve_does_not_depend_on_the_order_of_equally_uncertain_storms(order, ties):
    error = np.random.default_rng(0).random(25)
    uncertainty, order = np.array(ties), np.array(order)
    np.testing.assert_allclose(
        curves_of(uncertainty[order], error[order]), curves_of(uncertainty, error)
    )


def test_discard_curve_of_equal_uncertainty_is_flat_and_never_falls():
    rng = np.random.default_rng(0)
    for storms in range(10, 60):
        curve = curves_of(np.zeros(storms), rng.random(storms))[0]
        np.testing.assert_allclose(curve, curve[0])
        assert monotonicity_fraction(curve) == 0


def test_nothing_set_aside_leaves_the_scores_of_all_storms():
    data = storms_with_known_truth()
    table = data.tables(truth=data.truth).discard
    probability = data.storms["mc_mean"].to_numpy()
    of_all = {
        "brier_score": brier_score(probability, data.event),
        "brier_skill_score": brier_skill_score(probability, data.event),
        "log_score": log_score(probability, data.event),
        "event_frequency": data.event.mean(),
        "brier_score_truth": ((probability - data.truth) ** 2).mean(),
    }
    assert set(table["order"]) == {
        "spread", "mutual_information", "total", "spread_given_probability", "random"
    }  # fmt: skip
    for row in table[table["fraction"] == 0].itertuples():
        assert row.value == pytest.approx(of_all[row.score]), (row.order, row.score)


def test_run_date_drawn_twice_counts_as_two_run_dates():
    rng = np.random.default_rng(2)
    uncertainty, error, date = rng.random(60), rng.random(60), np.arange(60) % 3
    drawn = np.array([2, 0, 1])
    repeated = np.repeat(np.arange(60), drawn[date])
    np.testing.assert_allclose(
        curves_of(uncertainty, error, date, drawn[np.newaxis]),
        curves_of(uncertainty[repeated], error[repeated]),
    )


def test_many_storms_are_discarded_as_few_are():
    rng = np.random.default_rng(2)
    uncertainty, error = rng.random(5000), rng.random(5000)
    ordered = error[np.argsort(uncertainty)]
    exact = [ordered[: round((1 - share) * 5000)].mean() for share in DISCARDED]
    np.testing.assert_allclose(curves_of(uncertainty, error)[0], exact, atol=5e-4)


def test_noise_on_all_logits_passes_the_discard_test_but_gains_nothing_over_the_control():
    values = values_with_known_truth(coherent=False)
    assert values["monotonicity_fraction_spread"] > 0.9
    assert values["discard_improvement_spread"] > 0
    assert abs(values["discard_gain"]) < 0.01 * values["brier_score"]
    assert abs(values["discard_gain_given_probability"]) < 0.06 * values["brier_score"]


def test_comparing_spreads_of_like_probabilities_sets_aside_as_many_of_each():
    mean = np.repeat([0.2, 0.7], [90, 10])[:, np.newaxis]
    spread = np.random.default_rng(0).uniform(0.01, 0.1, (100, 1)) * [-1, 1]
    table = sampled(mean + spread, np.repeat([0, 1], [90, 10])).tables().discard
    rows = table[(table["order"] == "spread_given_probability") & (table["fraction"] == 0.5)]
    frequency = rows.set_index("score").loc["event_frequency", "value"]
    assert frequency == pytest.approx(0.1, abs=0.005)


def storms_of_two_kinds(truth_of_unsure: np.ndarray) -> Sampled:
    """Storms with much and with little spread; those with little are forecast reliably."""
    rng = np.random.default_rng(9)
    logit = rng.normal(-1, 1, truth_of_unsure.size)
    unsure = rng.random(logit.size) < 0.5
    noise = np.where(unsure, 0.8, 0.1)[:, np.newaxis] * rng.normal(size=(logit.size, 30))
    members = logistic(logit[:, np.newaxis] + noise)
    truth = np.where(unsure, truth_of_unsure, members.mean(axis=1))
    return sampled(members, rng.random(logit.size) < truth, truth, runs=40)


def test_spread_that_knows_where_probabilities_are_wrong_gains_over_the_control():
    data = storms_of_two_kinds(np.random.default_rng(1).beta(5, 5, 6000))
    table = data.tables(resamples=200, truth=data.truth).scores.set_index("score")
    for score in ("discard_gain", "discard_gain_given_probability"):
        assert table.loc[score, "low"] > 0, score
        assert table.loc[f"{score}_truth", "low"] > 0, score


def test_retained_skill_and_frequency_show_what_setting_aside_the_uncertain_storms_does():
    data = storms_with_known_truth()
    table = data.tables().discard.pivot(
        index="fraction", columns=["order", "score"], values="value"
    )
    total = table["total"]
    assert total["brier_score"].iloc[-1] < 0.1 * total["brier_score"].iloc[0]
    assert total["event_frequency"].iloc[-1] < 0.1 * total["event_frequency"].iloc[0]
    assert total["brier_skill_score"].iloc[10] < 0.3 * total["brier_skill_score"].iloc[0]
    random = table["random"]
    for score in random:
        np.testing.assert_allclose(random[score], random[score].iloc[0])
        np.testing.assert_allclose(table["spread"][score].iloc[0], random[score].iloc[0])


# Known truth


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
    assert values["interval_pit_deviation_truth"] < 0.001


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


def test_members_that_do_not_err_together_pass_for_storms_and_fail_for_runs():
    values = values_with_known_truth(coherent=False)
    assert values["spread_skill_ratio_truth"] == pytest.approx(1, abs=0.1)
    assert values["quantile_coverage_90_truth"] == pytest.approx(0.9, abs=0.06)
    assert values["count_coverage_90"] < 0.8
    assert values["count_coverage_90_truth"] < 0.4


def test_counts_of_one_network_without_members_are_too_sure():
    single = values_with_known_truth(forecast="single")
    members = values_with_known_truth()
    assert single["count_coverage_90"] < 0.8 < members["count_coverage_90"]
    assert single["count_crps"] > members["count_crps"]


@pytest.mark.parametrize(("sharpen", "sure"), [(1.6, True), (0.6, False)])
def test_probabilities_that_are_too_sure_or_not_sure_enough_fail_by_total_spread(sharpen, sure):
    rng = np.random.default_rng(6)
    logit = rng.normal(-1, 1.5, 8000)
    truth = logistic(logit)
    members = logistic(sharpen * logit[:, np.newaxis] + 0.1 * rng.normal(size=(8000, 20)))
    values = sampled(members, rng.random(8000) < truth, truth).values()
    for score in ("total_spread_skill_ratio", "total_spread_skill_ratio_truth"):
        assert (values[score] < 0.97) if sure else (values[score] > 1.03), score
    for score in ("interval_pit_variance", "interval_pit_variance_truth"):
        assert (values[score] > 0.0845) if sure else (values[score] < 0.0825), score
    for score in ("total_spread_skill_reliability", "brier_score_truth"):
        assert values[score] > (0.02 if "reliability" in score else 0.001), score


def test_truth_by_hand():
    data = sampled(
        [[0.2, 0.4], [0.5, 0.9]], [0, 1], [0.25, 0.95], 1, deterministic=np.array([0.5, 0.6])
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


def test_without_truth_no_score_of_truth_is_given():
    table = storms_with_known_truth().tables()
    assert not table.scores["score"].str.contains("truth").any()
    assert table.spread_skill["error_truth"].isna().all()
    assert table.counts["truth"].isna().all()


# Tables and intervals


def test_scores_are_tidy_and_hold_nothing_that_is_ill_posed_for_a_yes_or_no():
    table = storms_with_known_truth().tables(resamples=20).scores
    assert list(table) == [
        "model", "forecast", "seed", "period", "stratum", "score", "value", "low", "high",
        "storms", "events", "runs",
    ]  # fmt: skip
    assert not table.duplicated(["model", "forecast", "seed", "period", "stratum", "score"]).any()
    assert table[["value", "low", "high"]].notna().all(axis=None)
    assert (table["low"] <= table["high"]).all()
    of_ensembles = table["score"].str.contains("crps|rank_histogram|coverage")
    assert table.loc[of_ensembles, "score"].str.startswith("count_").all()


def test_intervals_resample_run_dates():
    data = storms_with_known_truth()
    row = data.tables(resamples=300, confidence=0.9).scores.set_index("score").loc["brier_score"]
    draws = resample_dates(data.storms["run_date"].to_numpy(), 300)
    squares = (data.storms["mc_mean"].to_numpy() - data.event) ** 2
    weights = draws.weights[:, draws.date]
    low, high = np.quantile(weights @ squares / weights.sum(axis=1), [0.05, 0.95])
    assert row["value"] == pytest.approx(squares.mean())
    assert (row["low"], row["high"]) == (pytest.approx(low), pytest.approx(high))
    assert (row["storms"], row["events"], row["runs"]) == (12000, data.event.sum(), 200)


def test_departures_from_reliability_have_intervals_that_may_reach_zero():
    rng = np.random.default_rng(0)
    truth = rng.beta(1, 4, 4000)
    members = np.clip(truth[:, np.newaxis] + 0.01 * rng.normal(size=(4000, 10)), 0, 1)
    data = sampled(members, rng.random(4000) < truth, runs=40)
    table = data.tables(resamples=200).scores.set_index("score")
    for score in ("interval_pit_deviation", "total_spread_skill_reliability"):
        assert table.loc[score, "low"] < 0.25 * table.loc[score, "value"], score


def test_score_does_not_depend_on_the_order_of_storms_or_runs():
    data = storms_with_known_truth()
    order = np.random.default_rng(1).permutation(data.event.size)
    turned = data._replace(
        storms=data.storms.isel(storm=order),
        event=data.event[order],
        counts=data.counts.isel(run=slice(None, None, -1)),
        truth=data.truth[order],
    )
    pd.testing.assert_frame_equal(
        turned.tables(20, truth=turned.truth).scores, data.tables(20, truth=data.truth).scores
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


def test_one_member_has_no_spread_and_the_log_says_so(caplog):
    rng = np.random.default_rng(0)
    data = sampled(rng.random((40, 1)), rng.integers(0, 2, 40))
    with caplog.at_level(logging.WARNING):
        values = data.values()
    assert "dropout, seed 0 has one member, so there is no spread" in caplog.text
    assert values[["brier_score", "total_variance", "count_bias"]].notna().all()
    needs_spread = [
        "spread_skill_ratio", "epistemic_share", "ssrat_mean_sd", "mutual_information",
        "spread_skill_reliability", "spread_skill_reliability_equal_width_truth", "discard_gain",
        "monotonicity_fraction_spread", "count_coverage_90", "count_crps", "epistemic_variance",
    ]  # fmt: skip
    assert values[needs_spread].isna().all()
    assert data.values("single")["count_coverage_90"] > 0


def test_one_run_date_gives_values_without_intervals_and_the_log_says_so(caplog):
    rng = np.random.default_rng(0)
    data = sampled(rng.random((40, 5)), rng.integers(0, 2, 40), runs=1)
    tables = data.tables(resamples=50)
    assert "no interval can be given" in caplog.text
    assert tables.scores["value"].notna().mean() > 0.9
    for table in (tables.scores, tables.spread_skill, tables.discard):
        assert table[["low", "high"]].isna().all(axis=None)


@pytest.mark.parametrize(("event", "said"), [(0, "no storm had"), (1, "every storm had")])
def test_storms_of_one_class_are_scored_where_scores_exist(event, said, caplog):
    members = np.random.default_rng(0).random((40, 5))
    tables = sampled(members, np.full(40, event)).tables(resamples=20)
    assert said in caplog.text
    assert tables.scores["value"].notna().all()
    skill = tables.discard["score"] == "brier_skill_score"
    assert tables.discard.loc[skill, "value"].isna().all()
    assert tables.discard.loc[~skill, "value"].notna().all()


def test_certain_probabilities_are_scored():
    members = np.array([[0, 0, 0], [1, 1, 1], [0, 1, 1], [0, 0, 0], [1, 1, 1]], dtype=float)
    values = sampled(members, [0, 1, 1, 1, 0], runs=1).values()
    assert values["brier_score"] == pytest.approx((1 / 9 + 1 + 1) / 5)
    assert values["aleatoric_variance"] == pytest.approx(0)
    assert values["expected_entropy"] == 0
    assert np.isfinite(values["interval_pit_deviation"])


def test_forecast_without_error_has_no_ratio_of_spread_and_error():
    values = sampled([[0.0, 0.0], [1.0, 1.0]], [0, 1], runs=1).values()
    ratios = ["spread_skill_ratio", "epistemic_share", "ssrat_mean_sd", "total_spread_skill_ratio"]
    assert values[ratios].isna().all()
    assert values["brier_score"] == 0


def test_dropout_rate_of_zero_shows_no_spread():
    data = storms_with_known_truth(0.0)
    values = data._replace(storms=data.storms.astype(np.float32)).values()
    zero = ["spread_skill_ratio", "epistemic_share", "mutual_information", "averaging_benefit"]
    np.testing.assert_allclose(values[zero], 0, atol=1e-8)
    assert values["monotonicity_fraction_spread"] == 0
    assert values["monotonicity_fraction_mutual_information"] == 0
    assert values["discard_gain"] < 0


def test_rounding_to_the_precision_of_a_file_changes_no_score():
    data = storms_with_known_truth()
    rounded = data._replace(storms=data.storms.astype(np.float32)).values()
    np.testing.assert_allclose(rounded, values_with_known_truth(), rtol=1e-3, atol=1e-5)


def test_counts_of_other_storms_are_refused():
    data = storms_with_known_truth()
    for counts in (data.counts.isel(run=slice(1, None)), data.counts.assign(
        observed=data.counts["observed"] + 1
    )):  # fmt: skip
        with pytest.raises(UserError, match=r"dropout, seed 0: .* not of the same storms"):
            data._replace(counts=counts).tables()


@pytest.mark.parametrize(
    ("variable", "wrong", "said"),
    [("mc_mean", 1.2, "mc_mean: .* storm 3: 1.2"), ("probability", np.nan, "probability: .*nan"),
     ("mc_std", np.nan, "mc_std or mc_entropy of some storms is missing")],
)  # fmt: skip
def test_wrong_value_is_named_with_the_network(variable, wrong, said):
    data = sampled(np.full((8, 3), 0.5), np.arange(8) % 2)
    values = data.storms[variable].to_numpy().copy()
    values[3] = wrong
    with pytest.raises(UserError, match=f"dropout, seed 0.*{said}"):
        data._replace(storms=data.storms.assign({variable: ("storm", values)})).tables()


def test_truth_of_other_storms_is_refused():
    data = sampled(np.full((8, 3), 0.5), np.arange(8) % 2)
    with pytest.raises(UserError, match=r"true probability: .* shapes"):
        data.tables(truth=np.full(7, 0.5))
