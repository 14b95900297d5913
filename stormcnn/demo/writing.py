"""Write run files of made-up storms, in the layout that hagelslag writes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import netCDF4
import pandas as pd

from stormcnn.demo.generator import make_storms
from stormcnn.demo.grid import SIZE
from stormcnn.io import replacing
from stormcnn.storms.run_files import parse_run_name
from stormcnn.storms.titles import MADE_UP
from stormcnn.vocabulary import StrPath

UNITS = {
    "lon": "degrees_east",
    "lat": "degrees_north",
    "x": "m",
    "y": "m",
    "centroid_lon": "degrees_east",
    "centroid_lat": "degrees_north",
}


def write_run(path: StrPath, run_index: int, storms: int, seed: int) -> pd.DataFrame:
    """Write a run file of made-up storms atomically; the run date is read from its name.

    Returns the truth about each storm as a table: `run_date`, `file`, `patch`, the index of the
    storm in the file, and a column for each value that `make_storms` returns. Runs with the same
    seed differ in `run_index`.
    Raises `UserError` if the file name has no run date.
    """
    run_date = parse_run_name(path).run_date
    values, truth = make_storms(run_date, run_index, storms, seed)
    dimensions = {"p": storms, "row": SIZE, "col": SIZE}
    with replacing(path) as temporary, netCDF4.Dataset(temporary, "w") as file:
        for name, length in dimensions.items():
            file.createDimension(name, length)
        for name, value in values.items():
            if name in dimensions:
                file.createVariable(name, value.dtype, (name,))[:] = value
                continue
            variable = file.createVariable(
                name, value.dtype, tuple(dimensions)[: value.ndim], zlib=True, complevel=1
            )
            variable.long_name = name.removesuffix("_curr").removesuffix("_future")
            variable.units = UNITS.get(name, "")
            variable[:] = value
        file["time"].units = f"hours since {run_date:%Y-%m-%d %H:%M:%S}"
        file.Conventions = "CF-1.6"
        file.title = f"{MADE_UP} storm patches for run {run_date:%Y%m%d-%H%M}: not a real forecast"
        file.object_variable = "REFL_COM"
    return pd.DataFrame(
        {
            "run_date": run_date.isoformat(timespec="minutes"),
            "file": Path(path).name,
            "patch": values["p"],
            **truth,
        }
    )


def write_runs(
    paths: Sequence[StrPath], storms_per_run: int, seed: int, workers: int
) -> pd.DataFrame:
    """Write run files of made-up storms with `workers` processes in parallel.

    The index of a run is its position in `paths`, so the storms do not depend on `workers`.
    Returns the truth about each storm, as `write_run` does.
    """
    runs = range(len(paths))
    arguments = (paths, runs, [storms_per_run] * len(paths), [seed] * len(paths))
    if workers == 1:
        return pd.concat(map(write_run, *arguments), ignore_index=True)
    # Start new processes, because it is not safe to fork a process whose libraries use threads.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return pd.concat(pool.map(write_run, *arguments), ignore_index=True)
