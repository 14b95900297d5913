"""Statistics of storms that models without convolutions use as predictors.

Hill et al. (2020) and Flora et al. (2021) use statistics of this kind for probabilities of severe
weather. Regions are the `patch` and, if the patch files have masks, the `storm` itself. Names of
features are `<variable>_<region>_<statistic>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from stormcnn.storms.patch_file import STORMS_AT_ONCE
from stormcnn.storms.variables import quantity_of

if TYPE_CHECKING:
    from stormcnn.storms.patches import Patches
    from stormcnn.vocabulary import Array

QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
PATCH, STORM = "patch", "storm"
PATCH_MEAN = f"_{PATCH}_mean"
"""End of the names of means over the patch."""


def compute_features(patches: Patches) -> xr.Dataset:
    """Return `features(storm, feature)` of all storms, and their `peak` and coordinates.

    The fields are read a few storms at a time.
    """
    storms, fields = patches
    variables = [str(name) for name in storms["variable"].values]
    parts = []
    for start in range(0, len(fields), STORMS_AT_ONCE):
        indices = np.arange(start, min(start + STORMS_AT_ONCE, len(fields)))
        masks = fields.take_masks(indices)
        parts.append(field_features(fields[start : indices[-1] + 1], masks, variables))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    columns |= place_and_time(storms)
    features = np.stack(list(columns.values()), axis=1).astype(np.float32)
    about = {"long_name": "statistics of the fields, place and time of the storm"}
    return (
        storms[["peak"]]
        .assign(features=(("storm", "feature"), features, about))
        .assign_coords(feature=list(columns))
    )


def field_features(
    fields: Array, masks: Array | None, variables: Sequence[str]
) -> dict[str, Array]:
    """Return the statistics of fields (storm, y, x, variable) by name, each (storm,).

    `masks` (storm, y, x) are 1 inside the storms. For each variable and region: mean, standard
    deviation (divisor n, so 0 for a single grid point), smallest and largest value, and quantiles,
    interpolated linearly. Of the wind, if both components are among the variables: smallest and
    largest relative vorticity and divergence, from centered differences, in m s-1 per grid point.
    Of the masks: the number of grid points.

    >>> field = np.array([[1.0, 2.0], [3.0, 6.0]]).reshape(1, 2, 2, 1)
    >>> features = field_features(field, np.array([[[0, 0], [1, 1]]]), ["T2_curr"])
    >>> features["T2_curr_patch_mean"], features["T2_curr_storm_mean"], features["storm_area"]
    (array([3.]), array([4.5]), array([2]))
    """
    values = np.moveaxis(fields, -1, 1)
    regions = {PATCH: np.ones(fields.shape[:3], bool)}
    if masks is not None:
        regions[STORM] = masks == 1
    derived = _derivatives_of_wind(values, variables)
    features: dict[str, Array] = {}
    for region, inside in regions.items():
        statistics = _statistics(values, inside)
        for number, variable in enumerate(variables):
            features |= {
                f"{variable}_{region}_{name}": statistic[:, number]
                for name, statistic in statistics.items()
            }
        for variable, derivative in derived.items():
            features[f"{variable}_{region}_min"] = np.where(inside, derivative, np.inf).min((1, 2))
            features[f"{variable}_{region}_max"] = np.where(inside, derivative, -np.inf).max((1, 2))
    if masks is not None:
        features["storm_area"] = regions[STORM].sum(axis=(1, 2))
    return features


def place_and_time(storms: xr.Dataset) -> dict[str, Array]:
    """Return lead hour, hour of the day, latitude and longitude by name, each (storm,).

    The hour is that of mean solar time at the longitude of the storm.
    """
    time = storms["valid_time"].values.astype("datetime64[m]")
    hour = (time - time.astype("datetime64[D]")).astype(float) / 60
    longitude = storms["longitude"].values.astype(float)
    return {
        "lead_hour": storms["forecast_hour"].values.astype(float),
        "solar_hour": (hour + longitude / 15) % 24,
        "latitude": storms["latitude"].values.astype(float),
        "longitude": longitude,
    }


def _statistics(values: Array, inside: Array) -> dict[str, Array]:
    """Return statistics of `values` (storm, variable, y, x) over the points `inside`, by name.

    Each has the shape (storm, variable).
    """
    storms, variables = values.shape[:2]
    flat, chosen = values.reshape(storms, variables, -1), inside.reshape(storms, 1, -1)
    count = chosen.sum(axis=2)
    mean = flat.sum(axis=2, where=chosen, dtype=np.float64) / count
    deviation = flat - mean[..., np.newaxis].astype(flat.dtype)
    variance = (deviation**2).sum(axis=2, where=chosen, dtype=np.float64) / count
    ascending = np.sort(np.where(chosen, flat, np.inf), axis=2)

    def at(rank: Array) -> Array:
        below = np.floor(rank).astype(int)
        ends = (np.minimum(below + step, count - 1)[..., np.newaxis] for step in (0, 1))
        low, high = (np.take_along_axis(ascending, end, axis=2)[..., 0] for end in ends)
        return low + (rank - below) * (high - low)

    quantiles = {name: at(level * (count - 1)) for name, level in QUANTILES.items()}
    lowest, highest = at(0.0 * count), at(count - 1.0)
    return {"mean": mean, "sd": np.sqrt(variance), "min": lowest, "max": highest} | quantiles


def _derivatives_of_wind(values: Array, variables: Sequence[str]) -> dict[str, Array]:
    """Return relative vorticity and divergence (storm, y, x) if both components of wind exist."""
    names = [quantity_of(variable).standard_name for variable in variables]
    if not {"x_wind", "y_wind"} <= set(names) or min(values.shape[2:]) < 2:
        return {}
    u, v = (values[:, names.index(name)] for name in ("x_wind", "y_wind"))
    return {
        "vorticity": np.gradient(v, axis=2) - np.gradient(u, axis=1),
        "divergence": np.gradient(u, axis=2) + np.gradient(v, axis=1),
    }
