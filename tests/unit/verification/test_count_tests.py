"""Tests of event counts find bias and wrong spread, and rarely find them where there are none."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from scipy import stats

from stormcnn.verification.count_tests import (
    BlockMean,
    count_tests,
    coverage_interval,
    remove_bias,
    scale_to_total,
    spread_terms,
)
from stormcnn.verification.counts import ranks_among_members
from stormcnn.vocabulary import LEAST_BLOCKS

pytestmark = pytest.mark.slow

LEVEL = 0.05
DATA_SETS = 400


class Verdicts(NamedTuple):
    """Shares of the data sets in which something is found."""

    over: float
    under: float
    narrow: float
    wide: float


def simulate(days, spread=1.0, bias=0.0, runs_a_day=1, data_sets=DATA_SETS):
    """Judge members of 40 storms a run whose log odds share an error on each day.

    The standard deviation of the error is 0.8, that of the members is `spread` times as large, and
    `bias` is added to their log odds.
    """
    rng = np.random.default_rng([days, runs_a_day])
    day = np.repeat(np.arange(days), runs_a_day)
    once = np.ones((1, day.size))
    verdicts = []
    for _ in range(data_sets):
        logit = rng.normal(-3.9, 1.2, (day.size, 40, 1))
        truth = 1 / (1 + np.exp(-logit - 0.8 * rng.normal(size=(days, 1, 1))[day]))
        shift = bias + 0.8 * spread * rng.normal(size=(days, 1, 50))[day]
        members = 1 / (1 + np.exp(-logit - shift))
        observed = (rng.random(truth.shape) < truth).sum(axis=(1, 2))
        count = (rng.random(members.shape) < members).sum(axis=1)
        error = count.mean(axis=1) - observed
        scaled = remove_bias(count, members.sum(axis=1), observed, np.full(day.size, 40))
        scores = count_tests(error, ranks_among_members(scaled, observed), day, once, 0.95).scores
        biased = scores["bias_p_value"][0] < LEVEL
        wrong = scores["width_p_value"][0] < LEVEL
        over, narrow = error.sum() > 0, scores["pit_variance"][0] > 1 / 12
        verdicts.append((biased & over, biased & ~over, wrong & narrow, wrong & ~narrow))
    return Verdicts(*np.mean(verdicts, axis=0))


# Verdicts on made-up forecasts


@pytest.mark.parametrize("days", [12, 20, 36])
def test_exchangeable_members_are_rarely_called_biased_or_of_wrong_spread(days):
    shares = simulate(days)
    assert shares.over + shares.under <= 0.08
    assert shares.narrow + shares.wide <= 0.08


def test_runs_of_one_day_are_one_observation():
    shares = simulate(12, runs_a_day=4, data_sets=100)
    assert shares.over + shares.under <= 0.08
    assert shares.narrow + shares.wide <= 0.08


@pytest.mark.parametrize("bias", [0.5, -0.5])
def test_bias_is_found_and_not_taken_for_wrong_spread(bias):
    shares = simulate(36, bias=bias)
    found, wrong = (shares.over, shares.under) if bias > 0 else (shares.under, shares.over)
    assert found > 0.5
    assert wrong == 0
    assert shares.narrow + shares.wide <= 0.08


def test_members_with_too_little_spread_are_called_too_narrow_even_with_a_bias():
    shares = simulate(36, spread=0.25, bias=0.5)
    assert shares.narrow > 0.25
    assert shares.wide == 0


def test_members_with_too_much_spread_are_called_too_wide():
    shares = simulate(36, spread=2.5)
    assert shares.wide > 0.25
    assert shares.narrow == 0


# The tests by hand


def test_symmetric_sums_have_the_p_value_and_interval_of_the_t_test():
    sums = np.arange(-5.0, 6.0) + 1
    test = stats.ttest_1samp(sums, 0)
    assert BlockMean(sums).p_value(0) == pytest.approx(test.pvalue)
    assert BlockMean(sums).interval(0.9) == pytest.approx(tuple(test.confidence_interval(0.9)))


def test_interval_has_the_means_that_the_test_does_not_reject():
    mean = BlockMean(np.random.default_rng(1).exponential(size=15))
    for end in mean.interval(0.95):
        assert mean.p_value(end) == pytest.approx(0.05)


def test_skewed_sums_with_mean_zero_are_rarely_called_different_from_zero():
    sums = np.random.default_rng(0).exponential(size=(2000, 12)) - 1
    rejected = np.mean([BlockMean(row).p_value(0) < LEVEL for row in sums])
    assert rejected < np.mean(stats.ttest_1samp(sums, 0, axis=1).pvalue < LEVEL) - 0.02


@pytest.mark.parametrize("sums", [[0.4], np.zeros(20), np.full(20, np.nan)])
def test_nothing_is_known_from_one_sum_or_from_equal_sums(sums):
    assert np.isnan([BlockMean(sums).p_value(0), *BlockMean(sums).interval(0.95)]).all()


@pytest.mark.parametrize(("blocks", "tested"), [(LEAST_BLOCKS - 1, False), (LEAST_BLOCKS, True)])
def test_fewer_than_ten_blocks_are_not_tested(blocks, tested):
    draw = np.random.default_rng(0)
    ends, once = draw.random((2, blocks)), np.ones((1, blocks))
    lower, upper = ends.min(axis=0), ends.max(axis=0)
    tests = count_tests(draw.random(blocks), (lower, upper), np.arange(blocks), once, 0.95)
    for score in ("bias_p_value", "width_p_value"):
        assert np.isfinite(tests.scores[score][0]) == tested
    assert np.isfinite(list(tests.ends.values())).all()


def test_interval_of_the_bias_is_per_run():
    draw = np.random.default_rng(1)
    error, block = draw.normal(1, 1, 40), np.repeat(np.arange(20), 2)
    tests = count_tests(error, (np.zeros(40), np.ones(40)), block, np.ones((1, 40)), 0.95)
    low, high = tests.ends["bias"]
    assert low < error.mean() < high
    assert (high - low) / 2 < 1


@pytest.mark.parametrize("inside", [0, 3, 18, 35, 36])
def test_interval_of_coverage_is_that_of_scipy(inside):
    low, high = coverage_interval(inside / 36, blocks=36, confidence=0.95)
    exact = stats.binomtest(inside, 36).proportion_ci(0.95, method="exact")
    assert (low, high) == (pytest.approx(exact.low), pytest.approx(exact.high))


@pytest.mark.parametrize("total", [0, 300, 800])
def test_counts_without_bias_have_the_observed_total_and_whole_numbers(total):
    rng = np.random.default_rng(1)
    count = rng.binomial(1000, 0.005, (100, 200))
    observed = np.bincount(rng.integers(0, 100, total), minlength=100)
    scaled = remove_bias(count, np.full(count.shape, 5.0), observed, np.full(100, 1000))
    assert scaled.mean(axis=1).sum() == pytest.approx(total, rel=0.02)
    assert scaled.dtype.kind == "i"
    np.testing.assert_allclose(scaled.var(), total / 100, rtol=0.05)


def test_counts_without_bias_never_exceed_the_storms():
    count = np.random.default_rng(0).binomial(10, 0.5, (30, 8))
    scaled = remove_bias(count, np.full(count.shape, 5.0), np.full(30, 8), np.full(30, 10))
    assert scaled.max() == 10
    assert scaled.mean() == pytest.approx(8, abs=0.3)


@pytest.mark.parametrize("event", [0, 1])
def test_nothing_but_events_or_no_events_say_nothing_about_the_spread(event):
    count, number = np.random.default_rng(0).binomial(10, 0.5, (30, 8)), np.full(30, 10)
    scaled = remove_bias(count, np.full(count.shape, 5.0), event * number, number)
    np.testing.assert_array_equal(scaled, event * 10)


def test_forecast_of_no_events_has_no_bias_that_could_be_removed():
    none = np.zeros((4, 3), int)
    np.testing.assert_array_equal(remove_bias(none, none, [1, 0, 2, 0], [5] * 4), none)
    np.testing.assert_array_equal(scale_to_total([0.0, 0.0], [1]), [0, 0])


def test_mean_of_the_terms_is_the_variance_of_the_transform_plus_that_of_its_mean():
    position = np.random.default_rng(2).random(40)
    terms = spread_terms(position, position, block=np.arange(40))
    assert terms.mean() == pytest.approx(position.var(ddof=1))
