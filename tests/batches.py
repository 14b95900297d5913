"""Prepare and read small batches of run files in tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from run_files import FIRST_RUN, run_values, write_run_file

from stormcnn.storms.patches import open_patches
from stormcnn.storms.preparing import prepare_batch
from stormcnn.storms.run_files import Run, list_folder
from stormcnn.vocabulary import PATCH_DIMENSIONS

SETTINGS: dict[str, Any] = {
    "predictors": ["REFL_COM_curr", "U10_curr", "V10_curr"],
    "target": "RVORT1_MAX_future",
    "region": "storm",
}
STORM_COORDINATES = {
    "run_date",
    "valid_time",
    "forecast_hour",
    "ensemble_member",
    "track_id",
    "track_step",
    "longitude",
    "latitude",
    "run_file",
    "patch",
}


def write_run_files(folder: Path, *counts: int, size: int = 8) -> list[Run]:
    """Write run files of successive days with `counts` storms; return their run list.

    It says nothing about their sizes and times, so tests may change the files.
    """
    for day, storms in enumerate(counts):
        run_date = FIRST_RUN + timedelta(days=day)
        write_run_file(folder, run_values(storms, size, seed=day), run_date=run_date)
    return [run._replace(bytes=None, modified=None) for run in list_folder(folder, "year")]


def prepare(runs: Sequence[Run], folder: Path, **changes: Any) -> Path:
    """Prepare one batch and return the path of its patches."""
    prepare_batch(
        runs,
        folder / "patches.nc",
        folder / "statistics.csv",
        folder / "inventory.csv",
        **(SETTINGS | changes),
    )
    return folder / "patches.nc"


def whole(paths: Sequence[Path]) -> xr.Dataset:
    """Return the storms of all batches with their fields."""
    storms, fields = open_patches(paths)
    whole = storms.assign(predictors=(PATCH_DIMENSIONS, fields.in_memory()))
    masks = fields.take_masks(np.arange(storms.sizes["storm"]))
    return whole if masks is None else whole.assign(masks=(PATCH_DIMENSIONS[:3], masks))
