"""Recalibration: make probabilities agree with frequencies, learnt where the outcome is known.

`isotonic` replaces probabilities by the frequencies of the best step function that never falls.
`logistic` fits a straight line between the log odds of the probability and those of the event.
Both keep the order of the storms, isotonic up to ties; logistic turns it round where higher
probabilities had fewer events.
Sources: Zadrozny and Elkan (2002); Platt (1999), on log odds as Cox (1958).
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

from stormcnn.verification.scores import LOG_SCORE_CLIP, check_forecast, log_score
from stormcnn.vocabulary import Array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

logger = logging.getLogger(__name__)

FOLDS = 5

Recalibration = Callable[[Array], Array]


def _fit_isotonic(probability: Array, event: Array) -> Recalibration:
    fit = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(probability, event)
    return fit.predict


def _fit_logistic(probability: Array, event: Array) -> Recalibration:
    if event.min() == event.max():
        return lambda p: np.full_like(p, event[0])  # where the likelihood is largest
    fit = LogisticRegression(C=np.inf).fit(_log_odds(probability), event)
    intercept, slope = float(fit.intercept_[0]), float(fit.coef_[0, 0])
    return lambda p: expit(intercept + slope * _log_odds(p)[:, 0])


def _log_odds(probability: Array) -> Array:
    return logit(np.clip(probability, LOG_SCORE_CLIP, 1 - LOG_SCORE_CLIP))[:, np.newaxis]


# The method of two parameters first: it is taken where both are equally good.
METHODS: Mapping[str, Callable[[Array, Array], Recalibration]] = {
    "logistic": _fit_logistic,
    "isotonic": _fit_isotonic,
}


def recalibrate(method: str, probability: ArrayLike, event: ArrayLike, others: ArrayLike) -> Array:
    """Probabilities `others` (n,) as the fit to `probability` and `event` (storms,) corrects them.

    `method` is one of `METHODS`. Probabilities beyond those of the fit get the values at its ends
    with `isotonic`. Raises `UserError` as `scores.check_forecast` does.
    """
    p, y, _ = check_forecast(probability, event)
    return METHODS[method](p, y)(np.asarray(others, dtype=np.float64))


def cross_recalibrate(
    method: str, probability: ArrayLike, event: ArrayLike, run_date: ArrayLike
) -> Array:
    """Each storm's probability (storms,), corrected by a fit to other run dates than its own.

    The run dates are dealt into `FOLDS` groups of about equally many storms (fewer where there
    are fewer dates), each corrected by the fit to all others. Of a single run date nothing is
    left to fit, and the probabilities are returned as they are.
    """
    p, y, _ = check_forecast(probability, event)
    dates, date = np.unique(np.asarray(run_date), return_inverse=True)
    corrected = p.copy()
    if dates.size > 1:
        folds = GroupKFold(min(FOLDS, dates.size)).split(p, groups=date)
        for others, own in folds:
            corrected[own] = recalibrate(method, p[others], y[others], p[own])
    return corrected


def calibrate_predictions(training: xr.Dataset, test: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Add recalibrated probabilities to the predictions of both periods.

    Both hold `probability`, `label` and `run_date` (storm,), and get `probability_logistic` and
    `probability_isotonic`: in `test` fitted to all storms of `training`, in `training` to those of
    other run dates. `probability_calibrated` is the one that has the lower log score in
    `training`; its attribute `method` names it.
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
            "All storms of the training period are of one run date, so no recalibration can be "
            "judged there, and the logistic one is chosen."
        )
    losses = {method: log_score(corrected[method][0], event) for method in METHODS}
    chosen = min(losses, key=losses.__getitem__)
    logger.info(
        "Log score of the training period: %.5f as it was; recalibrated by other run dates: %s",
        log_score(probability, event),
        ", ".join(f"{method} {loss:.5f}" for method, loss in losses.items()),
    )
    names = {f"probability_{method}": method for method in METHODS}
    names["probability_calibrated"] = chosen
    found = [
        data.assign(
            {name: _describe(corrected[method][period], method) for name, method in names.items()}
        )
        for period, data in enumerate((training, test))
    ]
    return found[0], found[1]


def _describe(probability: Array, method: str) -> xr.Variable:
    attributes = {
        "long_name": "recalibrated probability of strong low-level rotation",
        "units": "1",
        "method": method,
    }
    return xr.Variable("storm", probability.astype("float32"), attributes)
