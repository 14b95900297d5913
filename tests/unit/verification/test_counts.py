"""Scores of event counts are right by hand and judge made-up forecasts correctly."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scores.probability
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stormcnn.verification.count_tests import spread_terms
from stormcnn.verification.counts import (
    count_forecast_of_independent_storms,
    count_forecast_of_members,
    count_scores,
    pit_deviation,
    pit_terms,
    ranks_among_members,
    share_inside,
)
from stormcnn.verification.score_registry import COVERAGES


def scores_of(count: np.ndarray, observed: np.ndarray) -> dict[str, float]:
    forecast = count_forecast_of_members(count, observed)
    return {name: value.item() for name, value in count_scores(forecast, observed).items()}


def pit_variance(count: np.ndarray, observed: np.ndarray) -> float:
    ranks = ranks_among_members(count, observed)
    return spread_terms(*ranks, block=np.arange(observed.size)).mean()


def runs_with_shared_error(
    members_spread: float, coherent: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Return counts of 40 members, and observed ones, of 400 runs of 60 storms.

    The logits of the storms of a run share an error with a standard deviation of 0.6.
    """
    rng = np.random.default_rng(5)
    runs, storms, members = 400, 60, 40
    logit = rng.normal(-2.5, 1.2, (runs, storms, 1))
    truth = 1 / (1 + np.exp(-logit - 0.6 * rng.normal(size=(runs, 1, 1))))
    shape = (runs, 1, members) if coherent else (runs, storms, members)
    shift = members_spread * rng.normal(size=shape)
    probability = 1 / (1 + np.exp(-logit - shift))
    count = (rng.random(probability.shape) < probability).sum(axis=1)
    return count, (rng.random(truth.shape) < truth).sum(axis=(1, 2))


def test_share_of_a_uniform_distribution_by_hand():
    share = share_inside([0.0, 0.4, 0.5], [1.0, 0.8, 0.5], [0.25, 0.5, 1.0])
    np.testing.assert_allclose(share, [[0.25, 0.5], [0.25, 0.75], [0, 1]], atol=1e-9)


def test_certain_forecast_is_a_point_inside_zero_to_one():
    np.testing.assert_allclose(share_inside([0, 1], [0, 1], [0, 0.5, 1]), [[1, 0], [0, 1]])


def test_flat_transform_has_no_deviation_and_the_variance_of_a_uniform_distribution():
    assert pit_deviation(pit_terms(np.zeros(1), np.ones(1)))[0] == pytest.approx(0)
    assert spread_terms(np.zeros(1), np.ones(1), np.zeros(1, int))[0] == pytest.approx(1 / 12)


@pytest.mark.parametrize("members", [2, 9, 50])
def test_observations_with_every_rank_once_have_the_nominal_coverage(members):
    count = np.tile(2.0 * np.arange(members), (members + 1, 1))
    scores = scores_of(count, 2.0 * np.arange(members + 1) - 1)
    for level in COVERAGES:
        assert scores[f"coverage_{100 * level:.0f}"] == pytest.approx(level)
    assert scores["pit_deviation"] == pytest.approx(0, abs=1e-9)


def test_observation_equal_to_all_members_is_spread_over_all_ranks():
    scores = scores_of(np.full((3, 20), 7), np.full(3, 7))
    assert scores["coverage_90"] == pytest.approx(0.9)
    assert scores["rank_histogram_01"] == pytest.approx(0.1)


def test_rank_histogram_is_that_of_the_scores_package():
    rng = np.random.default_rng(0)
    count, observed = rng.poisson(3, (50, 9)), rng.poisson(4, 50)
    ranks = scores.probability.rank_histogram(
        xr.DataArray(count.astype(float), dims=("run", "mc_member")),
        xr.DataArray(observed.astype(float), dims="run"),
        "mc_member",
    )
    ours = scores_of(count, observed)
    histogram = [ours[f"rank_histogram_{k:02d}"] for k in range(1, 11)]
    np.testing.assert_allclose(histogram, ranks.to_numpy(), atol=1e-9)


def test_count_scores_by_hand():
    count, observed = np.array([[1.0, 3.0], [4.0, 4.0]]), np.array([2.0, 5.0])
    scores = scores_of(count, observed)
    assert scores["bias"] == pytest.approx((0 - 1) / 2)
    # Fair score: mean distance to the observation less half the mean distance of two members.
    assert scores["crps"] == pytest.approx(((1 - 0.5 * 2) + (1 - 0)) / 2)
    assert scores["spread_skill_ratio"] == pytest.approx(np.sqrt(1.5 * (2 + 0) / (0 + 1)))
    # The second observation is above both members, in the highest of three ranks.
    assert scores["coverage_50"] == pytest.approx((1 + (0.75 - 2 / 3) * 3) / 2)


def test_weights_count_a_run_as_often_as_it_was_drawn():
    rng = np.random.default_rng(1)
    count, observed = rng.poisson(5, (4, 12)), rng.poisson(5, 4)
    drawn = np.array([2, 0, 1, 1])
    forecast = count_forecast_of_members(count, observed)
    weighted = count_scores(forecast, observed, drawn[np.newaxis])
    repeated = scores_of(np.repeat(count, drawn, axis=0), np.repeat(observed, drawn))
    for name, value in weighted.items():
        assert value.item() == pytest.approx(repeated[name]), name


@pytest.mark.slow
@given(st.lists(st.floats(0, 1), min_size=1, max_size=7), st.data())
def test_count_of_independent_storms_has_the_distribution_of_all_their_outcomes(probability, data):
    observed = data.draw(st.integers(0, len(probability)))
    chance = np.zeros(len(probability) + 1)
    for outcome in itertools.product((0, 1), repeat=len(probability)):
        chance[sum(outcome)] += np.prod(np.where(outcome, probability, 1 - np.array(probability)))
    forecast = count_forecast_of_independent_storms(
        probability, np.zeros(len(probability), int), [observed]
    )
    assert forecast.lower[0] == pytest.approx(chance[:observed].sum(), abs=1e-12)
    assert forecast.upper[0] == pytest.approx(chance[: observed + 1].sum(), abs=1e-12)
    distance = chance @ np.abs(np.arange(chance.size) - observed)
    pairs = np.abs(np.subtract.outer(np.arange(chance.size), np.arange(chance.size)))
    assert forecast.crps[0] == pytest.approx(distance - chance @ pairs @ chance / 2, abs=1e-12)


def test_independent_storms_of_several_runs_agree_with_scipy():
    rng = np.random.default_rng(2)
    probability, run = rng.beta(0.5, 4, 300), rng.integers(0, 3, 300)
    observed = np.array([7, 0, 15])
    forecast = count_forecast_of_independent_storms(probability, run, observed)
    for index, number in enumerate(observed):
        law = stats.poisson_binom(probability[run == index])
        assert forecast.mean[index] == pytest.approx(law.mean())
        assert forecast.variance[index] == pytest.approx(law.var())
        assert forecast.upper[index] == pytest.approx(law.cdf(number), abs=1e-10)
        assert forecast.upper[index] - forecast.lower[index] == pytest.approx(law.pmf(number))


def test_members_that_share_errors_of_the_right_size_are_calibrated():
    runs = runs_with_shared_error(0.6)
    scores = scores_of(*runs)
    assert scores["spread_skill_ratio"] == pytest.approx(1, abs=0.1)
    assert scores["coverage_50"] == pytest.approx(0.5, abs=0.06)
    assert scores["coverage_90"] == pytest.approx(0.9, abs=0.04)
    assert pit_variance(*runs) == pytest.approx(1 / 12, abs=0.008)


@pytest.mark.parametrize(
    ("spread", "coherent"), [(0.6, False), (0.2, True), (0.0, True)],
    ids=["each storm has its own masks", "spread too small", "no spread"],
)  # fmt: skip
def test_members_with_too_little_spread_are_detected(spread, coherent):
    right = scores_of(*runs_with_shared_error(0.6))
    runs = runs_with_shared_error(spread, coherent)
    scores = scores_of(*runs)
    assert scores["spread_skill_ratio"] < 0.8
    assert scores["coverage_90"] < 0.8
    assert pit_variance(*runs) > 1 / 12 + 0.015
    assert scores["pit_deviation"] > right["pit_deviation"]
    assert scores["crps"] > right["crps"]


def test_members_with_too_much_spread_are_detected():
    right = scores_of(*runs_with_shared_error(0.6))
    runs = runs_with_shared_error(1.5)
    scores = scores_of(*runs)
    assert scores["spread_skill_ratio"] > 1.3
    assert scores["coverage_90"] > 0.95
    assert pit_variance(*runs) < 1 / 12 - 0.015
    assert scores["pit_deviation"] > right["pit_deviation"]
    assert scores["crps"] > right["crps"]


def test_single_member_has_only_a_bias():
    scores = scores_of(np.array([[4], [2]]), np.array([3, 2]))
    assert scores.pop("bias") == pytest.approx(0.5)
    assert np.isnan(list(scores.values())).all()


def test_ratio_of_spread_and_error_is_undefined_without_error():
    assert np.isnan(scores_of(np.array([[3, 5]]), np.array([4]))["spread_skill_ratio"])
