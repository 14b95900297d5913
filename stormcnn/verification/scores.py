"""Scores of probability forecasts of an event that either occurs (1) or does not (0).

Each score is one function of `StormTotals`: the sums over storms that one forecast needs, with a
row for each set of weights. A resample is such a set of weights, so one call scores all
resamples. Every function returns an array (rows,), which is NaN where the score is undefined (for
instance without events). `stormcnn.verification.score_registry` gives the scores their names and
labels; every function that it lists is computed for every forecast.

In the formulas p is the probability of a storm, y is 1 for an event and 0 otherwise, and means
are weighted means over storms.

>>> from stormcnn.verification.storm_totals import total_storms
>>> totals = total_storms([0.9, 0.7, 0.4, 0.4, 0.1], [1, 0, 1, 0, 0])
>>> brier_score(totals)
array([0.206])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stormcnn.errors import UserError
from stormcnn.verification.logistic_fit import fit_intercept, fit_slope
from stormcnn.vocabulary import PROBABILITY_BINS, Array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stormcnn.verification.storm_totals import StormTotals

LOG_SCORE_CLIP = 1e-7
"""Distance that the log score keeps probabilities from 0 and 1."""


def check_forecast(probability: ArrayLike, event: ArrayLike) -> tuple[Array, Array]:
    """Return probability and event as float64.

    Parameters are arrays (storms,): `probability` in [0, 1], and `event`, 0 or 1.

    Raises `UserError` if the shapes differ, a value is not allowed, or there are no storms.

    >>> check_forecast([0.9, 0.2], [True, False])
    (array([0.9, 0.2]), array([1., 0.]))
    """
    p, y = check_compact(probability, event)
    return p.astype(np.float64, copy=False), y.astype(np.float64)


def check_compact(probability: ArrayLike, event: ArrayLike) -> tuple[Array, Array]:
    """Return probability in its own precision, and event as bool, for many storms.

    Parameters and errors are those of `check_forecast`.

    >>> check_compact(np.array([0.5], np.float32), [1])
    (array([0.5], dtype=float32), array([ True]))
    """
    p, y = np.asarray(probability), np.asarray(event)
    if p.dtype.kind != "f":
        p = p.astype(np.float64)
    if p.ndim != 1 or y.shape != p.shape:
        raise UserError(
            "probability and event must be one-dimensional and equally long "
            f"(got the shapes {p.shape} and {y.shape})."
        )
    if not p.size:
        raise UserError("There are no storms to score.")
    bad = ~((p >= 0) & (p <= 1))
    if bad.any():
        raise UserError(
            f"{bad.sum()} of {p.size} probabilities are NaN or outside [0, 1]; "
            f"the first is that of storm {bad.argmax()}: {p[bad.argmax()]}."
        )
    is_event = y == 1
    bad = ~(is_event | (y == 0))
    if bad.any():
        raise UserError(
            f"{bad.sum()} of {y.size} events are neither 0 nor 1; "
            f"the first is that of storm {bad.argmax()}: {float(y[bad.argmax()])}."
        )
    return p, is_event


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> Array:
    """Return the quotient of two arrays, NaN where the denominator is 0.

    >>> ratio([1, 1], [4, 0])
    array([0.25,  nan])
    """
    top, bottom = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0)


# Terms of single storms, which `StormTotals` sums


def log_losses(probability: ArrayLike, event: ArrayLike) -> Array:
    """Return -ln(p) for events and -ln(1 - p) for other storms, in nats (storms,).

    Probabilities are kept 1e-7 away from 0 and 1, because otherwise the loss of a single storm
    could be infinite. Source: Good (1952).

    >>> log_losses([0.5, 0.0], [1, 0]).round(4)
    array([0.6931, 0.    ])
    """
    p, y = check_forecast(probability, event)
    clipped = np.clip(p, LOG_SCORE_CLIP, 1 - LOG_SCORE_CLIP)
    return -np.log(np.where(y == 1, clipped, 1 - clipped))


def spiegelhalter_terms(p: Array, y: Array) -> tuple[Array, Array]:
    """Return each storm's part in the numerator and in the variance of `spiegelhalter_z`.

    `p` and `y` (storms,) are probabilities and events; both results have the shape (storms,).
    Source: Spiegelhalter (1986).

    >>> spiegelhalter_terms(np.array([0.25]), np.array([1.0]))
    (array([0.375]), array([0.046875]))
    """
    return (y - p) * (1 - 2 * p), (1 - 2 * p) ** 2 * p * (1 - p)


def log_odds(probability: Array) -> Array:
    """Return ln(p / (1 - p)) of probabilities (storms,), kept 1e-7 away from 0 and 1.

    >>> log_odds(np.array([0.5, 0.0])).round(3)
    array([  0.   , -16.118])
    """
    clipped = np.clip(probability, LOG_SCORE_CLIP, 1 - LOG_SCORE_CLIP)
    return np.log(clipped / (1 - clipped))


def bin_of(probability: Array) -> Array:
    """Return the bin of each probability, 0 to 9.

    Bins have equal width and contain their lower edge; the last one also contains 1.

    >>> bin_of(np.array([0.0, 0.1, 0.95, 1.0]))
    array([0, 1, 9, 9])
    """
    edges = np.arange(1, PROBABILITY_BINS) / PROBABILITY_BINS
    return np.searchsorted(edges, probability, side="right")


# Scores


def auc(totals: StormTotals) -> Array:
    """Return the area under the ROC curve.

    It is the chance that an event has a higher probability than a storm without event; ties count
    half. It lies in [0, 1] and is 0.5 without discrimination.
    Sources: Mason and Graham (2002); the statistic of Mann and Whitney (1947).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> auc(total_storms([0.9, 0.7, 0.4, 0.1], [1, 0, 1, 0]))
    array([0.75])
    """
    events, others = totals.step_events, totals.step_others
    all_events, all_others = totals.hits[-1], totals.false_alarms[-1]
    fewer = all_others - totals.false_alarms + others / 2
    concordant = np.einsum("ij,ij->j", events, fewer)
    return ratio(concordant, all_events * all_others)


def brier_score(totals: StormTotals) -> Array:
    """Return the mean of (p - y)^2: 0 is perfect, 1 the worst. Source: Brier (1950).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> brier_score(total_storms([0.9, 0.2], [1, 0])).round(3)
    array([0.025])
    """
    return totals.squared_error / totals.storms


def brier_score_climatology(totals: StormTotals) -> Array:
    """Return f(1 - f), the Brier score of a constant forecast of the event frequency f.

    It is the uncertainty in the decompositions of Murphy (1973) and of Dimitriadis et al. (2021).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> brier_score_climatology(total_storms([0.9, 0.2], [1, 0]))
    array([0.25])
    """
    frequency = event_frequency(totals)
    return frequency * (1 - frequency)


def brier_skill_score(totals: StormTotals) -> Array:
    """Return 1 - Brier score / Brier score of climatology: 1 is perfect, 0 as good as climatology.

    Climatology is the event frequency of the same storms, which no forecaster knows beforehand;
    `brier_skill_score_training` uses a frequency that is known.
    Sources: Murphy (1973), Wilks (2011, section 8.4).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> brier_skill_score(total_storms([0.9, 0.2], [1, 0]))
    array([0.9])
    """
    return 1 - ratio(brier_score(totals), brier_score_climatology(totals))


def brier_score_climatology_training(totals: StormTotals) -> Array:
    """Return the Brier score of a constant forecast of the event frequency of the training period.

    Source: Brier (1950).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> totals = total_storms([0.9, 0.2], [1, 0], training_climatology=0.1)
    >>> brier_score_climatology_training(totals).round(4)
    array([0.41])
    """
    frequency, climatology = event_frequency(totals), totals.training_climatology
    return frequency + climatology * (climatology - 2 * frequency)


def brier_skill_score_training(totals: StormTotals) -> Array:
    """Return the Brier skill score against the event frequency of the training period.

    Sources: Murphy (1973), Wilks (2011, section 8.4).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> totals = total_storms([0.9, 0.2], [1, 0], training_climatology=0.1)
    >>> brier_skill_score_training(totals).round(3)
    array([0.939])
    """
    return 1 - ratio(brier_score(totals), brier_score_climatology_training(totals))


def log_score(totals: StormTotals) -> Array:
    """Return the mean of `log_losses`, in nats: 0 is perfect. Source: Good (1952).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> log_score(total_storms([0.5, 0.5], [1, 0])).round(4)
    array([0.6931])
    """
    return totals.log_loss / totals.storms


def average_precision(totals: StormTotals) -> Array:
    """Return the mean success ratio over the steps of the probability of detection.

    There is no interpolation between the steps. It lies in [0, 1] and is about the event frequency
    without discrimination. Sources: Davis and Goadrich (2006), Boyd et al. (2013).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> average_precision(total_storms([0.9, 0.7, 0.4, 0.1], [1, 0, 1, 0])).round(3)
    array([0.833])
    """
    precision = np.nan_to_num(ratio(totals.hits, totals.hits + totals.false_alarms))
    return ratio(np.einsum("ij,ij->j", totals.step_events, precision), totals.hits[-1])


def corp_miscalibration(totals: StormTotals) -> Array:
    """Return what the best monotone recalibration would take off the Brier score.

    Brier score = miscalibration - discrimination + uncertainty, all of them >= 0. The
    recalibration is isotonic, so there are no bins. Source: Dimitriadis, Gneiting and Jordan
    (2021).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> corp_miscalibration(total_storms([0.9, 0.2], [1, 0])).round(3)
    array([0.025])
    """
    return brier_score(totals) - totals.isotonic_brier_score


def corp_discrimination(totals: StormTotals) -> Array:
    """Return what the recalibrated forecast of `corp_miscalibration` gains over climatology.

    Source: Dimitriadis, Gneiting and Jordan (2021).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> corp_discrimination(total_storms([0.9, 0.2], [1, 0]))
    array([0.25])
    """
    return brier_score_climatology(totals) - totals.isotonic_brier_score


def murphy_reliability(totals: StormTotals) -> Array:
    """Return the mean squared distance of event frequency and mean probability of ten bins.

    Brier score = reliability - resolution + uncertainty + within-bin variance - within-bin
    covariance; uncertainty is `brier_score_climatology`.
    Sources: Murphy (1973); Stephenson, Coelho and Jolliffe (2008) for the within-bin terms.

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> murphy_reliability(total_storms([0.9, 0.2, 0.2], [1, 0, 1])).round(4)
    array([0.0633])
    """
    distance = totals.bin_mean_probability - totals.bin_event_frequency
    return (totals.bin_storms * distance**2).sum(-1) / totals.storms


def murphy_resolution(totals: StormTotals) -> Array:
    """Return the mean squared distance of the event frequency of ten bins from that of all storms.

    Source: Murphy (1973).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> murphy_resolution(total_storms([0.9, 0.2, 0.2], [1, 0, 1])).round(4)
    array([0.0556])
    """
    distance = totals.bin_event_frequency - event_frequency(totals)[:, np.newaxis]
    return (totals.bin_storms * distance**2).sum(-1) / totals.storms


def murphy_within_bin_variance(totals: StormTotals) -> Array:
    """Return the mean squared distance of the probabilities from the mean of their bin.

    Without it and `murphy_within_bin_covariance`, binned parts do not add up to the Brier score.
    Source: Stephenson, Coelho and Jolliffe (2008).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> murphy_within_bin_variance(total_storms([0.21, 0.29], [0, 1])).round(4)
    array([0.0016])
    """
    within = totals.bin_squared_probability - (totals.bin_probability * totals.bin_mean_probability)
    return within.sum(-1) / totals.storms


def murphy_within_bin_covariance(totals: StormTotals) -> Array:
    """Return twice the covariance of probability and event within ten bins.

    Source: Stephenson, Coelho and Jolliffe (2008).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> murphy_within_bin_covariance(total_storms([0.21, 0.29], [0, 1])).round(4)
    array([0.04])
    """
    within = totals.bin_probability_of_events - (
        totals.bin_probability * totals.bin_event_frequency
    )
    return 2 * within.sum(-1) / totals.storms


def critical_success_index_best(totals: StormTotals) -> Array:
    """Return the largest critical success index over all thresholds.

    The threshold is chosen on the storms that it is judged on, so the value is optimistic.
    Sources: Gilbert (1884), Schaefer (1990).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> critical_success_index_best(total_storms([0.9, 0.7, 0.4, 0.1], [1, 0, 1, 0])).round(3)
    array([0.667])
    """
    csi = totals.critical_success_index
    return csi[csi.argmax(axis=0), np.arange(csi.shape[1])]


def spiegelhalter_z(totals: StormTotals) -> Array:
    """Return the excess of the Brier score over its expectation, in standard errors.

    It is sum (y - p)(1 - 2p) / sqrt(sum (1 - 2p)^2 p(1 - p)), where the expectation is that of a
    reliable forecast. Z > 0 means overconfidence (probabilities too close to 0 or 1; for a rare
    event mostly too low), Z < 0 underconfidence. For a reliable forecast of independent storms Z
    is standard normal; storms of one forecast run are not independent, so judge Z by its interval.
    NaN if every probability is 0, 0.5 or 1. Source: Spiegelhalter (1986).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> spiegelhalter_z(total_storms([0.9, 0.2, 0.2], [1, 0, 1])).round(3)
    array([0.674])
    """
    return ratio(totals.spiegelhalter_excess, np.sqrt(totals.spiegelhalter_variance))


def calibration_intercept(totals: StormTotals) -> Array:
    """Return the constant that, added to the log odds of p, removes the overall bias.

    It is 0 without bias, > 0 if events occur more often than forecast, < 0 if less often. It is
    the intercept of a logistic regression of y on the log odds of p with slope 1.
    Sources: Cox (1958); Steyerberg et al. (2010).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> calibration_intercept(total_storms([0.5, 0.5, 0.5, 0.5], [1, 0, 0, 0])).round(4)
    array([-1.0986])
    """
    return fit_intercept(
        totals.log_odds,
        totals.log_odds_storms,
        totals.log_odds_events,
        totals.log_odds_together,
    )


def calibration_slope(totals: StormTotals) -> Array:
    """Return the factor of the log odds of p that fits the events best, next to an intercept.

    It is 1 for a calibrated forecast, < 1 if probabilities are too far from the event frequency
    (too sharp), > 1 if they are too close to it. It is the slope of a logistic regression of y on
    the log odds of p. Sources: Cox (1958); Steyerberg et al. (2010).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> p, y = [0.2] * 4 + [0.8] * 4, [1, 0, 0, 0, 1, 1, 1, 0]
    >>> calibration_slope(total_storms(p, y)).round(4)
    array([0.7925])
    """
    return fit_slope(
        totals.log_odds,
        totals.log_odds_storms,
        totals.log_odds_events,
        totals.log_odds_together,
    )


def mean_probability(totals: StormTotals) -> Array:
    """Return the mean of p; it equals `event_frequency` if the forecast has no overall bias.

    Source: Wilks (2011).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> mean_probability(total_storms([0.9, 0.2], [1, 0]))
    array([0.55])
    """
    return totals.probability / totals.storms


def event_frequency(totals: StormTotals) -> Array:
    """Return the mean of y. Source: Wilks (2011).

    >>> from stormcnn.verification.storm_totals import total_storms
    >>> event_frequency(total_storms([0.9, 0.2], [1, 0]))
    array([0.5])
    """
    return totals.events / totals.storms
