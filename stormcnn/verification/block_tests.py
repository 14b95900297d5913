"""Tests of hypotheses about the sum of a term over storms, from its sums by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtr

from stormcnn.verification.scores import log_odds
from stormcnn.verification.storm_slices import forecast_slices
from stormcnn.vocabulary import Array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def t_test(sums: ArrayLike) -> float:
    """Return the two-sided p-value of the hypothesis that the expected sum of a block is 0.

    `sums` (blocks,) are the sums of a term over the storms of each block, which are independent.
    This is Student's one-sample t test. The p-value is at least 2^(1 - D) for D blocks, the
    smallest one of the test that flips the signs of the sums, because equal sums of few blocks
    would otherwise make it arbitrarily small. NaN with fewer than two blocks.

    >>> round(t_test([1.0, 2.0, 0.5, 1.5, -0.2]), 4)
    0.0662
    >>> t_test([1.0, 1.0, 1.0])
    0.25
    """
    values = np.asarray(sums, dtype=np.float64)
    if values.size < 2 or np.isnan(values).any():
        return float("nan")
    mean, error = values.mean(), values.std(ddof=1) / np.sqrt(values.size)
    if abs(mean) <= 1e-12 * np.abs(values).max():
        return 1.0
    smallest = 2.0 ** (1 - values.size)
    if error == 0:
        return smallest
    return float(max(smallest, 2 * stdtr(values.size - 1, -abs(mean) / error)))


def calibration_sums(p: Array, y: Array, block: Array, blocks: int) -> dict[str, Array]:
    """Return the sums of the terms of two tests of calibration, arrays (blocks,) by name.

    `p` and `y` (storms,) are probabilities and events, `block` (storms,) is the index of each
    storm's block. `calibration_bias` sums y - p, whose expectation is 0 if the forecast has no
    overall bias. `calibration_slope` sums (y - p)(x - m), where x is the log odds of p and m its
    mean with the weights p(1 - p), so that a constant bias on the scale of log odds does not count;
    it is NaN if all probabilities are equal. Both are parts of the score statistic of a logistic
    regression of y on x at intercept 0 and slope 1. Source: Cox (1958).

    >>> sums = calibration_sums(np.array([0.2, 0.8]), np.array([0, 1]), np.array([0, 1]), blocks=2)
    >>> sums["calibration_bias"].round(3), sums["calibration_slope"].round(3)
    (array([-0.2,  0.2]), array([0.277, 0.277]))
    """
    bias, of_log_odds = np.zeros((2, blocks))
    weights = weighted_log_odds = 0.0
    for some_p, some_y, by in forecast_slices(p, y, block):
        x, weight = log_odds(some_p), some_p * (1 - some_p)
        bias += np.bincount(by, some_y - some_p, blocks)
        of_log_odds += np.bincount(by, (some_y - some_p) * x, blocks)
        weights += weight.sum()
        weighted_log_odds += (weight * x).sum()
    undefined = p.min() == p.max() or weights == 0
    mean = np.nan if undefined else weighted_log_odds / weights
    return {"calibration_bias": bias, "calibration_slope": of_log_odds - mean * bias}
