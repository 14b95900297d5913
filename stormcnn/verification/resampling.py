"""Confidence intervals and p-values from resampled run dates.

Storms of one forecast run are correlated, so run dates are resampled instead of storms: a
resample draws as many run dates as there are, with replacement, and the weight of a storm is the
number of times its run date was drawn. Two forecasts are compared on the same resamples. With
fewer than about ten run dates the intervals are too narrow, as for any bootstrap of groups.
Sources: Efron and Tibshirani (1993); Field and Welsh (2007) for resampling groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stormcnn.vocabulary import Array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

MOST_UNDEFINED = 0.05
"""Largest share of undefined resamples with which a value still gets an interval.

A value that depends on one or two run dates is undefined in more than 5 % of the resamples and
almost constant in the others, so that percentiles would claim a certainty that does not exist.
"""


class Resamples(NamedTuple):
    """Resamples of run dates.

    `dates` (dates,) are the distinct run dates in ascending order, `date` (storms,) is the index
    of each storm's run date in `dates`, and `weights` (resamples, dates) is the number of times
    each run date was drawn.
    """

    dates: Array
    date: Array
    weights: Array


def resample_dates(run_date: ArrayLike, resamples: int, seed: int = 0) -> Resamples:
    """Draw run dates with replacement, `resamples` times.

    `run_date` (storms,) may have any sortable type. The draws depend on the set of run dates and
    on `seed`, but not on the order of storms, so all forecasts of the same storms are judged on
    the same resamples.

    >>> draws = resample_dates(["2 May", "1 May", "2 May"], resamples=3, seed=0)
    >>> draws.date
    array([1, 0, 1])
    >>> draws.weights.sum(axis=1)
    array([2, 2, 2])
    """
    dates, date = np.unique(np.asarray(run_date), return_inverse=True)
    draw = np.random.Generator(np.random.Philox(seed))
    weights = draw.multinomial(dates.size, np.full(dates.size, 1 / dates.size), size=resamples)
    return Resamples(dates, date, weights)


def interval(samples: ArrayLike, confidence: float) -> tuple[Array, Array]:
    """Return the ends of the percentile interval over the first axis of `samples`.

    `samples` has the shape (resamples, ...), the ends have the shape (...). Resamples that are NaN
    are left out. Both ends are NaN if the share of these exceeds `MOST_UNDEFINED`, or without
    resamples. Source: Efron and Tibshirani (1993, chapter 13).

    >>> low, high = interval(range(101), confidence=0.9)
    >>> round(float(low), 6), round(float(high), 6)
    (5.0, 95.0)
    """
    values = np.asarray(samples, dtype=np.float64)
    ends = np.full((2, *values.shape[1:]), np.nan)
    if len(values):
        levels = [(1 - confidence) / 2, (1 + confidence) / 2]
        missing = np.isnan(values).mean(axis=0)
        whole, some = missing == 0, (missing > 0) & (missing <= MOST_UNDEFINED)
        ends[:, whole] = np.quantile(values[:, whole], levels, axis=0)
        if some.any():
            ends[:, some] = np.nanquantile(values[:, some], levels, axis=0)
    return ends[0], ends[1]


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


def p_value(samples: ArrayLike) -> float:
    """Return the two-sided p-value of the hypothesis that the value is 0.

    `samples` (resamples,) are resamples of the value. The p-value is twice the smaller of the
    shares of resamples <= 0 and >= 0, with 1 added to count and number, so it is never 0.
    Undefined resamples count on both sides. NaN without resamples.
    Sources: Davison and Hinkley (1997, section 4.2), Efron and Tibshirani (1993, chapter 16).

    >>> p_value([1, 2, 3, -1, 4, 5, 6, 7, 8])
    0.4
    """
    values = np.asarray(samples, dtype=np.float64)
    if not values.size or np.isnan(values).all():
        return float("nan")
    count = min((~(values > 0)).sum(), (~(values < 0)).sum())
    return float(min(1.0, 2 * (1 + count) / (values.size + 1)))


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
