"""The format of patch files: variables, chunks, compression, and the encoding of times and texts.

A patch file holds the storms of one batch of run files. Times are stored as minutes, texts as
arrays of characters, because unlike variable-length texts these are compressed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import netCDF4
import numpy as np
import xarray as xr

from stormcnn.io import COMPRESSED, reading
from stormcnn.vocabulary import Array, StrPath

PER_VARIABLE = ("variable", "units", "standard_name")
"""Coordinates with one value per predictor."""

GRID_SPACING = "grid_spacing_km"
"""Attribute: distance of neighboring grid points in kilometers; missing if it is unknown."""

TIME_UNITS = "minutes since 1970-01-01 00:00:00"
TEXT = "text"
"""Dimension of the characters of texts."""

STORMS_PER_CHUNK = 64
"""Storms per chunk of the fields, which is read as a unit: 0.8 MB for three variables on 32 x 32
grid points."""

STORMS_AT_ONCE = 16 * STORMS_PER_CHUNK
"""Storms to read or write in one step."""

# Compression would save a fifth of the size for made-up storms, but takes longer than checking the
# storms, and each training would have to decompress them. The checksum detects damage as well.
FIELDS_STORAGE: dict[str, Any] = {"fletcher32": True}


@contextmanager
def open_patch_file(path: StrPath) -> Iterator[netCDF4.Dataset]:
    """Open a patch file so that its variables give plain arrays, since no value is missing.

    Raises `UserError` if the file is missing or damaged, including damage detected in the block.
    """
    with reading(path), netCDF4.Dataset(path) as file:
        file.set_auto_mask(False)
        file.set_auto_chartostring(False)
        yield file


def create_text_dimension(file: netCDF4.Dataset, texts: Sequence[str]) -> None:
    """Create the dimension of texts, long enough for each of `texts`."""
    file.createDimension(TEXT, max(64, *(len(text.encode()) for text in texts)))


def append_storms(file: netCDF4.Dataset, patches: xr.Dataset) -> None:
    """Append the storms of one run. The first run determines the dimensions and variables."""
    if "storm" not in file.dimensions:
        _create_variables(file, patches)
    start = len(file.dimensions["storm"])
    for name, variable in patches.variables.items():
        if "storm" in variable.dims:
            file[str(name)][start : start + len(variable)] = _encode(variable.values, file)


def set_units(file: netCDF4.Dataset, units: Mapping[str, str], target: str) -> None:
    """Set the units of the predictors and of the peak where they are known."""
    names = decode(file["variable"])
    present = decode(file["units"])
    file["units"][:] = _encode(np.array([*map(units.get, names, present)], str), file)
    if target in units and units[target] != getattr(file["peak"], "units", ""):
        file["peak"].units = units[target]


def stored_fields(file: netCDF4.Dataset) -> netCDF4.Variable:
    """Return the variable `predictors(storm, y, x, variable)`, set up for reading."""
    variable = file["predictors"]
    variable.set_var_chunk_cache(_cache_bytes(variable.chunking(), variable.dtype))
    return variable


def decode(variable: netCDF4.Variable) -> Array:
    """Return the values of a variable; arrays of characters (storm, text) become texts (storm,)."""
    values: Array = variable[...]
    if values.dtype.kind == "S":
        return np.char.decode(values.view(f"S{values.shape[-1]}")[..., 0], "utf-8")
    return values


def as_column(variable: netCDF4.Variable, values: Array) -> tuple[str, Array, dict[str, Any]]:
    """Return the dimension, decoded values and attributes for `xarray.Dataset`.

    `values` are the decoded values of `variable`, or those of the same variable in several files.
    """
    attributes = {name: variable.getncattr(name) for name in variable.ncattrs()}
    if attributes.get("units") == TIME_UNITS:
        values = values.astype("datetime64[m]").astype("datetime64[ns]")
        del attributes["units"], attributes["calendar"]
    for name in ("coordinates", "_Encoding"):
        attributes.pop(name, None)
    return variable.dimensions[0], values, attributes


def _create_variables(file: netCDF4.Dataset, patches: xr.Dataset) -> None:
    """Create all dimensions and variables, and write those without the dimension `storm`."""
    for dimension, length in patches.sizes.items():
        file.createDimension(str(dimension), None if dimension == "storm" else length)
    for key, variable in patches.variables.items():
        name = str(key)
        values = _encode(variable.values, file)
        attributes = dict(variable.attrs)
        dimensions = tuple(map(str, variable.dims))
        if name in patches.data_vars:
            others = patches[name].coords.keys() - set(dimensions)
            attributes["coordinates"] = " ".join(sorted(map(str, others)))
        if variable.dtype.kind == "M":
            attributes |= {"units": TIME_UNITS, "calendar": "standard"}
        if variable.dtype.kind == "U":
            attributes["_Encoding"] = "utf-8"
            dimensions = (*dimensions, TEXT)
        chunk = [max(1, length) for length in values.shape]
        if "storm" in dimensions:
            chunk[0] = STORMS_PER_CHUNK if name == "predictors" else STORMS_AT_ONCE
        stored = file.createVariable(
            name,
            values.dtype,
            dimensions,
            fill_value=False,
            chunksizes=chunk,
            chunk_cache=_cache_bytes(chunk, values.dtype),
            **(FIELDS_STORAGE if name == "predictors" else COMPRESSED),
        )
        stored.setncatts(attributes)
        if "storm" not in dimensions:
            stored[:] = values


def _cache_bytes(chunk: Sequence[int], dtype: np.dtype[Any]) -> int:
    """Return the size of two chunks; the default of 64 MiB per variable exceeds that of a run."""
    return 2 * math.prod(chunk) * dtype.itemsize


def _encode(values: Array, file: netCDF4.Dataset) -> Array:
    """Return values as stored: times as minutes, texts as arrays of characters."""
    if values.dtype.kind == "M":
        return values.astype("datetime64[m]").astype(np.int32)
    if values.dtype.kind == "U":
        length = len(file.dimensions[TEXT])
        return np.char.encode(values, "utf-8").astype(f"S{length}").view("S1").reshape(-1, length)
    return values


def patch_size(shape: Sequence[int]) -> str:
    """Return the size of patches, from a shape that begins with (y, x), for example `32 x 32`."""
    return f"{shape[0]} x {shape[1]}"
