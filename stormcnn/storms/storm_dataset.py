"""Assemble the storms of one run file as a dataset with CF names, units and coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import xarray as xr

from stormcnn.name_pattern import RunName
from stormcnn.storms.variables import MASK_ATTRIBUTES, PER_STORM, Selection, quantity_of
from stormcnn.vocabulary import PATCH_DIMENSIONS, Array

POSITION_ATTRIBUTES = {
    "lat": {"long_name": "latitude of the grid point", "units": "degrees_north"},
    "lon": {"long_name": "longitude of the grid point", "units": "degrees_east"},
}
GRID_CORNER = {"i": "grid_i", "j": "grid_j"}
"""Variable with the index of a patch's first row or column in the NWP model's grid, by the
variable of run files that has the indices of all grid points."""

COORDINATES: dict[str, dict[str, str]] = {
    "run_date": {
        "long_name": "initialization time of the forecast run",
        "standard_name": "forecast_reference_time",
    },
    "valid_time": {"long_name": "valid time of the storm", "standard_name": "time"},
    # xarray may decode "hours" as a time difference, so the unit is "h".
    "forecast_hour": {
        "long_name": "lead time in hours",
        "standard_name": "forecast_period",
        "units": "h",
    },
    "ensemble_member": {
        "long_name": "ensemble member of the NWP model",
        "standard_name": "realization",
    },
    "track_id": {"long_name": "number of the storm's track in its run file"},
    "track_step": {"long_name": "step in the storm's track, from 1"},
    "longitude": {
        "long_name": "longitude of the patch's center",
        "standard_name": "longitude",
        "units": "degrees_east",
    },
    "latitude": {
        "long_name": "latitude of the patch's center",
        "standard_name": "latitude",
        "units": "degrees_north",
    },
    "run_file": {"long_name": "name of the run file of the storm"},
    "patch": {"long_name": "index of the storm along p in its run file"},
}


def storm_dataset(
    name: RunName,
    run_file: str,
    values: Mapping[str, Array],
    hours: Array,
    kept: Array,
    selection: Selection,
    units: Mapping[str, str],
    target_long_name: str = "",
    outlines: Mapping[str, Array] | None = None,
) -> xr.Dataset:
    """Return the storms with indices `kept`, an integer array, as described in `read_run`.

    `values` holds the fields of `selection` and `masks` with shape (storm, row, col), in `units`,
    and the variables `PER_STORM` and perhaps the target with shape (storm,). `hours` are the lead
    times in hours, shape (storm,). `name` and `run_file` are the parsed and the full file name.
    `target_long_name` is the name of the target in the run file. `outlines` are those of
    `RunVariables`.
    """
    predictors, target = selection.predictors, selection.target
    fields = np.empty((kept.size, *values[predictors[0]].shape[1:], len(predictors)), np.float32)
    for index, predictor in enumerate(predictors):
        fields[..., index] = values[predictor][kept]
    standard_names = [quantity_of(predictor).standard_name for predictor in predictors]
    longitude = values["centroid_lon"][kept]
    run_date = np.datetime64(name.run_date, "ns")
    storms = {
        "run_date": np.full(kept.size, run_date),
        "valid_time": run_date + np.round(hours[kept] * 60).astype("timedelta64[m]"),
        "forecast_hour": hours[kept],
        "ensemble_member": np.full(kept.size, name.ensemble_member),
        "track_id": values["track_id"][kept].astype(np.int32),
        "track_step": values["track_step"][kept].astype(np.int32),
        "longitude": _within_180(longitude).astype(np.float32),
        "latitude": values["centroid_lat"][kept].astype(np.float32),
        "run_file": np.full(kept.size, run_file),
        "patch": kept.astype(np.int32),
    }
    dataset = xr.Dataset(
        {"predictors": (PATCH_DIMENSIONS, fields, {"long_name": "fields of the storm's patch"})},
        coords={
            "variable": ("variable", list(predictors), {"long_name": "name in the run file"}),
            "units": ("variable", [units.get(predictor, "") for predictor in predictors]),
            "standard_name": ("variable", standard_names),
        }
        | {key: ("storm", column, COORDINATES[key]) for key, column in storms.items()},
    )
    if selection.masked:
        dataset["masks"] = (
            PATCH_DIMENSIONS[:3],
            values["masks"][kept].astype(np.int8),
            MASK_ATTRIBUTES,
        )
    dataset.update(_outline_variables(outlines or {}, kept, selection.masked))
    if target is not None:
        peak = values[target][kept]
        per_storm = peak.ndim == 1
        if not per_storm:
            inside = values["masks"][kept] == 1 if selection.masked else True
            peak = peak.max(axis=(1, 2), initial=-np.inf, where=inside)
        dataset["peak"] = (
            "storm",
            peak.astype(np.float32),
            _peak_attributes(selection, units, target_long_name, per_storm),
        )
    return dataset


def no_storms(selection: Selection) -> xr.Dataset:
    """Return the dataset of a run without storms; y and x have length 0."""
    values: dict[str, Array] = {name: np.zeros((0, 0, 0)) for name in (*selection.fields, "masks")}
    values |= {name: np.zeros(0) for name in PER_STORM}
    units = {name: quantity_of(name).units for name in selection.fields}
    name = RunName("", datetime(1970, 1, 1), "")
    return storm_dataset(name, "", values, np.zeros(0), np.zeros(0, int), selection, units)


def _outline_variables(outlines: Mapping[str, Array], kept: Array, masked: bool) -> dict[str, Any]:
    """Return the variables of outlines and positions; `masked` if there are masks already."""
    dims = PATCH_DIMENSIONS[:3]
    variables: dict[str, Any] = {}
    if "masks" in outlines and not masked:
        variables["masks"] = (dims, outlines["masks"][kept].astype(np.int8), MASK_ATTRIBUTES)
    if "lat" in outlines:
        lat, lon = outlines["lat"][kept], outlines["lon"][kept]
        # Hagelslag fills up patches at the edge of the domain with zeros.
        unknown = (lat == 0) & (lon == 0)
        for name, degrees in {"lat": lat, "lon": _within_180(lon)}.items():
            known = np.where(unknown, np.float32(np.nan), degrees)
            variables[name] = (dims, known, POSITION_ATTRIBUTES[name])
    if "i" in outlines:
        i, j = outlines["i"][kept], outlines["j"][kept]
        steps = np.indices(i.shape[1:])
        # A grid with other steps is not that of the NWP model, or the patch is filled up.
        if kept.size and all(
            (index - index[:, :1, :1] == step).all()
            for index, step in zip((i, j), steps, strict=True)
        ):
            for name, index in {"i": i, "j": j}.items():
                variables[GRID_CORNER[name]] = ("storm", index[:, 0, 0].astype(np.int32))
    return variables


def _within_180(longitude: Array) -> Array:
    return np.where(longitude > 180, longitude - 360, longitude)


def _peak_attributes(
    selection: Selection, units: Mapping[str, str], target_long_name: str, per_storm: bool
) -> dict[str, str]:
    target = str(selection.target)
    where = "inside masks" if selection.masked else "in the patch"
    attributes = {
        "long_name": f"{target} of the storm" if per_storm else f"largest {target} {where}",
        "standard_name": quantity_of(target).standard_name,
        "units": units.get(target, ""),
        "target_long_name": target_long_name,
    }
    return {key: text for key, text in attributes.items() if text}
