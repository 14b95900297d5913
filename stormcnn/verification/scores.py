"""Scores of probability forecasts of a yes/no event: pure functions of arrays.

Every function takes `probability` (storms,), between 0 and 1, and `event` (storms,), 0 or 1, and
most take `weight` (storms,), not negative; a storm of weight 0 counts as absent. Sums are made in
float64 whatever the type given. Where a score is undefined (no event, say) the value is NaN.
All raise `UserError` where the arrays do not fit together or a value is out of range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics
from sklearn.isotonic import isotonic_regression

from stormcnn.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = NDArray[Any]

LOG_SCORE_CLIP = 1e-7
BINS = 10


def check_forecast(
    probability: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None
) -> tuple[Array, Array, Array]:
    """Probability (float64), event (float64, 0 or 1) and weight of the storms that have weight.

    Raises `UserError` where shapes differ, no storm is left, or a value is not allowed.
    """
    p = np.asarray(probability, dtype=np.float64)
    y = np.asarray(event, dtype=np.float64)
    w = np.ones_like(p) if weight is None else np.asarray(weight, dtype=np.float64)
    if p.ndim != 1 or y.shape != p.shape or w.shape != p.shape:
        raise UserError(
            "Probability, event and weight must be one value a storm, "
            f"but have the shapes {p.shape}, {y.shape} and {w.shape}."
        )
    bad = ~((p >= 0) & (p <= 1))
    if bad.any():
        raise UserError(
            f"{bad.sum()} of {p.size} probabilities are missing or outside 0 to 1; "
            f"the first is that of storm {bad.argmax()}: {p[bad.argmax()]}."
        )
    bad = (y != 0) & (y != 1)
    if bad.any():
        raise UserError(
            f"{bad.sum()} of {y.size} events are neither 0 nor 1; "
            f"the first is that of storm {bad.argmax()}: {y[bad.argmax()]}."
        )
    if not (np.isfinite(w) & (w >= 0)).all():
        raise UserError("A storm's weight must be a finite number that is not negative.")
    present = w > 0
    if not present.any():
        raise UserError("There is no storm to score.")
    return p[present], y[present], w[present]


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> Array:
    """Quotient of two arrays, NaN where the denominator is 0."""
    top, bottom = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0)


def auc(probability: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Area under the ROC curve: the chance that an event got the higher probability; ties half.

    Between 0 and 1, 0.5 without discrimination; NaN without an event or without a non-event.
    Source: Mason and Graham (2002); the statistic of Mann and Whitney (1947).
    """
    p, y, w = check_forecast(probability, event, weight)
    if y.min() == y.max():
        return float("nan")
    return float(metrics.roc_auc_score(y, p, sample_weight=w))


def average_precision(
    probability: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None
) -> float:
    """Mean success ratio over the steps of probability of detection, no interpolation.

    Between 0 and 1, about the event frequency without discrimination; NaN without an event.
    Source: Davis and Goadrich (2006), Boyd et al. (2013).
    """
    p, y, w = check_forecast(probability, event, weight)
    if not y.any():
        return float("nan")
    return float(metrics.average_precision_score(y, p, sample_weight=w))


def brier_score(probability: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Mean of (p - y)^2: 0 is perfect, 1 is certain and always wrong. Source: Brier (1950)."""
    p, y, w = check_forecast(probability, event, weight)
    return float(np.average((p - y) ** 2, weights=w))


def brier_score_climatology(
    event: ArrayLike, weight: ArrayLike | None = None, climatology: float | None = None
) -> float:
    """Brier score of a forecast that always gives `climatology`, by default the events' frequency.

    Source: Brier (1950). With the default it is the uncertainty of Murphy (1973).
    """
    events = np.asarray(event, dtype=np.float64)
    _, y, w = check_forecast(np.zeros_like(events), events, weight)
    if climatology is None:
        climatology = float(np.average(y, weights=w))
    return brier_score(np.full_like(y, climatology), y, w)


def brier_skill_score(
    probability: ArrayLike,
    event: ArrayLike,
    weight: ArrayLike | None = None,
    climatology: float | None = None,
) -> float:
    """1 - Brier score / Brier score of climatology: 1 is perfect, 0 no better than climatology.

    Without `climatology` it is the events' own frequency, which no forecaster knew beforehand;
    the frequency of the training period is the fair choice. NaN where climatology is perfect.
    Source: Murphy (1973), Wilks (2011, section 8.4).
    """
    reference = brier_score_climatology(event, weight, climatology)
    return float(1 - ratio(brier_score(probability, event, weight), reference))


def log_losses(probability: ArrayLike, event: ArrayLike) -> Array:
    """-ln(probability given to what happened) of each storm, in nats; `log_score` is their mean.

    Probabilities are held 1e-7 away from 0 and 1, else one storm could cost infinitely much.
    """
    p, y, _ = check_forecast(probability, event)
    clipped = np.clip(p, LOG_SCORE_CLIP, 1 - LOG_SCORE_CLIP)
    return -np.log(np.where(y == 1, clipped, 1 - clipped))


def log_score(probability: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Mean of -ln(probability given to what happened), in nats: 0 is perfect.

    It is held finite as `log_losses` says. Source: Good (1952).
    """
    p, y, w = check_forecast(probability, event, weight)
    return float(np.average(log_losses(p, y), weights=w))


def spiegelhalter_z(
    probability: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None
) -> float:
    """Excess of the Brier score over what the forecast itself expects, in standard errors.

    sum (y - p)(1 - 2p) / sqrt(sum (1 - 2p)^2 p(1 - p)): positive where the forecast is too sure
    (probabilities too near 0 or 1; for a rare event, mostly too low), negative where it is not
    sure enough. It would be standard normal for a reliable forecast of independent storms;
    storms of one run are not, so judge it by its interval.
    NaN where every probability is 0, 0.5 or 1. Source: Spiegelhalter (1986).
    """
    p, y, w = check_forecast(probability, event, weight)
    excess, variance = spiegelhalter_terms(p, y)
    return float(ratio((w * excess).sum(), np.sqrt((w * variance).sum())))


def spiegelhalter_terms(p: Array, y: Array) -> tuple[Array, Array]:
    """Give what each storm adds to the excess and to its variance, as Spiegelhalter (1986)."""
    return (y - p) * (1 - 2 * p), (1 - 2 * p) ** 2 * p * (1 - p)


class Murphy(NamedTuple):
    """The parts of a Brier score: reliability - resolution + uncertainty + the within-bin two."""

    reliability: Any
    resolution: Any
    uncertainty: Any
    within_bin_variance: Any
    within_bin_covariance: Any


def murphy_decomposition(
    probability: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None
) -> Murphy:
    """Split of the Brier score over ten bins of equal width that adds up exactly.

    Brier score = reliability - resolution + uncertainty + within-bin variance - within-bin
    covariance. Sources: Murphy (1973); Stephenson, Coelho and Jolliffe (2008) for the last two,
    without which binned parts do not sum to the score.
    """
    p, y, w = check_forecast(probability, event, weight)
    moments = [np.bincount(bin_of(p), w * term, BINS) for term in (1 + 0 * p, p, y, p * p, p * y)]
    return Murphy(*(float(part) for part in murphy_from_sums(*moments)))


def bin_of(probability: Array) -> Array:
    """Number each probability's bin, 0 to 9; a bin holds its lower edge, the last also 1."""
    return np.searchsorted(np.arange(1, BINS) / BINS, probability, side="right")


def murphy_from_sums(
    count: Array, forecast: Array, event: Array, forecast_squared: Array, both: Array
) -> Murphy:
    """`murphy_decomposition` from the sums of 1, p, y, p^2 and p*y in each bin (last axis).

    Sources: Murphy (1973); Stephenson, Coelho and Jolliffe (2008).
    """
    storms = count.sum(-1)
    filled = np.where(count > 0, count, 1)
    frequency = event.sum(-1) / storms
    mean_forecast, mean_event = forecast / filled, event / filled
    return Murphy(
        (count * (mean_forecast - mean_event) ** 2).sum(-1) / storms,
        (count * (mean_event - frequency[..., np.newaxis]) ** 2).sum(-1) / storms,
        frequency * (1 - frequency),
        (forecast_squared - forecast * mean_forecast).sum(-1) / storms,
        2 * (both - forecast * mean_event).sum(-1) / storms,
    )


class Corp(NamedTuple):
    """The parts of a Brier score: miscalibration - discrimination + uncertainty."""

    miscalibration: Any
    discrimination: Any
    uncertainty: Any


def corp_decomposition(
    probability: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None
) -> Corp:
    """Split of the Brier score by isotonic recalibration; it needs no bins and adds up exactly.

    Brier score = miscalibration - discrimination + uncertainty, none of them negative: what the
    best monotone recalibration would gain, what that then gains over climatology, and the Brier
    score of climatology. Source: Dimitriadis, Gneiting and Jordan (2021).
    """
    p, y, w = check_forecast(probability, event, weight)
    _, value = np.unique(p, return_inverse=True)
    storms = np.bincount(value, w)
    recalibrated = isotonic_regression(np.bincount(value, w * y) / storms, sample_weight=storms)
    uncertainty = brier_score_climatology(y, w)
    best = brier_score(np.clip(recalibrated, 0, 1)[value], y, w)
    return Corp(brier_score(p, y, w) - best, uncertainty - best, uncertainty)


@dataclass(frozen=True)
class Contingency:
    """Hits, misses, false alarms and correct negatives: arrays of one shape, counts or weights.

    Every score is NaN where it divides by 0. Formulas as in Jolliffe and Stephenson (2012, ch. 3).
    """

    hits: Array
    misses: Array
    false_alarms: Array
    correct_negatives: Array

    @property
    def pod(self) -> Array:
        """Probability of detection (hit rate): share of the events that were forecast."""
        return ratio(self.hits, self.hits + self.misses)

    @property
    def pofd(self) -> Array:
        """Probability of false detection (false alarm rate): share of the non-events forecast."""
        return ratio(self.false_alarms, self.false_alarms + self.correct_negatives)

    @property
    def success_ratio(self) -> Array:
        """Share of the forecast events that happened: 1 - false alarm ratio."""
        return ratio(self.hits, self.hits + self.false_alarms)

    @property
    def csi(self) -> Array:
        """Critical success index (threat score). Sources: Gilbert (1884), Schaefer (1990)."""
        return ratio(self.hits, self.hits + self.misses + self.false_alarms)

    @property
    def frequency_bias(self) -> Array:
        """Forecast events for each observed event."""
        return ratio(self.hits + self.false_alarms, self.hits + self.misses)

    @property
    def peirce_skill_score(self) -> Array:
        """POD - POFD. Source: Peirce (1884)."""
        return self.pod - self.pofd

    @property
    def heidke_skill_score(self) -> Array:
        """Share of right forecasts beyond chance. Source: Heidke (1926)."""
        a, b, c, d = self.hits, self.false_alarms, self.misses, self.correct_negatives
        return ratio(2 * (a * d - b * c), (a + c) * (c + d) + (a + b) * (b + d))

    @property
    def equitable_threat_score(self) -> Array:
        """CSI beyond the hits of chance. Sources: Gilbert (1884), Schaefer (1990)."""
        a, b, c, d = self.hits, self.false_alarms, self.misses, self.correct_negatives
        chance = ratio((a + b) * (a + c), a + b + c + d)
        return ratio(a - chance, a + b + c - chance)

    @property
    def symmetric_extremal_dependence_index(self) -> Array:
        """Skill that does not vanish for rare events. Source: Ferro and Stephenson (2011)."""
        h, f = (np.where((x > 0) & (x < 1), x, np.nan) for x in (self.pod, self.pofd))
        difference = np.log(f) - np.log(h) - np.log1p(-f) + np.log1p(-h)
        return ratio(difference, np.log(f) + np.log(h) + np.log1p(-f) + np.log1p(-h))


def contingency(
    probability: ArrayLike,
    event: ArrayLike,
    thresholds: ArrayLike,
    weight: ArrayLike | None = None,
) -> Contingency:
    """Contingency table at each threshold; the event is forecast where p >= threshold."""
    p, y, w = check_forecast(probability, event, weight)
    order = np.argsort(p, kind="stable")
    below = np.searchsorted(p[order], np.asarray(thresholds, dtype=np.float64))
    misses, correct_negatives = (
        np.concatenate(([0.0], np.cumsum(counted[order])))[below]
        for counted in (w * y, w * (1 - y))
    )
    events = (w * y).sum()
    return Contingency(
        events - misses, misses, w.sum() - events - correct_negatives, correct_negatives
    )


def best_critical_success_index(
    probability: ArrayLike, event: ArrayLike, weight: ArrayLike | None = None
) -> tuple[float, float]:
    """Largest critical success index over all thresholds, and the highest threshold that has it.

    The threshold is chosen on the storms it is judged by, so the value flatters. Both NaN without
    an event. Sources: Gilbert (1884), Schaefer (1990).
    """
    p, y, w = check_forecast(probability, event, weight)
    if not y.any():
        return float("nan"), float("nan")
    thresholds = np.unique(p)[::-1]
    csi = contingency(p, y, thresholds, w).csi
    return float(csi.max()), float(thresholds[csi.argmax()])


class DeLong(NamedTuple):
    """Difference of two AUCs, its standard error and two-sided p-value."""

    difference: float
    standard_error: float
    p_value: float


def delong_test(first: ArrayLike, second: ArrayLike, event: ArrayLike) -> DeLong:
    """Test of the AUC of `first` minus that of `second`; assumes independent storms.

    Storms of one run are alike, so the p-value is too small: show it only with that label.
    All NaN where a class has fewer than two storms; p is 1 where the two forecasts rank alike.
    Sources: DeLong, DeLong and Clarke-Pearson (1988); computed by ranks as Sun and Xu (2014).
    """
    _, y, _ = check_forecast(second, event)
    happened = y == 1
    events, others = int(happened.sum()), int((~happened).sum())
    if min(events, others) < 2:
        return DeLong(float("nan"), float("nan"), float("nan"))
    of_events, of_others = [], []
    for probability in (first, second):
        p, _, _ = check_forecast(probability, event)
        rank = stats.rankdata(p)
        of_events.append((rank[happened] - stats.rankdata(p[happened])) / others)
        of_others.append(1 - (rank[~happened] - stats.rankdata(p[~happened])) / events)
    gain_events, gain_others = of_events[0] - of_events[1], of_others[0] - of_others[1]
    difference = float(gain_events.mean())
    error = float(np.sqrt(gain_events.var(ddof=1) / events + gain_others.var(ddof=1) / others))
    if error == 0:
        return DeLong(difference, error, 1.0 if difference == 0 else 0.0)
    return DeLong(difference, error, float(2 * stats.norm.sf(abs(difference) / error)))


def all_scores(
    probability: ArrayLike,
    event: ArrayLike,
    training_climatology: float,
    weight: ArrayLike | None = None,
) -> dict[str, float]:
    """Every score of a forecast by its name in the tables of scores.

    It defines what `bootstrap.ForecastByDate` computes for the storms and all resamples at once.
    `training_climatology` is the events' frequency in the training period. `mean_probability` and
    `event_frequency` show the overall bias.
    """
    p, y, w = check_forecast(probability, event, weight)
    corp = corp_decomposition(p, y, w)
    murphy = murphy_decomposition(p, y, w)
    best_csi, best_threshold = best_critical_success_index(p, y, w)
    return {
        "auc": auc(p, y, w),
        "brier_score": brier_score(p, y, w),
        "brier_score_climatology": brier_score_climatology(y, w),
        "brier_skill_score": brier_skill_score(p, y, w),
        "brier_score_climatology_training": brier_score_climatology(y, w, training_climatology),
        "brier_skill_score_training": brier_skill_score(p, y, w, training_climatology),
        "log_score": log_score(p, y, w),
        "average_precision": average_precision(p, y, w),
        **{f"corp_{name}": value for name, value in corp._asdict().items()},
        **{f"murphy_{name}": value for name, value in murphy._asdict().items()},
        "critical_success_index_best": best_csi,
        "best_threshold": best_threshold,
        "spiegelhalter_z": spiegelhalter_z(p, y, w),
        "mean_probability": float(np.average(p, weights=w)),
        "event_frequency": float(np.average(y, weights=w)),
    }
