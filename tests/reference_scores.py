"""Scores of probability forecasts straight from their definitions, one set of storms at a time.

The library computes them from sums over storms, for all resamples at once.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from sklearn import metrics
from sklearn.isotonic import isotonic_regression


def reference_scores(probability, event, training_climatology, weight=None):
    """Return every score that is computed for a forecast, by its name.

    `probability`, `event` and `weight` are arrays (storms,).
    """
    p, y = np.asarray(probability, dtype=float), np.asarray(event, dtype=float)
    w = np.ones_like(p) if weight is None else np.asarray(weight, dtype=float)
    p, y, w = p[w > 0], y[w > 0], w[w > 0]

    def mean(term):
        return np.average(term, weights=w)

    with np.errstate(divide="ignore", invalid="ignore"):
        frequency, brier = mean(y), mean((p - y) ** 2)
        climatology = mean((frequency - y) ** 2)
        training = mean((training_climatology - y) ** 2)
        both = y.min() < y.max()
        clipped = p.clip(1e-7, 1 - 1e-7)
        _, value = np.unique(p, return_inverse=True)
        storms = np.bincount(value, w)
        fit = isotonic_regression(np.bincount(value, w * y) / storms, sample_weight=storms)
        recalibrated = mean((fit[value] - y) ** 2)
        excess, variance = (w * (y - p) * (1 - 2 * p)).sum(), w * (1 - 2 * p) ** 2 * p * (1 - p)
        return {
            "auc": metrics.roc_auc_score(y, p, sample_weight=w) if both else np.nan,
            "brier_score": brier,
            "brier_score_climatology": climatology,
            "brier_skill_score": 1 - brier / climatology if both else np.nan,
            "brier_score_climatology_training": training,
            "brier_skill_score_training": 1 - brier / training,
            "log_score": mean(-np.log(np.where(y == 1, clipped, 1 - clipped))),
            "average_precision": (
                metrics.average_precision_score(y, p, sample_weight=w) if y.any() else np.nan
            ),
            "corp_miscalibration": brier - recalibrated,
            "corp_discrimination": climatology - recalibrated,
            "corp_uncertainty": climatology,
            **murphy_decomposition(p, y, w),
            "critical_success_index_best": best_critical_success_index(p, y, w),
            "spiegelhalter_z": excess / np.sqrt(variance.sum()) if variance.any() else np.nan,
            "mean_probability": mean(p),
            "event_frequency": frequency,
        }


def murphy_decomposition(p, y, w):
    """Return the parts of the Brier score in ten bins of equal width."""
    names = ("reliability", "resolution", "within_bin_variance", "within_bin_covariance")
    parts = dict.fromkeys(names, 0.0)
    frequency = np.average(y, weights=w)
    edges = np.arange(11) / 10
    edges[-1] = np.inf
    for low, high in pairwise(edges):
        inside = (low <= p) & (p < high)
        if not inside.any():
            continue
        share = w[inside].sum() / w.sum()
        mean_p, mean_y = (np.average(x[inside], weights=w[inside]) for x in (p, y))
        distance = p[inside] - mean_p
        parts["reliability"] += share * (mean_p - mean_y) ** 2
        parts["resolution"] += share * (mean_y - frequency) ** 2
        parts["within_bin_variance"] += share * np.average(distance**2, weights=w[inside])
        covariance = np.average(distance * (y[inside] - mean_y), weights=w[inside])
        parts["within_bin_covariance"] += share * 2 * covariance
    parts["uncertainty"] = frequency * (1 - frequency)
    return {f"murphy_{name}": value for name, value in parts.items()}


def best_critical_success_index(p, y, w):
    """Return the largest critical success index over all thresholds."""
    if not y.any():
        return np.nan
    forecasts = [p >= threshold for threshold in np.unique(p)]
    return max((w * y)[f].sum() / w[f | (y == 1)].sum() for f in forecasts)
