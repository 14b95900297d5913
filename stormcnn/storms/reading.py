"""Read the storms of one run file, without those that have invalid values."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.provenance import sha256_of
from stormcnn.storms.child_process import read_in_child
from stormcnn.storms.run_files import BadRunFile, parse_run_name
from stormcnn.storms.storm_checks import first_fault, missing_hour, summarize_faults
from stormcnn.storms.storm_dataset import storm_dataset
from stormcnn.storms.variables import PER_STORM, Selection
from stormcnn.vocabulary import REGIONS, Array, StrPath

LARGEST_COMPRESSION = 1032
"""Deflate compresses by a factor of 1032 at most. A file that declares more values than that is
damaged, and reading it would only exhaust the memory."""


def read_run(
    path: StrPath,
    *,
    predictors: Sequence[str],
    target: str | None = None,
    region: str = "storm",
    sha256: str = "",
) -> xr.Dataset:
    """Return the valid storms of one run file.

    Only the necessary variables are read: `predictors`, the `target` if one is set, and `masks` if
    the target is evaluated in region `storm`. Without a target the file needs no future variable.

    Returns `predictors(storm, y, x, variable)` as float32 in the units of the file, `peak(storm)`
    as float32 (with a target only: its largest value where `masks` is 1, or in the whole patch for
    region `patch`), and the coordinates of each storm. Attributes: `title` and `sha256` of the
    file, its size in `bytes`, the number of `rejected` storms, the `reason` for rejecting them, the
    number of `missing_hours`, and how many of the rejected storms belong to these
    (`missing_storms`).

    A storm is rejected if a field contains NaN, an infinity or a physically impossible value; if
    `masks` is empty or has values other than 0 and 1; or if its time, position or track is
    impossible. Hagelslag writes zeros if the NWP model output of an hour is missing, so an hour
    counts as missing if a field is zero everywhere in all of its storms and there are at least 5 of
    them. Otherwise a future field of zeros is a storm that vanished, fields that are not in
    `QUANTITIES`, such as hail, may be zero as well, and other fields of zeros are impossible.

    The file is read in a child process, so a file that crashes the NetCDF library is an error like
    any other. Raises `BadRunFile` if the file cannot be read, is not a run file, lacks a variable,
    contains another forecast run than its name states, or has another checksum than `sha256`.
    """
    if region not in REGIONS:
        raise ValueError(f"region must be one of {', '.join(REGIONS)} (got {region!r}).")
    selection = Selection(tuple(predictors), target, region)
    return read_in_child(read_checked, str(path), selection, sha256)


def read_checked(path: str, selection: Selection, sha256: str) -> xr.Dataset:
    """Return the same as `read_run`, but read in this process, which a damaged file may crash.

    Raises `BadRunFile` as `read_run` does.
    """
    try:
        name = parse_run_name(path)
    except UserError as error:
        raise BadRunFile(str(error)) from error
    try:
        before = os.stat(path)
        actual = sha256_of(path)
    except OSError as error:
        raise BadRunFile(
            f"{path}: cannot be opened ({error.strerror}). Check that the file exists and may be "
            "read."
        ) from error
    if sha256 and sha256.lower() != actual:
        raise BadRunFile(
            f"{path}: the SHA-256 is {actual}, but the run list says {sha256}. The file has been "
            "changed or damaged. Fetch it again, or correct the run list."
        )
    _check_format(path)
    values, title, units, target = _read_variables(path, selection)
    if _identity(os.stat(path)) != _identity(before):
        raise BadRunFile(f"{path}: the file changed while it was read. Run the workflow again.")

    hours = _lead_hours(path, values["time"], units, name.run_date)
    fault = first_fault(values, hours, selection)
    kept = np.flatnonzero(fault == "")
    missing = missing_hour(fault)
    storms = storm_dataset(name, Path(path).name, values, hours, kept, selection, target)
    return storms.assign_attrs(
        title=title,
        bytes=before.st_size,
        sha256=actual,
        rejected=fault.size - kept.size,
        reason=summarize_faults(fault),
        missing_hours=np.unique(hours[missing]).size,
        missing_storms=int(missing.sum()),
    )


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _check_format(path: str) -> None:
    """Raise `BadRunFile` for all formats but NetCDF-4, whose headers have checksums.

    A damaged header of the classic format makes the library allocate gigabytes.
    """
    with open(path, "rb") as stream:
        if stream.read(8) != b"\x89HDF\r\n\x1a\n":
            raise BadRunFile(
                f"{path}: not a NetCDF-4 file. Fetch it again or remove it; convert a file in the "
                "classic NetCDF format with nccopy -k nc4."
            )


def _read_variables(
    path: str, selection: Selection
) -> tuple[dict[str, Array], str, str, dict[str, str]]:
    """Return the selected variables (NaN for missing values) and what describes them.

    This is the title of the file, the units of time, and the `long_name` and `units` of the target.
    """
    fields = (*selection.fields, "masks") if selection.masked else selection.fields
    try:
        with netCDF4.Dataset(path) as source:
            _check_layout(path, source, fields)
            values = {name: _filled(source[name][...], np.float32) for name in fields}
            values |= {name: _filled(source[name][...], np.float64) for name in PER_STORM}
            title = _printable(getattr(source, "title", ""))
            units = _printable(getattr(source["time"], "units", ""))
            target = {
                name: _printable(getattr(source[selection.target], name, ""))
                for name in ("long_name", "units")
                if selection.target is not None
            }
    except BadRunFile:
        raise
    except Exception as error:  # netCDF4 raises exceptions of many classes for damaged files
        cause = (isinstance(error, OSError) and error.strerror) or error
        raise BadRunFile(
            f"{path}: cannot be read as NetCDF ({_printable(cause)}). The file is truncated or "
            "damaged. Fetch it again or remove it."
        ) from error
    return values, title, units, target


def _check_layout(path: str, source: netCDF4.Dataset, fields: Sequence[str]) -> None:
    expected = dict.fromkeys(fields, ("p", "row", "col")) | dict.fromkeys(PER_STORM, ("p",))
    missing = [name for name in expected if name not in source.variables]
    if missing:
        raise BadRunFile(
            f"{path}: variable {', '.join(missing)} is missing. Add it, or set data.predictors, "
            "data.target or data.region so that it is not needed."
        )
    size = os.path.getsize(path)
    for name, dimensions in expected.items():
        variable = source[name]
        if getattr(variable.dtype, "kind", "") not in ("i", "u", "f"):
            raise BadRunFile(
                f"{path}: variable {name} does not hold numbers. Fetch the file again or remove it."
            )
        if variable.dimensions != dimensions:
            raise BadRunFile(
                f"{path}: variable {name} must have the dimensions {', '.join(dimensions)} "
                f"(got {', '.join(variable.dimensions)}). Transpose it, or remove the file."
            )
        if 0 in variable.shape[1:]:
            raise BadRunFile(
                f"{path}: the patches of variable {name} have no grid points. Fetch the file again "
                "or remove it."
            )
        if math.prod(variable.shape) * variable.dtype.itemsize > LARGEST_COMPRESSION * size:
            raise BadRunFile(
                f"{path}: variable {name} is declared with the shape {variable.shape}, which does "
                f"not fit into {size} bytes. The file is damaged. Fetch it again or remove it."
            )


def _filled(values: Array, dtype: type[np.floating[Any]]) -> Array:
    """Return `values` as `dtype`: NaN where masked, infinite where too large for the type."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.ma.is_masked(values):
            return np.ma.filled(values.astype(dtype), np.nan)
        return np.ma.getdata(values).astype(dtype, copy=False)


def _printable(text: object) -> str:
    """Return text of a file as one line of at most 200 printable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())[:200]


def _lead_hours(path: str, time: Array, units: str, run_date: datetime) -> Array:
    """Return the hours since the run date; raise `BadRunFile` if `units` has another start."""
    try:
        dates = netCDF4.num2date(
            [0, 1], units, only_use_cftime_datetimes=False, only_use_python_datetimes=True
        )
    except Exception as error:  # cftime raises exceptions of many classes for invalid units
        raise BadRunFile(
            f"{path}: the units of variable time must be 'hours since {run_date}', the run date in "
            f"the file name (got {units!r}). Correct them."
        ) from error
    start, next_unit = np.asarray(dates)
    if start != run_date:
        raise BadRunFile(
            f"{path}: the run date is {run_date} according to the file name, but {start} according "
            f"to the units of variable time ({units}). Correct the file name."
        )
    return time * ((next_unit - start) / timedelta(hours=1))
