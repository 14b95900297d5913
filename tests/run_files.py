"""Write small run files in the layout of hagelslag, valid or with changed values."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import numpy.typing as npt

Values = dict[str, npt.NDArray[Any]]

FIRST_RUN = datetime(2010, 10, 24)
DIMENSIONS = ("p", "row", "col")
UNITS = {
    "lon": "degrees_east",
    "lat": "degrees_north",
    "x": "m",
    "y": "m",
    "centroid_lon": "degrees_east",
    "centroid_lat": "degrees_north",
}


def run_values(storms: int = 6, size: int = 8, seed: int = 0) -> Values:
    """Return the 23 variables of a run with valid storms, in the order of real files.

    The storm of each patch is a square in the center. Its largest future rotation increases from
    0.001 s-1 in the first storm to 0.009 s-1 in the last; outside the square it is 0.01 s-1.
    """
    random = np.random.default_rng(seed)
    patch = np.arange(storms)
    shape = (storms, size, size)
    grid = np.arange(size)
    middle = slice(size // 4, size - size // 4)
    row, col = np.broadcast_to(grid[:, None], shape), np.broadcast_to(grid, shape)
    i, j = row + 300 + patch[:, None, None], col + 500 + 2 * patch[:, None, None]
    lon, lat = -101 + 0.03 * (j - 500), 34 + 0.027 * (i - 300)
    masks = np.zeros(shape)
    masks[:, middle, middle] = 1

    def smooth(mean: float, deviation: float) -> npt.NDArray[Any]:
        slope = np.linspace(-1, 1, size)
        across, along, level = random.normal(size=(3, storms, 1, 1))
        return mean + deviation * (level + across * slope + along * slope[:, None])

    rotation = random.uniform(0.0001, 0.0009, shape)
    rotation[:, size // 2, size // 2] = np.linspace(0.001, 0.009, storms)
    rotation[:, 0, 0] = 0.01
    center = (patch, size // 2, size // 2)
    whole = {"i": i, "j": j, "masks": masks, "time": 12 + patch % 6}
    whole |= {"track_id": patch // 3, "track_step": patch % 3 + 1}
    real = {
        "lon": lon,
        "lat": lat,
        "x": 3000.0 * (j - 690),
        "y": 3000.0 * (i - 490),
        "centroid_lon": lon[center],
        "centroid_lat": lat[center],
        "centroid_i": i[center],
        "centroid_j": j[center],
        "REFL_COM_curr": np.clip(smooth(25, 10) + 25 * masks, 0, 75),
        "U10_curr": smooth(0, 4),
        "V10_curr": smooth(1, 4),
        "T2_curr": smooth(290, 5),
        "RVORT1_MAX_future": rotation,
        "HAIL_MAXK1_future": random.gamma(1, 2, shape),
    }
    values = {"p": patch, "row": grid, "col": grid} | whole | real
    names = (
        "p row col lon lat i j x y masks time centroid_lon centroid_lat centroid_i centroid_j "
        "track_id track_step REFL_COM_curr U10_curr V10_curr T2_curr RVORT1_MAX_future "
        "HAIL_MAXK1_future"
    )
    return {name: values[name].astype("f4" if name in real else "i4") for name in names.split()}


def run_file_name(run_date: datetime = FIRST_RUN, ensemble_member: str = "d01") -> str:
    """Return the name that hagelslag gives to the run file."""
    return f"NCARSTORM_{run_date:%Y%m%d-%H%M}_{ensemble_member}_model_patches.nc"


def write_run_file(
    folder: Path,
    values: Values | None = None,
    *,
    run_date: datetime = FIRST_RUN,
    name: str | None = None,
    title: str | None = None,
    time_units: str | None = None,
    attributes: Mapping[str, Any] | None = None,
    fill_value: Any = None,
) -> Path:
    """Write the variables `values` (default: `run_values()`) to a run file; return its path.

    The file has the variables in the order of `values`, and no others. `attributes` are additional
    global attributes. With `fill_value` floating-point variables have this `_FillValue`, like files
    that were saved with xarray.
    """
    values = run_values() if values is None else values
    title = title or f"NCARSTORM Storm Patches for run {run_date:%Y%m%d-%H%M} member d01"
    path = folder / (name or run_file_name(run_date))
    folder.mkdir(parents=True, exist_ok=True)
    shape = next(array.shape for array in values.values() if array.ndim == 3)
    with netCDF4.Dataset(path, "w") as file:
        for dimension, length in zip(DIMENSIONS, shape, strict=True):
            file.createDimension(dimension, length)
        for variable, array in values.items():
            dimensions = DIMENSIONS if array.ndim == 3 else (_dimension_of(variable),)
            coordinate = variable in DIMENSIONS
            written = file.createVariable(
                variable,
                array.dtype,
                dimensions,
                zlib=not coordinate,
                complevel=1,
                fill_value=fill_value if array.dtype.kind == "f" else None,
            )
            if not coordinate:
                written.long_name = variable.removesuffix("_curr").removesuffix("_future")
                written.units = UNITS.get(variable, "")
            written[:] = array
        if "time" in values:
            file["time"].units = time_units or f"hours since {run_date:%Y-%m-%d %H:%M:%S}"
        file.setncatts(
            {"Conventions": "CF-1.6", "title": title, "object_variable": "REFL_COM"}
            | dict(attributes or {})
        )
    return path


def _dimension_of(variable: str) -> str:
    return variable if variable in DIMENSIONS else "p"


def compress_with_zstd(path: Path, name: str) -> None:
    """Compress a variable of a run file with a filter that netCDF4 loads from a plugin.

    A new process writes it, because TensorFlow disables plugins in this process and its children.
    """
    compress = """
import sys, netCDF4
with netCDF4.Dataset(sys.argv[1], "a") as file:
    file.renameVariable(sys.argv[2], "old")
    old = file["old"]
    file.createVariable(sys.argv[2], "f4", old.dimensions, compression="zstd")[:] = old[:]
"""
    environment = {key: value for key, value in os.environ.items() if key != "HDF5_PLUGIN_PATH"}
    subprocess.run([sys.executable, "-c", compress, path, name], check=True, env=environment)
