"""Logistic regression of events on the log odds of their probability, for many resamples at once.

The model is log odds of the event = a + b x, where x are the log odds of the forecast. Storms
enter as counts: x (bins,), and the numbers of storms and events (rows, bins), with one row for
each resample. Source: Cox (1958).
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from stormcnn.verification.storm_slices import storm_slices
from stormcnn.vocabulary import Array

MOST_STEPS = 30
"""Steps of Newton's method after which a fit is taken not to exist."""

_CELLS = 2**18
"""Largest number of elements of temporary arrays of rows and bins."""

TOLERANCE = 1e-5
"""Largest change of a coefficient in the last step.

The error after the step is about the square of the change.
"""


def fit_intercept(
    x: Array, storms: Array, events: Array, together: tuple[Array, Array] | None = None
) -> Array:
    """Return the intercept a of the model with slope 1 (rows,).

    It is the bias on the scale of log odds. NaN without events or without other storms. The search
    is faster from the fit of the numbers `together` of storms and events (bins,), if the rows
    differ little from these.

    >>> fit_intercept(np.array([0.0]), np.array([[4.0]]), np.array([[1.0]])).round(4)
    array([-1.0986])
    """
    return _fit(x, storms, events, together, with_slope=False)[:, 0]


def fit_slope(
    x: Array, storms: Array, events: Array, together: tuple[Array, Array] | None = None
) -> Array:
    """Return the slope b of the model (rows,).

    NaN where it is infinite or undefined, for instance if a threshold separates all events from
    the other storms. `together` is as in `fit_intercept`.

    >>> x = np.array([-1.0, 1.0])
    >>> fit_slope(x, np.array([[8.0, 8.0]]), np.array([[2.0, 6.0]])).round(4)
    array([1.0986])
    """
    return _fit(x, storms, events, together, with_slope=True)[:, 1]


def _fit(
    x: Array,
    storms: Array,
    events: Array,
    together: tuple[Array, Array] | None,
    *,
    with_slope: bool,
) -> Array:
    """Maximize the likelihood by Newton's method, and return a and b (rows, 2).

    From a constant probability, Newton's method practically always finds an existing maximum, so a
    row that has not found one from the fit of `together` starts again from there.
    """
    coefficients = np.full((len(storms), 2), np.nan)
    if together is not None:
        one_row = together[0][np.newaxis], together[1][np.newaxis]
        start = _search(x, *one_row, None, with_slope=with_slope)
        if not np.isnan(start).any():
            coefficients = _search(x, storms, events, start[0], with_slope=with_slope)
    failed = np.isnan(coefficients).any(axis=1)
    coefficients[failed] = _search(x, storms[failed], events[failed], None, with_slope=with_slope)
    return coefficients


def _search(
    x: Array, storms: Array, events: Array, start: Array | None, *, with_slope: bool
) -> Array:
    """Return a and b (rows, 2), NaN without a maximum. The search begins at `start` (2,).

    It begins at a constant probability if that is None.
    """
    total, all_storms = events.sum(axis=1), storms.sum(axis=1)
    exists = (total > 0) & (total < all_storms)
    if start is None:
        coefficients = np.tile([0.0, 0.0 if with_slope else 1.0], (len(storms), 1))
        if with_slope:
            coefficients[exists, 0] = np.log(total[exists] / (all_storms - total)[exists])
    else:
        coefficients = np.tile(start, (len(storms), 1))
    active = np.flatnonzero(exists)
    if not exists.all():
        storms, events = storms[active], events[active]
    with np.errstate(all="ignore"):
        for _ in range(MOST_STEPS):
            if not active.size:
                break
            residual, weight = _derivatives(x, storms, events, coefficients[active])
            step = np.zeros((active.size, 2))
            if with_slope:
                s0, s1, s2 = weight.T
                r0, r1 = residual.T
                determinant = s0 * s2 - s1 * s1
                # Equal log odds determine no slope.
                determinant[determinant <= 1e-12 * s0 * s2] = np.nan
                step[:, 0] = (s2 * r0 - s1 * r1) / determinant
                step[:, 1] = (s0 * r1 - s1 * r0) / determinant
                step /= np.maximum(1, np.abs(step[:, 1:]))
            else:
                step[:, 0] = np.clip(residual[:, 0] / weight[:, 0], -3, 3)
            coefficients[active] += step
            moves = ~(np.abs(step).max(axis=1) < TOLERANCE)
            if not moves.all():
                active, storms, events = active[moves], storms[moves], events[moves]
    coefficients[active] = np.nan
    coefficients[~exists] = np.nan
    return coefficients


def _derivatives(
    x: Array, storms: Array, events: Array, coefficients: Array
) -> tuple[Array, Array]:
    """Return the derivatives of the log likelihood at a and b, `coefficients` (rows, 2).

    The first ones are the sums of r and r x (rows, 2), where r are the events minus their
    expectation; the second ones those of w, w x and w x^2 (rows, 3), where w is its variance.
    """
    residuals, weights = np.zeros((len(storms), 2)), np.zeros((len(storms), 3))
    a, b = coefficients.T
    for bins in storm_slices(x.size, max(1, _CELLS // len(storms))):
        p = b[:, np.newaxis] * x[bins]
        p += a[:, np.newaxis]
        expit(p, out=p)
        expected = storms[:, bins] * p
        residual = events[:, bins] - expected
        weight = np.multiply(expected, np.subtract(1, p, out=p), out=p)
        moments = np.stack([np.ones_like(x[bins]), x[bins], x[bins] ** 2], axis=1)
        residuals += residual @ moments[:, :2]
        weights += weight @ moments
    return residuals, weights
