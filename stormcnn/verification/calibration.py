"""Recalibration of probabilities by their event frequencies in the training period.

`isotonic` replaces probabilities by the frequencies of the best monotone step function.
`logistic` fits a straight line between the log odds of the probability and those of the event.
Both keep the order of the storms, with two exceptions: isotonic recalibration creates ties, and
logistic recalibration reverses the order if higher probabilities had fewer events.
Sources: Zadrozny and Elkan (2002); Platt (1999), on log odds as in Cox (1958).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from stormcnn.verification.scores import LOG_SCORE_CLIP, check_forecast, log_losses
from stormcnn.vocabulary import ISOTONIC, LOGISTIC, Array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

logger = logging.getLogger(__name__)

FOLDS = 5
"""Groups of run dates for recalibration out of sample."""

Recalibration = Callable[[Array], Array]


def _fit_isotonic(probability: Array, event: Array) -> Recalibration:
    fit = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(probability, event)
    return fit.predict


def _fit_logistic(probability: Array, event: Array) -> Recalibration:
    if event.min() == event.max():
        # The likelihood has its maximum at this constant, at infinite parameters.
        return lambda p: np.full_like(p, event[0])
    fit = LogisticRegression(C=np.inf).fit(_log_odds(probability), event)
    intercept, slope = float(fit.intercept_[0]), float(fit.coef_[0, 0])
    return lambda p: expit(intercept + slope * _log_odds(p)[:, 0])


def _log_odds(probability: Array) -> Array:
    return logit(np.clip(probability, LOG_SCORE_CLIP, 1 - LOG_SCORE_CLIP))[:, np.newaxis]


# The first method is chosen if both are equally good, so the one with two parameters comes first.
METHODS: Mapping[str, Callable[[Array, Array], Recalibration]] = {
    LOGISTIC: _fit_logistic,
    ISOTONIC: _fit_isotonic,
}


def recalibrate(method: str, probability: ArrayLike, event: ArrayLike, others: ArrayLike) -> Array:
    """Return the probabilities `others` (n,), recalibrated by a fit to other storms.

    `method` is one of `METHODS`; `probability` (storms,) in [0, 1] and `event` (storms,), 0 or 1,
    are what it is fitted to. Isotonic recalibration extrapolates by constants. Raises `UserError`
    as `scores.check_forecast` does.

    >>> recalibrate("isotonic", [0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1], others=[0.0, 0.25, 0.9])
    array([0. , 0.5, 1. ])
    """
    p, y = check_forecast(probability, event)
    return METHODS[method](p, y)(np.asarray(others, dtype=np.float64))


def cross_recalibrate(
    method: str, probability: ArrayLike, event: ArrayLike, run_date: ArrayLike
) -> Array:
    """Return each storm's probability (storms,), recalibrated by a fit to other run dates.

    Parameters are as in `recalibrate`, with the run date of each storm (storms,). Run dates are
    divided into `FOLDS` groups with about equally many storms (fewer if there are fewer dates);
    each group is recalibrated by the fit to all others. With a single run date nothing is left to
    fit, and the probabilities are returned unchanged.

    >>> cross_recalibrate("isotonic", [0.1, 0.2, 0.1, 0.2], [0, 1, 0, 0], [1, 1, 2, 2])
    array([0., 0., 0., 1.])
    """
    p, y = check_forecast(probability, event)
    dates, date = np.unique(np.asarray(run_date), return_inverse=True)
    corrected = p.copy()
    if dates.size > 1:
        folds = GroupKFold(min(FOLDS, dates.size)).split(p, groups=date)
        for others, own in folds:
            corrected[own] = recalibrate(method, p[others], y[others], p[own])
    return corrected


def calibrate_predictions(training: xr.Dataset, test: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Return the predictions of both periods with recalibrated probabilities.

    Both datasets have `probability`, `label` and `run_date` (storm). `probability_logistic` and
    `probability_isotonic` are added: in `test` fitted to all storms of `training`, in `training`
    fitted to those of other run dates. `probability_calibrated` is the one with the lower log
    score in `training`; its attribute `method` names it.

    >>> training = xr.Dataset(
    ...     {"probability": ("storm", [0.1, 0.2, 0.1, 0.2]), "label": ("storm", [0, 1, 0, 0])},
    ...     coords={"run_date": ("storm", [1, 1, 2, 2])},
    ... )
    >>> _, test = calibrate_predictions(training, training.isel(storm=[0, 3]))
    >>> test["probability_isotonic"].values, test["probability_calibrated"].attrs["method"]
    (array([0. , 0.5], dtype=float32), 'logistic')
    """
    probability, event, run_date = (
        training[name].values for name in ("probability", "label", "run_date")
    )
    corrected = {
        method: (
            cross_recalibrate(method, probability, event, run_date),
            recalibrate(method, probability, event, test["probability"].values),
        )
        for method in METHODS
    }
    if np.unique(run_date).size == 1:
        logger.warning(
            "All storms of the training period have the same run date, so recalibrations cannot "
            "be compared out of sample. The logistic one is used."
        )
    losses = {method: log_losses(corrected[method][0], event).mean() for method in METHODS}
    chosen = min(losses, key=losses.__getitem__)
    logger.info(
        "Log score of the training period: %.5f before recalibration, after it out of sample %s",
        log_losses(probability, event).mean(),
        ", ".join(f"{loss:.5f} ({method})" for method, loss in losses.items()),
    )
    names = {f"probability_{method}": method for method in METHODS}
    names["probability_calibrated"] = chosen
    long_name = training["probability"].attrs.get("long_name", "probability")
    recalibrated = [
        data.assign(
            {
                name: _describe(corrected[method][period], method, long_name)
                for name, method in names.items()
            }
        )
        for period, data in enumerate((training, test))
    ]
    return recalibrated[0], recalibrated[1]


def _describe(probability: Array, method: str, long_name: str) -> xr.Variable:
    attributes = {
        "long_name": f"recalibrated {long_name}",
        "units": "1",
        "method": method,
    }
    return xr.Variable("storm", probability.astype("float32"), attributes)
