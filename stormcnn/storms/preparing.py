"""Prepare a batch of run files: its checked patches, their statistics and its inventory."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.io import replacing, write_csv
from stormcnn.name_pattern import DEFAULT_PATTERN
from stormcnn.provenance import digest, provenance, sha256_of
from stormcnn.storms.child_process import MEMORY_MB, read_in_child
from stormcnn.storms.grid_spacing import common_spacing
from stormcnn.storms.inventory import as_inventory, format_units
from stormcnn.storms.patch_file import (
    GRID_SPACING,
    append_storms,
    create_text_dimension,
    open_patch_file,
    patch_size,
    set_units,
)
from stormcnn.storms.reading import read_run
from stormcnn.storms.run_files import BadRunFile, Run, parse_run_name, size_and_time
from stormcnn.storms.storm_dataset import no_storms
from stormcnn.storms.titles import MADE_UP, is_made_up_title
from stormcnn.storms.variables import Selection
from stormcnn.vocabulary import DATA_SETTINGS, STORM_FAULTS, StrPath

STATISTICS = ("run_date", "variable", "count", "mean", "m2", "minimum", "maximum")

logger = logging.getLogger(__name__)


def prepare_batch(
    runs: Sequence[Run],
    patches_path: StrPath,
    statistics_path: StrPath,
    inventory_path: StrPath,
    *,
    predictors: Sequence[str],
    target: str,
    region: str,
    skip_bad_files: bool = False,
    reject: Sequence[str] = STORM_FAULTS,
    lead_hours: Sequence[float] | None = None,
    file_pattern: str = DEFAULT_PATTERN,
    memory_mb: float = MEMORY_MB,
) -> None:
    """Write the patches of a batch of run files, their statistics and their inventory.

    The patches are the storms that `read_run` returns, in the order of `runs`. Memory holds one run
    at a time; this process and the one that reads it may take `memory_mb` together. The statistics
    have a row for each predictor of each run with storms, over all grid points and in the units of
    the file: `count`, `mean`, `m2` (sum of squared deviations from the mean), `minimum` and
    `maximum`. The inventory has a row per run file with the number of `storms` and of `rejected`
    ones, the `reason` for rejecting them, and the number of missing hours and of their storms. If
    the batch has no storms, all three files are valid and hold none.

    Raises `BadRunFile` if `read_run` does, if the size of the patches differs from that of earlier
    files, or if the run date differs from the one in the run list. With `skip_bad_files` such a
    file is skipped, and the inventory gives the reason. Raises `UserError` if a run file has
    changed between its listing and the end of reading, or if it was replaced later by one of the
    same size, which later jobs could not detect.
    """
    before = {run.file: _size_and_time(run) for run in runs}
    settings: dict[str, Any] = {
        "predictors": list(predictors),
        "target": target,
        "region": region,
        "reject": list(reject),
        "lead_hours": lead_hours,
        "file_pattern": file_pattern,
    }
    units: dict[str, str] = {}
    inventory: list[dict[str, Any]] = []
    statistics: list[dict[str, Any]] = []
    spacings: list[float] = []
    with replacing(patches_path) as temporary, netCDF4.Dataset(temporary, "w") as file:
        create_text_dimension(file, [Path(run.file).name for run in runs])
        for run in runs:
            inventory_row, statistics_rows = _add_run(
                file, run, settings, units, skip_bad_files, memory_mb
            )
            spacings.append(inventory_row.pop(GRID_SPACING))
            inventory.append(inventory_row)
            statistics.extend(statistics_rows)
        if not statistics:
            append_storms(file, no_storms(Selection(tuple(predictors), target, region)))
        set_units(file, units, target)
        file.setncatts(_attributes(inventory, settings))
        if (spacing := common_spacing(spacings)) > 0:
            file.setncattr(GRID_SPACING, round(spacing, 2))
    write_csv(pd.DataFrame(statistics, columns=list(STATISTICS)), statistics_path)
    write_csv(as_inventory(inventory), inventory_path)
    for run in runs:
        then, now = before[run.file], _size_and_time(run)
        if then and now and then != now and then[0] == now[0]:
            raise UserError(f"{run.file}: the file was replaced while it was read. Run again.")


def _size_and_time(run: Run) -> tuple[int, int] | None:
    """Return the size (bytes) and modification time (ns) of a run file; None if it is missing."""
    try:
        return size_and_time(run.file)
    except OSError:
        return None


def _add_run(
    file: netCDF4.Dataset,
    run: Run,
    settings: dict[str, Any],
    units: dict[str, str],
    skip_bad_files: bool,
    memory_mb: float,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Append the storms of a run; return its row of the inventory and its rows of statistics.

    The first run that states units of a variable that is not in `QUANTITIES` adds them to `units`,
    and the later ones are converted.
    """
    try:
        patches = _read_listed(run, settings, units, memory_mb)
        _check_patch_size(file, run, patches)
        _check_unchanged(run)
    except BadRunFile as error:
        _check_unchanged(run)
        if not skip_bad_files:
            raise BadRunFile(
                f"{error} To skip such files, set data.skip_bad_files to true."
            ) from error
        logger.warning("Skipped %s", error)
        patches = _skipped(run, str(error), settings, memory_mb)
    else:
        logger.info(
            "Read %s storms from %s (%s rejected%s).",
            f"{patches.sizes['storm']:,}",
            run.file,
            f"{patches.attrs['rejected']:,}",
            f": {patches.attrs['reason']}" if patches.attrs["reason"] else "",
        )
        if patches.attrs["corrections"]:
            logger.info("Corrected %s: %s.", run.file, patches.attrs["corrections"])
    units |= {name: text for name, text in patches.attrs["units"].items() if text}
    patches.attrs["units"] = format_units(patches.attrs["units"])
    storms = patches.sizes["storm"]
    if storms:
        append_storms(file, patches)
    row = {
        "run_date": run.run_date,
        "file": run.file,
        "batch": run.batch,
        "storms": storms,
        "patch_size": patch_size(patches["predictors"].shape[1:]),
    }
    return row | patches.attrs, _statistics(patches, run.run_date) if storms else []


def _read_listed(
    run: Run, settings: dict[str, Any], units: dict[str, str], memory_mb: float
) -> xr.Dataset:
    patches = read_run(run.file, sha256=run.sha256, units=units, memory_mb=memory_mb, **settings)
    run_date = parse_run_name(run.file, settings["file_pattern"]).run_date
    if datetime.fromisoformat(run.run_date) != run_date:
        raise BadRunFile(
            f"{run.file}: the run date is {run_date} according to the file name, but "
            f"{run.run_date} according to the run list. Correct the run list."
        )
    return patches


def _check_unchanged(run: Run) -> None:
    """Raise `UserError` if a run file has changed since it was listed.

    It may be incomplete, and if it was skipped, no later call would read it.
    """
    if not run.is_unchanged():
        raise UserError(
            f"{run.file}: the file has changed since it was listed. Run again when it is complete "
            "(data.settle_seconds waits for files that are still being written)."
        )


def _check_patch_size(file: netCDF4.Dataset, run: Run, patches: xr.Dataset) -> None:
    if patches.sizes["storm"] and "storm" in file.dimensions:
        size, expected = (
            patch_size(source["predictors"].shape[1:]) for source in (patches, file.variables)
        )
        if size != expected:
            raise BadRunFile(
                f"{run.file}: the patches must have {expected} grid points, as in the other run "
                f"files (got {size}). Remove the run files of one size."
            )


def _skipped(run: Run, reason: str, settings: dict[str, Any], memory_mb: float) -> xr.Dataset:
    """Return the empty dataset of a run file that is skipped."""
    try:
        content = read_in_child(_identify, run.file, memory_mb=memory_mb).attrs
    except BadRunFile:
        content = {"bytes": 0, "sha256": ""}
    counts = dict.fromkeys(("rejected", "missing_hours", "missing_storms", *STORM_FAULTS), 0)
    selection = Selection(tuple(settings["predictors"]), settings["target"], settings["region"])
    return no_storms(selection).assign_attrs(
        counts,
        title="",
        reason=reason,
        corrections="",
        units={},
        grid_spacing_km=math.nan,
        **content,
    )


def _identify(path: str) -> xr.Dataset:
    """Return the size and the checksum of a file as attributes."""
    try:
        return xr.Dataset(attrs={"sha256": sha256_of(path), "bytes": os.path.getsize(path)})
    except OSError as error:
        raise BadRunFile(f"{path}: cannot be opened ({error.strerror}).") from error


def _statistics(patches: xr.Dataset, run_date: str) -> list[dict[str, Any]]:
    rows = []
    for index, variable in enumerate(patches["variable"].values):
        values = patches["predictors"].values[..., index].astype(np.float64)
        mean = values.mean()
        m2 = np.square(values - mean).sum()
        rows.append((run_date, variable, values.size, mean, m2, values.min(), values.max()))
    return [dict(zip(STATISTICS, row, strict=True)) for row in rows]


def _attributes(inventory: Sequence[Mapping[str, Any]], settings: dict[str, Any]) -> dict[str, str]:
    titles = [row["title"] for row in inventory if row["storms"]]
    made_up = any(map(is_made_up_title, titles))
    storm = f"{MADE_UP} storm" if made_up else "Storm"
    return {
        "Conventions": "CF-1.8",
        "title": f"{storm} patches of the forecast runs of {inventory[0]['batch']}",
    } | provenance(settings, source_title=titles[0] if titles else None)


def is_prepared_with(path: StrPath, settings: Mapping[str, object]) -> bool:
    """Return whether the patches in `path` were prepared with these data settings."""
    with open_patch_file(path) as file:
        return bool(file.settings_digest == digest({key: settings[key] for key in DATA_SETTINGS}))
