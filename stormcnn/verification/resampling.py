"""Confidence intervals and p-values from resampled blocks of forecast runs.

Storms of one block are correlated, so blocks (`blocks.block_of`) are resampled instead of storms:
a resample draws as many blocks as there are, with replacement, and the weight of a storm is the
number of times its block was drawn. Two forecasts are compared on the same resamples. Percentiles
of few blocks are too narrow, so deviations from the value are widened by `widening`.
Sources: Efron and Tibshirani (1993); Field and Welsh (2007) for resampling groups.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

from stormcnn.vocabulary import Array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

MOST_UNDEFINED = 0.05
"""Largest share of undefined resamples with which a value still gets an interval.

A value that depends on one or two blocks is undefined in more than 5 % of the resamples and
almost constant in the others, so that percentiles would claim a certainty that does not exist.
"""


class Resamples(NamedTuple):
    """Resamples of blocks.

    `blocks` (blocks,) are the labels of the blocks in ascending order, `block` (storms,) is the
    index of each storm's block in `blocks`, and `weights` (resamples, blocks) is the number of
    times each block was drawn.
    """

    blocks: Array
    block: Array
    weights: Array


def resample_blocks(block_labels: ArrayLike, resamples: int, seed: int = 0) -> Resamples:
    """Draw blocks with replacement, `resamples` times.

    `block_labels` (storms,) may have any sortable type. The draws depend on the set of blocks and
    on `seed`, but not on the order of storms, so all forecasts of the same storms are judged on
    the same resamples.

    >>> draws = resample_blocks(["2 May", "1 May", "2 May"], resamples=3, seed=0)
    >>> draws.block
    array([1, 0, 1])
    >>> draws.weights.sum(axis=1)
    array([2, 2, 2])
    """
    blocks, block = np.unique(np.asarray(block_labels), return_inverse=True)
    return Resamples(blocks, block, draw_blocks(blocks.size, resamples, seed))


def draw_blocks(blocks: int, resamples: int, seed: int = 0) -> Array:
    """Return how often each of the blocks was drawn (resamples, blocks), see `Resamples`."""
    draw = np.random.Generator(np.random.Philox(seed))
    return draw.multinomial(blocks, np.full(blocks, 1 / blocks), size=resamples)


def widening(tail: ArrayLike, degrees_of_freedom: ArrayLike) -> Array:
    """Return how much wider Student's t distribution is than the normal one.

    It is the ratio of their quantiles of probability `tail` (...), at most 1/2.

    >>> widening(0.025, 9).round(3)
    np.float64(1.154)
    """
    # The ratio is 0/0 at 1/2 and smooth next to it.
    probability = np.minimum(np.asarray(tail, dtype=np.float64), 0.499)
    return stdtrit(degrees_of_freedom, probability) / ndtri(probability)


def rescale(value: ArrayLike, samples: ArrayLike, blocks: int) -> Array:
    """Return the samples (resamples, ...) with their deviations times sqrt(D / (D - 1)).

    Resampling D `blocks` reproduces the variance of `value` (...) with the divisor D instead of
    D - 1.

    >>> rescale(1.0, [0.0, 1.0, 2.0], blocks=2).round(3)
    array([-0.414,  1.   ,  2.414])
    """
    center = np.asarray(value, dtype=np.float64)
    return center + np.sqrt(blocks / (blocks - 1)) * (np.asarray(samples) - center)


def interval(
    value: ArrayLike, samples: ArrayLike, confidence: float, blocks: int
) -> tuple[Array, Array]:
    """Return the ends of the percentile interval, corrected for few blocks.

    `value` has the shape (...), its `samples` have the shape (resamples, ...), and the ends have
    the shape (...). Samples are rescaled (`rescale`), and the distance of their percentiles from
    the value is widened by the t distribution with D - 1 degrees of freedom for D `blocks`. Both
    ends are NaN with a single block, and as in `widened_interval`.
    Sources: Efron and Tibshirani (1993, chapter 13); Hesterberg (2015) for the correction.

    >>> low, high = interval(50, range(101), confidence=0.9, blocks=10)
    >>> round(float(low), 2), round(float(high), 2)
    (-2.86, 102.86)
    """
    if blocks < 2:
        nothing = np.full(np.shape(value), np.nan)
        return nothing, nothing
    return widened_interval(value, rescale(value, samples, blocks), blocks - 1, confidence)


def widened_interval(
    value: ArrayLike, samples: ArrayLike, degrees_of_freedom: ArrayLike, confidence: float
) -> tuple[Array, Array]:
    """Return the percentile interval with distances from the value times `widening`.

    Shapes are as in `interval`, and (...) or () for the degrees of freedom. Samples that are NaN
    are left out. Both ends are NaN if the share of these exceeds `MOST_UNDEFINED`, or with too few
    resamples to have the percentiles among them (`resamples_needed`).

    >>> low, high = widened_interval(50, range(101), degrees_of_freedom=9, confidence=0.9)
    >>> round(float(low), 2), round(float(high), 2)
    (-0.15, 100.15)
    """
    center = np.asarray(value, dtype=np.float64)
    values = np.asarray(samples, dtype=np.float64)
    ends = np.full((2, *values.shape[1:]), np.nan)
    if len(values) >= resamples_needed(1, confidence):
        tail = (1 - confidence) / 2
        levels = [tail, 1 - tail]
        missing = np.isnan(values).mean(axis=0)
        whole, some = missing == 0, (missing > 0) & (missing <= MOST_UNDEFINED)
        ends[:, whole] = np.quantile(values[:, whole], levels, axis=0)
        if some.any():
            ends[:, some] = np.nanquantile(values[:, some], levels, axis=0)
        ends = center + widening(tail, degrees_of_freedom) * (ends - center)
    return ends[0], ends[1]


def resamples_needed(comparisons: int, confidence: float) -> int:
    """Return the fewest resamples with which one of several comparisons can be significant.

    The smallest p-value of B resamples is 2 / (B + 1), and Holm's correction multiplies it by the
    number of comparisons.

    >>> resamples_needed(1, 0.95), resamples_needed(4, 0.95)
    (39, 159)
    """
    return math.ceil(round(2 * comparisons / (1 - confidence), 6)) - 1


def reflect(value: float, samples: Array) -> Array:
    """Reflect `samples` (resamples,) of a score at its `value`, as in the basic bootstrap.

    Used for scores that measure a departure from reliability. Random departures count
    too, so these scores are biased high, and resampling adds randomness: without reflection, the
    interval of a perfectly reliable forecast would never contain 0. After it, the interval may lie
    below the value.
    Source: Davison and Hinkley (1997, section 5.2).

    >>> reflect(1.0, np.array([1.5, 2.0]))
    array([0.5, 0. ])
    """
    return 2 * value - samples


def p_value(value: float, samples: ArrayLike, blocks: int) -> float:
    """Return the two-sided p-value of the hypothesis that the value is 0.

    `samples` (resamples,) are resamples of `value` from that many `blocks`. The p-value is that of
    `widened_p_value` after `rescale`, and NaN with a single block.

    >>> p_value(4.0, [1, 2, 3, -3, 4, 5, 6, 7, 8], blocks=50)
    0.4
    """
    if blocks < 2:
        return float("nan")
    return widened_p_value(value, rescale(value, samples, blocks), blocks - 1)


def widened_p_value(value: float, samples: ArrayLike, degrees_of_freedom: float) -> float:
    """Return one minus the confidence at which `widened_interval` reaches 0.

    `samples` (resamples,) are resamples of `value`. 1 is added to count and number, so the p-value
    is never below 2 / (resamples + 1). Undefined resamples count on both sides. NaN for an
    undefined value, or without resamples.
    Sources: Davison and Hinkley (1997, section 4.2), Efron and Tibshirani (1993, chapter 16).

    >>> widened_p_value(4.0, [1, 2, 3, -3, 4, 5, 6, 7, 8], degrees_of_freedom=50)
    0.4
    """
    values = np.sort(np.asarray(samples, dtype=np.float64))  # NaN is last
    if not values.size or np.isnan(value) or np.isnan(values).all():
        return float("nan")
    factor = _widening_of_ranks(values.size, degrees_of_freedom)
    undefined = np.isnan(values).sum()
    from_below = np.roll(values, undefined)  # undefined resamples may lie on either side
    below = ~(value + factor * (from_below - value) > 0)
    above = ~(value + factor * (values - value) < 0)
    return float(min(1.0, 2 * (1 + min(below.sum(), above.sum())) / (values.size + 1)))


@lru_cache(maxsize=64)
def _widening_of_ranks(size: int, degrees_of_freedom: float) -> Array:
    """Return `widening` for each of `size` sorted samples (size,).

    Most values have the same degrees of freedom, and the quantiles take longer than the rest.
    """
    rank = np.arange(1, size + 1)
    factor = widening(np.minimum(rank, rank[::-1]) / (size + 1), degrees_of_freedom)
    factor.flags.writeable = False
    return factor


def holm(p_values: ArrayLike) -> Array:
    """Return p-values (comparisons,) corrected for multiple comparisons.

    `p_values` (comparisons,) are those of one family of hypotheses. The k-th smallest of m is
    multiplied by m - k + 1, then the sequence is made monotone. NaN stays NaN and is not counted.
    Source: Holm (1979).

    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    uncorrected = np.asarray(p_values, dtype=np.float64)
    corrected = np.full(uncorrected.shape, np.nan)
    order = np.argsort(uncorrected)[: np.count_nonzero(~np.isnan(uncorrected))]
    stepped = uncorrected[order] * np.arange(order.size, 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return corrected
