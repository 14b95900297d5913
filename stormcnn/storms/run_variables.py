"""Read the variables of a run file: decoded, in the usual units, order and directions."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import netCDF4
import numpy as np

from stormcnn.regular_files import open_regular
from stormcnn.storms.decoding import Undecodable, decode, text_attribute
from stormcnn.storms.grid_spacing import spacing_of
from stormcnn.storms.hdf5_structure import UnsafeStructure, check_structure
from stormcnn.storms.lead_times import read_lead_times
from stormcnn.storms.memory import MEGABYTE, memory_left
from stormcnn.storms.orientation import Orientation, UnknownOrientation, find_orientation
from stormcnn.storms.questionable import needs_positions
from stormcnn.storms.run_files import BadRunFile
from stormcnn.storms.units import UnknownUnits, are_equal, convert
from stormcnn.storms.variables import PER_STORM, Selection, quantity_of
from stormcnn.vocabulary import Array

LARGEST_COMPRESSION = 1032
"""Deflate compresses by a factor of 1032 at most. A file that declares more values than that is
damaged, and reading it would only exhaust the memory."""

MOST_STORMS = 1_000_000
"""Largest number of storms in a run file."""

YOUNG = 60.0
"""A file that cannot be read and was modified less than this many seconds ago may still be being
written."""

USUAL = 0.95
"""Least share of the points inside storms that have the value that stands for 1 in `masks`."""

FIELD_DIMENSIONS = ("p", "row", "col")
POSITIONS = ("lat", "lon")
"""Positions of the grid points, which tell the directions of rows and columns."""

GRID_INDICES = ("i", "j")
"""Indices of the grid points in the grid of the NWP model."""

OTHER_POSITIONS = (("y", "x"), GRID_INDICES)
"""What tells the directions without `POSITIONS`: a map projection, or indices of the grid."""

SAMPLE = (slice(64), slice(8), slice(8))
"""The part of the positions that is read, unless they are missing there."""


class RunVariables(NamedTuple):
    """The variables of a run file.

    `values` holds fields and `masks` with shape (storm, row, col), and the variables `PER_STORM`
    with shape (storm,), which a target may have, too; `hours` (storm,) are the lead times.
    `outlines` holds what the file has of `masks`, 1 inside the storm, and of `lat` and `lon` in
    degrees and the indices `i` and `j` of the grid points, all (storm, row, col), if the selection
    asks for it. `grid_spacing_km` is the distance of neighboring grid points, NaN if it is unknown.
    `units` are those of each field, empty if they are unknown, and `without_units` the fields of
    known quantities that state none. `corrections` describe what was converted or turned.
    `oriented` is false if the file does not tell the directions of rows and columns.
    """

    values: dict[str, Array]
    outlines: dict[str, Array]
    hours: Array
    title: str
    target_long_name: str
    units: dict[str, str]
    without_units: list[str]
    corrections: list[str]
    grid_spacing_km: float
    oriented: bool


class ListedVariable(NamedTuple):
    """A variable of a run file as its header describes it."""

    name: str
    dimensions: tuple[str, ...]
    units: str
    long_name: str


def list_variables(path: str) -> list[ListedVariable]:
    """Return all variables of a run file; none if it cannot be read."""
    try:
        _check_format(path)
        check_structure(path)
        with netCDF4.Dataset(path) as source:
            return [
                ListedVariable(
                    printable(name),
                    tuple(map(printable, variable.dimensions)),
                    printable(getattr(variable, "units", "")),
                    printable(getattr(variable, "long_name", "")),
                )
                for name, variable in source.variables.items()
            ]
    except Exception:  # noqa: BLE001 - whoever reads the values says why that is impossible
        return []


def read_variables(path: str, selection: Selection, run_date: datetime) -> RunVariables:
    """Return the selected variables of a run file whose name contains `run_date`.

    Raises `BadRunFile` if the file cannot be read, or if a variable is missing or means something
    that cannot be told.
    """
    _check_format(path)
    try:
        check_structure(path)
        with netCDF4.Dataset(path) as source:
            return _read_source(path, source, selection, run_date)
    except (BadRunFile, MemoryError):
        raise
    except UnsafeStructure as error:
        raise BadRunFile(
            f"{path}: {printable(error)}, which is refused. Copy the data into one plain file, for "
            "example with nccopy, or remove the file."
        ) from error
    except (Undecodable, UnknownOrientation, UnknownUnits) as error:
        raise BadRunFile(
            f"{path}: {printable(error)}. Correct the file, for example with ncatted, or remove it."
        ) from error
    except PermissionError as error:
        raise BadRunFile(f"{path}: permission denied. Let this user read the file.") from error
    except Exception as error:  # netCDF4 raises exceptions of many classes for damaged files
        cause = (isinstance(error, OSError) and error.strerror) or error
        raise BadRunFile(
            f"{path}: cannot be read as NetCDF ({printable(cause)}). {_damage(path)}"
        ) from error


def printable(text: object) -> str:
    """Return text of a file as one line of at most 200 printable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())[:200]


def _damage(path: str) -> str:
    """Return the probable reason why a file is not readable, and what to do."""
    if abs(time.time() - os.stat(path).st_mtime) < YOUNG:
        return (
            "It was modified less than a minute ago, so it may still be being written: run again "
            "when it is complete. Otherwise it is truncated or damaged: fetch it again or remove "
            "it."
        )
    return "The file is truncated or damaged. Fetch it again or remove it."


def _check_format(path: str) -> None:
    """Raise `BadRunFile` for all formats but NetCDF-4, whose headers have checksums.

    A damaged header of the classic format makes the library allocate gigabytes.
    """
    with open_regular(path) as stream:
        start = stream.read(8)
    if start.startswith(b"CDF"):
        raise BadRunFile(
            f"{path}: the file has the classic NetCDF format. Convert it with nccopy -k nc4."
        )
    if start != b"\x89HDF\r\n\x1a\n":
        raise BadRunFile(f"{path}: not a NetCDF-4 file. {_damage(path)}")


def _read_source(
    path: str, source: netCDF4.Dataset, selection: Selection, run_date: datetime
) -> RunVariables:
    gridded = (*selection.fields, "masks") if selection.masked else selection.fields
    _check_layout(path, source, gridded, selection.target, 5 if selection.outlines else 2)
    positions = _sample_positions(path, source)
    found = _orientation(path, source, positions)
    orientation = found or Orientation()
    corrections = orientation.corrections()
    values: dict[str, Array] = {}
    units: dict[str, str] = {}
    without_units = []
    for name in gridded:
        field = _read(path, source, name)
        if field.ndim > 1:
            field = orientation.turn(field)
        if name == "masks":
            field = _zeros_and_ones(field)
        else:
            stated = text_attribute(source[name], "units")
            quantity_units = quantity_of(name).units
            if quantity_units and not stated:
                without_units.append(name)
            shown = printable(stated)[:60]
            units[name] = quantity_units or (shown and selection.units.get(name, shown))
            if shown != units[name]:
                field, correction = _in_units(name, field, stated, units[name])
                corrections += correction
        with np.errstate(over="ignore", invalid="ignore"):
            values[name] = field.astype(np.float32, copy=False)
    if needs_positions(values, selection) and _has_positions(source, POSITIONS):
        for name in POSITIONS:
            values[name] = orientation.turn(_read(path, source, name))
    for name in PER_STORM:
        values[name] = _read(path, source, name).astype(np.float64)
        if name.startswith("centroid_"):
            stated = text_attribute(source[name], "units")
            values[name], correction = _in_units(name, values[name], stated, "degree")
            corrections += correction
    hours = read_lead_times(source["time"], run_date)
    title = printable(getattr(source, "title", ""))
    long_name = (
        printable(getattr(source[selection.target], "long_name", "")) if selection.target else ""
    )
    spacing = spacing_of(*positions) if positions else float("nan")
    return RunVariables(
        values,
        _read_outlines(path, source, orientation) if selection.outlines else {},
        hours,
        title,
        long_name,
        units,
        without_units,
        corrections,
        spacing,
        found is not None,
    )


def _check_layout(
    path: str,
    source: netCDF4.Dataset,
    gridded: Sequence[str],
    target: str | None,
    positions: int,
) -> None:
    expected = dict.fromkeys(gridded, FIELD_DIMENSIONS) | dict.fromkeys(PER_STORM, ("p",))
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
        per_storm = name == target and variable.dimensions == ("p",)
        if sorted(variable.dimensions) != sorted(dimensions) and not per_storm:
            raise BadRunFile(
                f"{path}: variable {name} must have the dimensions {', '.join(dimensions)} "
                f"(got {', '.join(variable.dimensions)}). Correct the file, or remove it."
            )
        if len(dimensions) > 1 and 0 in (len(source.dimensions[name]) for name in ("row", "col")):
            raise BadRunFile(
                f"{path}: the patches of variable {name} have no grid points. Fetch the file again "
                "or remove it."
            )
        if math.prod(variable.shape) * variable.dtype.itemsize > LARGEST_COMPRESSION * size:
            raise BadRunFile(
                f"{path}: variable {name} is declared with the shape {variable.shape}, which does "
                f"not fit into {size} bytes. The file is damaged. Fetch it again or remove it."
            )
    _check_memory(path, source, gridded, positions)


def _check_memory(
    path: str, source: netCDF4.Dataset, gridded: Sequence[str], positions: int
) -> None:
    """Raise `BadRunFile` if the storms are too many for the memory, before it is allocated."""
    shape = [len(source.dimensions[name]) for name in FIELD_DIMENSIONS]
    if shape[0] > MOST_STORMS:
        raise BadRunFile(
            f"{path}: the file is said to have {shape[0]} storms, more than {MOST_STORMS}. Fetch "
            "it again or remove it."
        )
    # All fields and positions in single precision, twice, and one that is being decoded.
    widest = max(source[name].dtype.itemsize for name in gridded)
    needed = math.prod(shape) * (8 * (len(gridded) + positions) + 2 * widest + 16)
    if needed > (left := memory_left()):
        raise BadRunFile(
            f"{path}: reading {shape[0]} storms of {shape[1]} x {shape[2]} grid points takes "
            f"{needed / MEGABYTE:.0f} MB, but only {left / MEGABYTE:.0f} MB are left of the job's "
            "memory (mem_mb). If the file is not damaged, provide more."
        )


def _read(path: str, source: netCDF4.Dataset, name: str, part: Any = None) -> Array:
    """Return a decoded variable with the dimensions p, row, col, or the slices `part` of them."""
    variable = source[name]
    dimensions = FIELD_DIMENSIONS[: variable.ndim]
    order = [variable.dimensions.index(dimension) for dimension in dimensions]
    index: Any = ...
    if part is not None:
        index = tuple(part[FIELD_DIMENSIONS.index(name)] for name in variable.dimensions)
    try:
        return decode(variable, index).transpose(order)
    except RuntimeError as error:
        if "undefined filter" not in str(error):
            raise
        raise BadRunFile(
            f"{path}: variable {name} is compressed with a filter that this machine lacks. Set "
            "HDF5_PLUGIN_PATH to the folder of the HDF5 plugins, or compress the file with zlib "
            "(nccopy -d 1) on a machine that has the filter."
        ) from error


def _orientation(
    path: str, source: netCDF4.Dataset, positions: tuple[Array, Array] | None
) -> Orientation | None:
    """Return the orientation of the patches, or None if the file does not tell it.

    `positions` are those of `_sample_positions`.
    """
    orientation = find_orientation(*positions) if positions else None
    for names in (POSITIONS, *OTHER_POSITIONS):
        if orientation is None and _has_positions(source, names):
            north, east = (_read(path, source, name) for name in names)
            orientation = find_orientation(north, east, degrees=names == POSITIONS)
    return orientation


def _read_outlines(
    path: str, source: netCDF4.Dataset, orientation: Orientation
) -> dict[str, Array]:
    """Return what the file has of masks, positions in degrees and indices of the grid points."""
    outlines: dict[str, Array] = {}
    if _has_positions(source, ("masks",)):
        outlines["masks"] = _zeros_and_ones(_read(path, source, "masks")) == 1
    if _has_positions(source, POSITIONS):
        for name in POSITIONS:
            stated = text_attribute(source[name], "units")
            degrees = _in_units(name, _read(path, source, name), stated, "degree")[0]
            outlines[name] = degrees.astype(np.float32, copy=False)
    if _has_positions(source, GRID_INDICES):
        for name in GRID_INDICES:
            outlines[name] = _read(path, source, name)
    return {name: orientation.turn(array) for name, array in outlines.items()}


def _has_positions(source: netCDF4.Dataset, names: Sequence[str]) -> bool:
    """Return whether the file has these positions of each grid point."""
    return all(
        name in source.variables
        and sorted(source[name].dimensions) == sorted(FIELD_DIMENSIONS)
        and getattr(source[name].dtype, "kind", "") in ("i", "u", "f")
        for name in names
    )


def _sample_positions(path: str, source: netCDF4.Dataset) -> tuple[Array, Array] | None:
    """Return latitudes and longitudes (storm, row, col) of a part of the patches, if there are."""
    if not _has_positions(source, POSITIONS):
        return None
    latitude, longitude = (
        _in_units(
            name,
            _read(path, source, name, SAMPLE),
            text_attribute(source[name], "units"),
            "degree",
        )[0]
        for name in POSITIONS
    )
    return latitude, longitude


def _in_units(name: str, values: Array, stated: str, wanted: str) -> tuple[Array, list[str]]:
    """Return values in the units `wanted`, and a description if they had to be changed.

    Empty units are taken as `wanted`.
    """
    if not stated or stated == wanted or not wanted:
        return values, []
    if are_equal(stated, wanted):
        return values, []
    try:
        return convert(values, stated, wanted), [f"{name} converted from {stated} to {wanted}"]
    except UnknownUnits as error:
        raise UnknownUnits(f"variable {name}: {error}") from error


def _zeros_and_ones(masks: Array) -> Array:
    """Return masks with 0 and 1 instead of other usual values.

    Outside the storms a file may have missing values instead of zeros, and inside another value
    than 1, such as 255, if nearly all grid points have it: numbers of storms are no masks.
    """
    if not (masks == 0).any():
        masks = np.where(np.isnan(masks), 0, masks)
    if (masks == 1).any():
        return masks
    others = masks[np.isfinite(masks) & (masks != 0)]
    if others.size:
        inside = np.median(others)
        if (others == inside).mean() >= USUAL:
            return np.where(masks == inside, 1, masks)
    return masks
