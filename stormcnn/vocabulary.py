"""Names and constants that several packages share. Imports nothing but the standard library."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    Array = Any
"""An array of any element type; docstrings give shapes and units."""

StrPath = str | os.PathLike[str]
"""The path of a file or folder."""

NetworkId = tuple[str, int]
"""Model and seed, which together identify a network."""

LESSON_EVENT: dict[str, Any] = {
    "target": "RVORT1_MAX_future",
    "region": "storm",
    "threshold": 0.005,
}
"""The event of the AMS lesson: vorticity in s-1 inside the storm's own grid points."""

REGIONS = ("storm", "patch")
"""Where the largest value of the target is taken: inside `masks`, or in the whole patch."""

DROPOUTS = ("spatial_dropout", "dropout", "dense_dropout")
"""Keys of a network's dropout rates."""

LOGISTIC_REGRESSION = "logistic_regression"
"""Key of the logistic regression among the models."""

PROBABILITY_BINS = 10
"""Bins of equal width in reliability diagrams and in the decomposition of the Brier score."""

LEAST_EVENTS = 20
"""Fewest events for which scores of a stratum are reported, or a challenger is evaluated."""

SINGLE, MC_MEAN = "single", "mc_mean"
"""Forecasts of one network: without dropout, and the mean over its Monte Carlo members."""

SEED_MEANS = {SINGLE: "seed_mean", MC_MEAN: "seed_mc_mean"}
"""The forecast that averages the probabilities of the networks of all seeds."""

VARIANTS = ("isotonic", "logistic", "own_scaling")
"""Variants of a single network's forecast: recalibrated, or with predictors scaled differently."""

OVER_SEEDS = "mean"
"""Value of the column `seed` in rows that average scores over the networks of all seeds."""

PATCH_DIMENSIONS = ("storm", "y", "x", "variable")
"""Dimensions of the fields of storms, `predictors`."""
