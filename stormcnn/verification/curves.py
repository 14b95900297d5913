"""Points of the ROC curve, the reliability and performance diagrams, and the threshold table.

Each function takes one forecast: `probability` (storms,) in [0, 1], `event` (storms,), 0 or 1,
the same forecast as `ForecastByBlock`, the resamples, and the confidence of the intervals.

>>> from stormcnn.verification.resampling import resample_blocks
>>> p, y = np.array([0.9, 0.4, 0.2]), np.array([1, 1, 0])
>>> draws = resample_blocks(["1 May", "1 May", "2 May"], resamples=100)
>>> forecast = p, y, ForecastByBlock(p, y, draws.block), draws, 0.95
>>> roc_curve(*forecast).iloc[0][["pofd", "pod"]].tolist()
[0.0, 0.0]
>>> reliability_curve(*forecast).loc[9, ["forecast_mean", "observed_frequency"]].tolist()
[0.9, 1.0]
>>> performance_curve(*forecast).set_index("threshold").loc[0.5, ["success_ratio", "pod"]].tolist()
[1.0, 0.5]
>>> threshold_table(*forecast).set_index("threshold").loc[0.5, ["hits", "misses"]].tolist()
[1, 1]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from stormcnn.verification.contingency import contingency, contingency_by_block
from stormcnn.verification.resampling import Resamples, interval
from stormcnn.verification.storm_totals import ForecastByBlock
from stormcnn.vocabulary import PROBABILITY_BINS, Array

THRESHOLDS = np.concatenate(
    (
        [0, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005],
        np.arange(1, 100) / 100,
        [0.995, 0.998, 0.999, 1],
    )
)
"""Thresholds of the performance diagram and the threshold table; denser where most storms are."""

FALSE_DETECTIONS = (np.arange(101) / 100) ** 2
"""POFDs of the ROC curve; denser near 0, where the curve of a rare event bends."""


def roc_curve(
    probability: Array, event: Array, by_block: ForecastByBlock, draws: Resamples, confidence: float
) -> pd.DataFrame:
    """Return POD, with its interval, at each POFD of `FALSE_DETECTIONS`.

    The first row is the point (0, 0), at which nothing is forecast. `threshold` is the lowest one
    whose POFD does not exceed that of the row.
    """
    once = np.ones((1, draws.blocks.size))
    pod = by_block.pod_at_pofd(once, FALSE_DETECTIONS)[0]
    resampled = by_block.pod_at_pofd(draws.weights, FALSE_DETECTIONS)
    low, high = _band(pod, resampled, confidence, draws)
    return pd.DataFrame(
        {
            "threshold": np.concatenate(([np.nan], by_block.thresholds_at_pofd(FALSE_DETECTIONS))),
            "pofd": np.concatenate(([0.0], FALSE_DETECTIONS)),
            "pod": np.concatenate(([0.0], pod)),
            "pod_low": np.concatenate(([np.nan], low)),
            "pod_high": np.concatenate(([np.nan], high)),
        }
    )


def reliability_curve(
    probability: Array, event: Array, by_block: ForecastByBlock, draws: Resamples, confidence: float
) -> pd.DataFrame:
    """Return the event frequency, with its interval, in ten bins of equal width."""
    once = by_block.reliability(np.ones((1, draws.blocks.size)))
    resampled = by_block.reliability(draws.weights)
    low, high = _band(once.frequency[0], resampled.frequency, confidence, draws)
    return pd.DataFrame(
        {
            "bin": np.arange(PROBABILITY_BINS),
            "forecast_mean": once.probability[0],
            "observed_frequency": once.frequency[0],
            "low": low,
            "high": high,
            "storms": once.storms[0].astype(int),
            "events": once.events[0].astype(int),
        }
    )


def performance_curve(
    probability: Array, event: Array, by_block: ForecastByBlock, draws: Resamples, confidence: float
) -> pd.DataFrame:
    """Return success ratio, POD, CSI and bias at `THRESHOLDS`, with intervals of CSI and POD."""
    table = contingency(probability, event, THRESHOLDS)
    resampled = contingency_by_block(probability, event, draws, THRESHOLDS)
    csi_low, csi_high = _band(table.csi, resampled.csi, confidence, draws)
    # A forecast of no event at all is no point of the diagram.
    pod = np.where(np.isnan(table.success_ratio), np.nan, table.pod)
    pod_low, pod_high = _band(pod, resampled.pod, confidence, draws)
    return pd.DataFrame(
        {
            "threshold": THRESHOLDS,
            "success_ratio": table.success_ratio,
            "pod": table.pod,
            "csi": table.csi,
            "frequency_bias": table.frequency_bias,
            "csi_low": csi_low,
            "csi_high": csi_high,
            "pod_low": pod_low,
            "pod_high": pod_high,
        }
    )


def threshold_table(
    probability: Array, event: Array, by_block: ForecastByBlock, draws: Resamples, confidence: float
) -> pd.DataFrame:
    """Return the contingency table and its scores at `THRESHOLDS`, without intervals."""
    table = contingency(probability, event, THRESHOLDS)
    counts = ("hits", "misses", "false_alarms", "correct_negatives")
    scores = (
        "pod",
        "pofd",
        "success_ratio",
        "csi",
        "frequency_bias",
        "peirce_skill_score",
        "heidke_skill_score",
        "equitable_threat_score",
        "symmetric_extremal_dependence_index",
    )
    return pd.DataFrame(
        {
            "threshold": THRESHOLDS,
            **{name: getattr(table, name).astype(int) for name in counts},
            **{name: getattr(table, name) for name in scores},
        }
    )


def _band(value: Array, samples: Array, confidence: float, draws: Resamples) -> tuple[Array, Array]:
    """Return the ends of the intervals (points,) of values in [0, 1].

    The ratios that the curves show are biased in small samples, so percentiles may lie on one side
    of the value. The ends are moved to include it.
    """
    low, high = interval(value, samples, confidence, draws.blocks.size)
    return np.minimum(np.clip(low, 0, 1), value), np.maximum(np.clip(high, 0, 1), value)


Curve = Callable[[Array, Array, ForecastByBlock, Resamples, float], pd.DataFrame]

CURVES: Mapping[str, Curve] = {
    "roc": roc_curve,
    "reliability": reliability_curve,
    "performance": performance_curve,
    "thresholds": threshold_table,
}
"""Functions by the name of their table."""
