"""Names and constants that several packages share. Imports nothing but the standard library."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

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

Region = Literal["storm", "patch"]
REGIONS = get_args(Region)
"""Where the largest value of the target is taken: inside `masks`, or in the whole patch."""

DROPOUTS = ("spatial_dropout", "dropout", "dense_dropout")
"""Keys of a network's dropout rates."""

Opponent = Literal["boosted_trees", "threshold_rule", "logistic_regression"]
BOOSTED_TREES: Opponent = "boosted_trees"
THRESHOLD_RULE: Opponent = "threshold_rule"
LOGISTIC_REGRESSION: Opponent = "logistic_regression"
OPPONENTS = get_args(Opponent)
"""Keys of the models that are no networks; no network may have one of them."""

SEEDLESS = (THRESHOLD_RULE, LOGISTIC_REGRESSION)
"""Opponents whose fit is deterministic. Their files have the number of the first seed."""

PROBABILITY_BINS = 10
"""Bins of equal width in reliability diagrams and in the decomposition of the Brier score."""

LEAST_EVENTS = 20
"""Fewest events for which scores of a stratum are reported, or a challenger is evaluated."""

Box = Mapping[str, Sequence[float]]
"""Limits of a region in degrees: `longitude` (west, east) and `latitude` (south, north)."""

US_REGIONS: Mapping[str, Box] = {
    "mountain_west": {"longitude": (-125, -105), "latitude": (24, 50)},
    "great_plains": {"longitude": (-105, -90), "latitude": (24, 50)},
    "midwest_northeast": {"longitude": (-90, -66), "latitude": (37, 50)},
    "southeast": {"longitude": (-90, -66), "latitude": (24, 37)},
}
"""Boxes of the contiguous United States by the name of the region."""

LEAST_BLOCKS = 10
"""Fewest blocks for which anything is claimed."""

LEAST_SEEDS = 3
"""Fewest seeds of each model for which anything is claimed about methods."""

BLOCK_DAY, BLOCK_RUN = "day", "run"
BlockSize = str | int
"""What is resampled as a whole: `day`, `run`, or a number of consecutive days."""

METHOD, NETWORKS = "method", "networks"
"""What a difference is a claim about: training with these settings, or these trained networks."""

SINGLE, MC_MEAN = "single", "mc_mean"
"""Forecasts of one network: without dropout, and the mean over its Monte Carlo members."""

SEED_MEANS = {SINGLE: "seed_mean", MC_MEAN: "seed_mc_mean"}
"""The forecast that averages the probabilities of the networks of all seeds."""

RecalibrationMethod = Literal["intercept", "logistic", "isotonic"]
INTERCEPT: RecalibrationMethod = "intercept"
LOGISTIC: RecalibrationMethod = "logistic"
ISOTONIC: RecalibrationMethod = "isotonic"
RECALIBRATIONS = (INTERCEPT, LOGISTIC, ISOTONIC)
"""Methods by which the forecast of a single network is recalibrated."""

OWN_SCALING = "own_scaling"
"""The forecast of a single network with predictors scaled by their own statistics."""

VARIANTS = (*RECALIBRATIONS, OWN_SCALING)
"""Variants of a single network's forecast: recalibrated, or with predictors scaled differently."""

ALL_SEEDS = "all"
"""Value of the column `seed` in rows of forecasts that average the networks of all seeds."""

OVER_SEEDS = "mean"
"""Value of the column `seed` in rows that average scores over the networks of all seeds."""

StormFault = Literal["duplicate", "padded", "constant"]
STORM_FAULTS = get_args(StormFault)
"""Kinds of questionable storms: a copy of another storm of the file, a patch filled up with zeros
at the edge of the domain, and a predictor with the same value everywhere."""

ReportKind = Literal["tornado", "hail", "wind"]
REPORT_KINDS = get_args(ReportKind)
"""Kinds of reports of severe weather that can be chosen."""

DATA_SETTINGS = (
    "predictors",
    "target",
    "region",
    "reject",
    "lead_hours",
    "file_pattern",
)
"""The data settings on which patches depend, in addition to the run files."""

COUNT_COVERAGE = 0.9
"""Nominal coverage of the intervals of event counts by which members are judged."""

RATE_SCORES = ("count_crps", "count_coverage_90", "spread_skill_ratio")
"""Scores of the members that are shown for each dropout rate."""

PATCH_DIMENSIONS = ("storm", "y", "x", "variable")
"""Dimensions of the fields of storms, `predictors`."""
