"""Tests of sums by block keep their level, find what is there, and never exceed their evidence."""

import numpy as np
import pytest
from scipy import stats

from stormcnn.verification.block_tests import calibration_sums, t_test


def test_p_value_is_that_of_students_test():
    sums = np.random.default_rng(0).normal(0.3, 1, 25)
    assert t_test(sums) == pytest.approx(stats.ttest_1samp(sums, 0).pvalue)
    assert t_test(-sums) == t_test(sums)


@pytest.mark.parametrize(
    ("sums", "p_value"),
    [([0, 0, 0], 1), ([1, 1, 1, 1], 1 / 8), ([1e-9, 1e-9], 0.5), ([1e9 + 1, 1e9], 0.5)],
)
def test_p_value_is_never_below_that_of_sign_flips(sums, p_value):
    assert t_test(sums) == p_value


@pytest.mark.parametrize("sums", [[], [1.0], [1.0, np.nan]])
def test_too_few_blocks_have_no_p_value(sums):
    assert np.isnan(t_test(sums))


def calibration_p_values(blocks, slope=1.0, bias=0.0, seed=0):
    draw = np.random.default_rng(seed)
    odds = draw.normal(-2, 1.5, 40 * blocks)
    event = (draw.random(odds.size) < 1 / (1 + np.exp(-(slope * odds + bias)))).astype(float)
    block = np.arange(odds.size) // 40
    return [*map(t_test, calibration_sums(1 / (1 + np.exp(-odds)), event, block, blocks).values())]


@pytest.mark.parametrize("blocks", [12, 36])
def test_calibrated_forecasts_are_rarely_rejected(blocks):
    p = np.array([calibration_p_values(blocks, seed=seed) for seed in range(200)])
    assert ((p < 0.05).mean(axis=0) <= 0.08).all()


def test_bias_and_slope_are_told_apart():
    biased = np.array([calibration_p_values(36, bias=0.6, seed=seed) for seed in range(40)])
    assert (biased[:, 0] < 0.05).mean() > 0.9
    assert (biased[:, 1] < 0.05).mean() < 0.3
    # A slope changes the frequency of events, too; only its own test finds it if that is corrected.
    steep = np.array([calibration_p_values(36, 1.6, 1.0, seed) for seed in range(40)])
    assert (steep[:, 1] < 0.05).mean() > 0.9


def test_equal_probabilities_have_no_slope():
    block = np.array([0, 0, 1, 1])
    sums = calibration_sums(np.full(4, 0.3), np.array([0.0, 1, 0, 0]), block, blocks=2)
    assert np.isnan(sums["calibration_slope"]).all()
    assert np.isfinite(sums["calibration_bias"]).all()
