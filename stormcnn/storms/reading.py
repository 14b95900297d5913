"""Read the storms of one run file, without those that have invalid values."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.name_pattern import DEFAULT_PATTERN, compile_pattern
from stormcnn.provenance import sha256_of
from stormcnn.storms.child_process import MEMORY_MB, read_in_child
from stormcnn.storms.questionable import find_questionable
from stormcnn.storms.run_files import BadRunFile, RunName, parse_run_name
from stormcnn.storms.run_variables import RunVariables, read_variables
from stormcnn.storms.storm_checks import first_fault, missing_hour, summarize_faults
from stormcnn.storms.storm_dataset import storm_dataset
from stormcnn.storms.units import load_units, units_loaded
from stormcnn.storms.variables import Selection, quantity_of
from stormcnn.vocabulary import REGIONS, STORM_FAULTS, StrPath

_TITLE = re.compile(r"Storm Patches for run (\S+) member")
"""The title that hagelslag writes."""

logger = logging.getLogger(__name__)


def read_run(
    path: StrPath,
    *,
    predictors: Sequence[str],
    target: str | None = None,
    region: str = "storm",
    reject: Sequence[str] = STORM_FAULTS,
    lead_hours: Sequence[float] | None = None,
    units: Mapping[str, str] | None = None,
    outlines: bool = False,
    file_pattern: str = DEFAULT_PATTERN,
    sha256: str = "",
    memory_mb: float = MEMORY_MB,
) -> xr.Dataset:
    """Return the valid storms of one run file.

    Only the necessary variables are read: `predictors`, the `target` if one is set, and `masks` if
    the target is evaluated in region `storm`. Without a target the file needs no future variable.
    With `outlines`, also `masks` and the positions of the grid points are read if the file has
    them.

    Returns `predictors(storm, y, x, variable)` as float32 in the units of `QUANTITIES`, with rows
    from south to north and columns from west to east; `peak(storm)` as float32 (with a target only:
    its largest value inside `masks`, or in the whole patch for region `patch`, or the target itself
    if it has one value per storm); and the coordinates of each storm. With `outlines` also, as far
    as the file has them, `masks(storm, y, x)`, `lat` and `lon` (storm, y, x) in degrees, NaN beyond
    the edge of the domain, and `grid_i` and `grid_j` (storm), the indices of the patch's first row
    and column in the NWP model's grid. Variables that are not in `QUANTITIES` keep the units of the
    file, or are converted to those in `units`. Attributes: `title` and `sha256` of the file, its
    size in
    `bytes`, the number of `rejected` storms, the `reason` for rejecting them, the number of
    `missing_hours`, how many of the rejected storms belong to these (`missing_storms`), the number
    of storms of each kind in `STORM_FAULTS`, the `corrections` of units and directions, and the
    `units` of each variable.

    A storm is rejected if a field contains NaN, an infinity or a physically impossible value; if
    `masks` is empty or has several values other than 0; if its time, position or track is
    impossible; if its lead time is outside `lead_hours`, two limits; or if it is of a kind in
    `reject`. Hagelslag writes zeros if the NWP model output of an hour is missing, so an hour
    counts as missing if a field is zero everywhere in all of its storms and there are at least 5 of
    them. Otherwise a future field of zeros is a storm that vanished, fields that are not in
    `QUANTITIES`, such as hail, may be zero as well, and other fields of zeros are impossible.

    The file is read in a child process, so a file that crashes the NetCDF library is an error like
    any other. Together with this process it may take `memory_mb`. Raises `BadRunFile` if the file
    cannot be read, is not a regular file or not a run file, refers to other files, lacks a
    variable, has an attribute or units that cannot be decoded, contains another forecast run than
    its name states, or has another checksum than `sha256`.
    """
    if region not in REGIONS:
        raise ValueError(f"region must be one of {', '.join(REGIONS)} (got {region!r}).")
    selection = Selection(
        tuple(predictors),
        target,
        region,
        tuple(reject),
        None if lead_hours is None else (lead_hours[0], lead_hours[1]),
        dict(units or {}),
        outlines,
    )
    storms = read_in_child(
        read_checked, str(path), selection, sha256, file_pattern, memory_mb=memory_mb
    )
    if storms.attrs.pop("units_loaded"):
        # The processes that read the next files find the definitions in memory.
        load_units()
    _log_missing_units(tuple(storms.attrs.pop("without_units")))
    if not storms.attrs.pop("oriented"):
        logger.warning(
            "%s: the directions of rows and columns are not checked, because no positions (lat and "
            "lon, y and x, or i and j) tell them.",
            path,
        )
    return storms


def read_checked(
    path: str, selection: Selection, sha256: str, file_pattern: str = DEFAULT_PATTERN
) -> xr.Dataset:
    """Return the same as `read_run`, but read in this process, which a damaged file may crash.

    Raises `BadRunFile` as `read_run` does.
    """
    return take_valid(read_content(path, selection, sha256, file_pattern), selection)


class RunContent(NamedTuple):
    """The content of a run file: the parts of its name, its variables, its size and checksum."""

    path: str
    name: RunName
    variables: RunVariables
    bytes: int
    sha256: str


def read_content(
    path: str, selection: Selection, sha256: str, file_pattern: str = DEFAULT_PATTERN
) -> RunContent:
    """Return the content of a run file with all of its storms, read in this process.

    Raises `BadRunFile` as `read_run` does.
    """
    try:
        name = parse_run_name(path, file_pattern)
    except UserError as error:
        raise BadRunFile(str(error)) from error
    try:
        before = os.stat(path)
        actual = sha256_of(path)
    except PermissionError as error:
        raise BadRunFile(
            f"{path}: permission denied. Let this user read the file and search its folders."
        ) from error
    except OSError as error:
        raise BadRunFile(
            f"{path}: cannot be opened ({error.strerror}). Check that the file exists and that its "
            "disk works, or remove it."
        ) from error
    if sha256 and sha256.lower() != actual:
        raise BadRunFile(
            f"{path}: the SHA-256 is {actual}, but the run list says {sha256}. The file has been "
            "changed or damaged. Fetch it again, or correct the run list."
        )
    run = read_variables(path, selection, name.run_date)
    formats = {compile_pattern(pattern).date_format for pattern in (DEFAULT_PATTERN, file_pattern)}
    titled = _TITLE.search(run.title)
    if titled and _is_other_date(titled[1], name.run_date, formats):
        raise BadRunFile(
            f"{path}: the run date is {name.run_date} according to the file name, but {titled[1]} "
            "according to the attribute title. Fetch the file again, or correct the wrong one."
        )
    if _identity(os.stat(path)) != _identity(before):
        raise BadRunFile(f"{path}: the file changed while it was read. Run the workflow again.")
    return RunContent(path, name, run, before.st_size, actual)


def take_valid(content: RunContent, selection: Selection) -> xr.Dataset:
    """Return the valid storms of a run file with the attributes of `read_run`."""
    run = content.variables
    questionable = find_questionable(run.values, run.hours, selection)
    fault = first_fault(run.values, run.hours, selection, questionable)
    kept = np.flatnonzero(fault == "")
    missing = missing_hour(fault)
    return storm_dataset(
        content.name,
        Path(content.path).name,
        run.values,
        run.hours,
        kept,
        selection,
        run.units,
        run.target_long_name,
        run.outlines,
    ).assign_attrs(
        title=run.title,
        bytes=content.bytes,
        sha256=content.sha256,
        rejected=fault.size - kept.size,
        reason=summarize_faults(fault),
        missing_hours=np.unique(run.hours[missing]).size,
        missing_storms=int(missing.sum()),
        **{kind: int(storms.sum()) for kind, storms in questionable.items()},
        corrections="; ".join(run.corrections),
        units=run.units,
        grid_spacing_km=run.grid_spacing_km,
        without_units=run.without_units,
        oriented=run.oriented or fault.size == 0,
        units_loaded=units_loaded(),
    )


def _is_other_date(text: str, run_date: datetime, formats: Iterable[str]) -> bool:
    """Return whether a text is a date in one of the formats, and not the run date."""
    dates = []
    for date_format in formats:
        with suppress(ValueError):
            datetime.strptime(text, date_format)
            dates.append(run_date.strftime(date_format))
    return bool(dates) and text not in dates


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


@cache
def _log_missing_units(variables: tuple[str, ...]) -> None:
    """Log once which units are taken for variables that state none."""
    if variables:
        assumed = ", ".join(f"{name} in {quantity_of(name).units}" for name in variables)
        logger.info(
            "The run files state no units for some variables; they are taken as %s.", assumed
        )
