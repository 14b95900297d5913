"""Fit recalibrations to held-out storms, and judge whether they help.

A network fits its training storms better than new storms, so a recalibration fitted to the former
makes forecasts too sharp. It is therefore fitted to the last blocks of the training period, as
forecast by a network that was trained without them. Whether it helps is judged out of fold: each
block is recalibrated by a fit to the others.
Sources: Cox (1958) and Platt (1999) for `intercept` and `logistic`; Zadrozny and Elkan (2002) for
`isotonic`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import brentq, isotonic_regression, minimize
from scipy.special import expit, stdtr, stdtrit

from stormcnn.storms.events import LEAST_STORMS_PER_CLASS, has_enough_storms
from stormcnn.verification.blocks import block_of
from stormcnn.verification.reading import Stored, opened, read_storms
from stormcnn.verification.recalibration import LARGEST_LOG_ODDS, Recalibration, log_odds
from stormcnn.verification.scores import check_forecast, log_losses
from stormcnn.vocabulary import (
    INTERCEPT,
    ISOTONIC,
    LEAST_BLOCKS,
    LOGISTIC,
    Array,
    BlockSize,
    RecalibrationMethod,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

logger = logging.getLogger(__name__)

COLUMNS = ("log_score_gain", "low", "high", "p_value", "blocks", "storms", "events", "used")
NONE = "none"
"""The method of probabilities that are not recalibrated."""


def _fit_intercept(probability: Array, event: Array) -> Recalibration:
    limit = 2 * LARGEST_LOG_ODDS
    if event.all() or not event.any():
        # The likelihood has its maximum at infinity.
        return Recalibration(INTERCEPT, limit if event.all() else -limit, 1.0)
    # SciPy keeps the function until the next garbage collection, but not its arguments.
    arrays = log_odds(probability), event
    return Recalibration(INTERCEPT, float(brentq(_excess, -limit, limit, args=arrays)), 1.0)


def _excess(intercept: float, odds: Array, event: Array) -> float:
    return float((expit(intercept + odds) - event).sum())


def _fit_logistic(probability: Array, event: Array) -> Recalibration:
    if event.all() or not event.any():
        limit = 2 * LARGEST_LOG_ODDS
        return Recalibration(LOGISTIC, limit if event.all() else -limit, 0.0)
    terms = np.stack([np.ones_like(event), log_odds(probability)])

    def loss(parameters: Array) -> float:
        odds = parameters @ terms
        return float((np.logaddexp(0, odds) - event * odds).mean())

    def gradient(parameters: Array) -> Array:
        return terms @ (expit(parameters @ terms) - event) / event.size

    def curvature(parameters: Array) -> Array:
        chance = expit(parameters @ terms)
        return (terms * (chance * (1 - chance))) @ terms.T / event.size

    fit = minimize(loss, [0.0, 1.0], method="trust-exact", jac=gradient, hess=curvature)
    if fit.x[1] < 0:
        # The order of the storms must not be reversed; the best constant is the event frequency.
        return Recalibration(LOGISTIC, float(log_odds(event.mean())), 0.0)
    return Recalibration(LOGISTIC, float(fit.x[0]), float(fit.x[1]))


def _fit_isotonic(probability: Array, event: Array) -> Recalibration:
    knots, knot = np.unique(probability, return_inverse=True)
    storms = np.bincount(knot)
    frequencies = isotonic_regression(np.bincount(knot, event) / storms, weights=storms).x
    # Within a pool of equal frequencies, the first and the last knot are enough.
    inner = np.zeros(knots.size, bool)
    inner[1:-1] = (frequencies[1:-1] == frequencies[:-2]) & (frequencies[1:-1] == frequencies[2:])
    return Recalibration(
        ISOTONIC,
        knots=tuple(knots[~inner].tolist()),
        frequencies=tuple(frequencies[~inner].tolist()),
    )


METHODS: Mapping[RecalibrationMethod, Callable[[Array, Array], Recalibration]] = {
    INTERCEPT: _fit_intercept,
    LOGISTIC: _fit_logistic,
    ISOTONIC: _fit_isotonic,
}


def fit_recalibration(
    method: RecalibrationMethod, probability: ArrayLike, event: ArrayLike
) -> Recalibration:
    """Return the recalibration that fits `probability` (storms,) to `event` (storms,), 0 or 1.

    `intercept` and `logistic` maximize the likelihood; `isotonic` minimizes the Brier score.
    Raises `UserError` as `scores.check_forecast` does.

    >>> fitted = fit_recalibration("isotonic", [0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1])
    >>> fitted.apply([0.0, 0.25, 0.9])
    array([0. , 0.5, 1. ])
    """
    return METHODS[method](*check_forecast(probability, event))


class Judged(NamedTuple):
    """A recalibration and whether it helps.

    `log_score_gain` is the log score before minus after recalibration out of fold, in nats per
    storm, with the interval `low` to `high`; `p_value` is that of the gain being 0. `blocks`,
    `storms` and `events` count what it was fitted to. `used` is true if forecasts use it. Without
    enough storms the function and the numbers are missing.
    """

    method: RecalibrationMethod
    function: Recalibration | None
    blocks: int
    storms: int
    events: int
    log_score_gain: float = np.nan
    low: float = np.nan
    high: float = np.nan
    p_value: float = np.nan
    used: bool = False


def judge_recalibrations(
    methods: Iterable[RecalibrationMethod],
    probability: ArrayLike,
    event: ArrayLike,
    block: ArrayLike,
    confidence: float,
) -> list[Judged]:
    """Fit recalibrations to held-out storms, and judge them out of fold.

    Parameters: `probability`, `event` (0 or 1) and `block` of each storm, shape (storm,). Each
    block is recalibrated by the fit to the others. The sums of the gains over D blocks are tested
    with the t distribution with D - 1 degrees of freedom. The method with the largest gain is used
    if its gain is positive and p < (1 - `confidence`) / number of methods (Bonferroni). Nothing is
    fitted with fewer than `LEAST_BLOCKS` blocks, or too few events or non-events.
    """
    y = np.asarray(event, dtype=np.float64)
    blocks, index = np.unique(np.asarray(block), return_inverse=True)
    sizes = blocks.size, y.size, int(y.sum())
    if blocks.size < LEAST_BLOCKS or not has_enough_storms(y == 1):
        logger.warning(
            "No recalibration: %d blocks with %d storms, of which %d are events, are held out. "
            "At least %d blocks, %d events and %d non-events are needed.",
            *sizes,
            LEAST_BLOCKS,
            LEAST_STORMS_PER_CLASS,
            LEAST_STORMS_PER_CLASS,
        )
        return [Judged(method, None, *sizes) for method in methods]
    p, y = check_forecast(probability, event)
    judged = []
    for method in methods:
        corrected = np.empty_like(p)
        for number in range(blocks.size):
            own = index == number
            corrected[own] = METHODS[method](p[~own], y[~own]).apply(p[own])
        gain = np.bincount(index, log_losses(p, y) - log_losses(corrected, y))
        # Student's one-sample t test and its interval.
        degrees, error = blocks.size - 1, gain.std(ddof=1) / np.sqrt(blocks.size)
        with np.errstate(divide="ignore", invalid="ignore"):
            p_value = float(2 * stdtr(degrees, -np.abs(gain.mean() / error)))
        half_width = stdtrit(degrees, (1 + confidence) / 2) * error
        mean, low, high = (
            float(end) * blocks.size / y.size
            for end in (gain.mean(), gain.mean() - half_width, gain.mean() + half_width)
        )
        function = METHODS[method](p, y)
        judged.append(Judged(method, function, *sizes, mean, low, high, p_value))
    best = max(judged, key=lambda one: one.log_score_gain)
    helps = best.log_score_gain > 0 and best.p_value * len(judged) < 1 - confidence
    return [one._replace(used=bool(helps and one is best)) for one in judged]


def judge_held_out(
    held_out: Stored,
    methods: Iterable[RecalibrationMethod],
    block: BlockSize,
    confidence: float,
) -> list[Judged]:
    """Judge recalibrations on held-out predictions: `probability`, `label`, `run_date` (storm)."""
    with opened(held_out) as variables:
        probability, event, run_date = (
            read_storms(variables, name) for name in ("probability", "label", "run_date")
        )
    return judge_recalibrations(methods, probability, event, block_of(run_date, block), confidence)


def used_recalibration(judged: Iterable[Judged]) -> Recalibration | None:
    """Return the recalibration that forecasts use, or None."""
    return next((one.function for one in judged if one.used), None)


def recalibration_table(judged: Mapping[str, Sequence[Judged]]) -> pd.DataFrame:
    """Return a table with a row for each model and method.

    The columns are `model`, `method`, `intercept`, `slope` and the other fields of `Judged`.
    """
    rows = [
        {
            "model": model,
            "method": one.method,
            "intercept": one.function.intercept if one.function else np.nan,
            "slope": one.function.slope if one.function else np.nan,
            **{name: getattr(one, name) for name in COLUMNS},
        }
        for model, methods in judged.items()
        for one in methods
    ]
    return pd.DataFrame(rows, columns=["model", "method", "intercept", "slope", *COLUMNS])


def recalibrate_predictions(predictions: Stored, judged: Iterable[Judged]) -> xr.Dataset:
    """Return the variable `probability_<method>` of each recalibration of predictions.

    `probability_calibrated` is what a forecast shows: the recalibrated probability that is `used`,
    or the original one; its attribute `method` names it, or is "none".
    """
    judged = list(judged)
    functions: dict[str, Recalibration | None] = {
        f"probability_{one.method}": one.function for one in judged if one.function
    }
    functions["probability_calibrated"] = used_recalibration(judged)
    with opened(predictions) as variables:
        probability = read_storms(variables, "probability")
        long_name = getattr(variables["probability"], "long_name", "probability")
    recalibrated = {
        name: (
            "storm",
            (function.apply(probability) if function else probability).astype("float32"),
            {
                "long_name": f"recalibrated {long_name}",
                "units": "1",
                "method": function.method if function else NONE,
            },
        )
        for name, function in functions.items()
    }
    return xr.Dataset(recalibrated)
