"""Read patch files: the storms of all batches at once, their fields only when they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.storms.grid_spacing import common_spacing
from stormcnn.storms.patch_file import (
    GRID_SPACING,
    PER_VARIABLE,
    STORMS_AT_ONCE,
    as_column,
    decode,
    open_patch_file,
    patch_size,
    stored_fields,
)
from stormcnn.storms.run_summary import runs_title
from stormcnn.storms.titles import is_made_up_title
from stormcnn.storms.variables import MASK_ATTRIBUTES
from stormcnn.vocabulary import PATCH_DIMENSIONS, Array, StrPath


class Patches(NamedTuple):
    """The storms of several patch files, and their fields, which are read when indexed.

    `storms` is what `read_run` returns without `predictors`. Its title names the first and the last
    run date, and starts with `MADE_UP` if that of any file does; the attribute `grid_spacing_km` is
    missing if it is unknown. `fields` has the shape
    (storm, y, x, variable), in the units `storms["units"]`.
    """

    storms: xr.Dataset
    fields: StoredFields


def open_patches(paths: Sequence[StrPath]) -> Patches:
    """Open patch files as one data set, in the order of `paths`, without reading the fields.

    Raises `UserError` if a file is missing or damaged, or if files differ in their predictors or in
    the size of their patches.
    """
    batches = _read_batches(paths)
    return Patches(_concatenate(batches), StoredFields(batches))


def read_storms(paths: Sequence[StrPath], indices: Sequence[int]) -> xr.Dataset:
    """Return some storms with their fields, without reading the fields of the others.

    `indices` count the storms of all files; the result has their order, and `masks` if the files
    have them. Raises the same errors as `open_patches`, and `IndexError` if there is no such storm.
    """
    patches = open_patches(paths)
    chosen = np.arange(len(patches.fields))[list(indices)]
    fields = patches.fields.take(chosen)
    storms = patches.storms.isel(storm=chosen).assign(predictors=(PATCH_DIMENSIONS, fields))
    masks = patches.fields.take_masks(chosen)
    return (
        storms
        if masks is None
        else storms.assign(masks=(PATCH_DIMENSIONS[:3], masks, MASK_ATTRIBUTES))
    )


class StoredFields:
    """The fields of patch files, read when indexed: `fields[start:stop]`.

    `shape` is (storm, y, x, variable); values are float32. Each read continues for up to 1,024
    storms, so iterating in small steps is cheap and memory does not grow with the number of storms.
    """

    def __init__(self, batches: Sequence[_Batch]) -> None:
        ends = np.cumsum([batch.storms for batch in batches]).tolist()
        self._batches = [
            (batch.path, end - batch.storms, end) for batch, end in zip(batches, ends, strict=True)
        ]
        self.shape = (ends[-1], *batches[0].shape)
        self._ahead = (0, self._read(0, 0))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, storms: slice) -> Array:
        start, stop, _ = storms.indices(len(self))
        first, fields = self._ahead
        if not first <= start <= stop <= first + len(fields):
            # Release the old fields first, so that memory never holds both.
            del fields
            self._ahead = (0, self._read(0, 0))
            end = min(len(self), max(stop, start + STORMS_AT_ONCE))
            self._ahead = first, fields = start, self._read(start, end)
        return fields[start - first : stop - first]

    def in_memory(self) -> Array:
        """Return all fields as one array."""
        return self._read(0, len(self))

    def take(self, storms: Array) -> Array:
        """Return the fields of the storms with these indices, in this order."""
        fields = np.empty((len(storms), *self.shape[1:]), np.float32)
        for path, begin, end in self._batches:
            with open_patch_file(path) as file:
                stored = stored_fields(file)
                for row in np.flatnonzero((storms >= begin) & (storms < end)):
                    fields[row] = stored[storms[row] - begin]
        return fields

    def take_masks(self, storms: Array) -> Array | None:
        """Return the masks of the storms with these indices; None if a file lacks them."""
        masks = np.empty((len(storms), *self.shape[1:3]), np.int8)
        for path, begin, end in self._batches:
            rows = np.flatnonzero((storms >= begin) & (storms < end))
            with open_patch_file(path) as file:
                if "masks" not in file.variables:
                    return None
                for row in rows:
                    masks[row] = file["masks"][storms[row] - begin]
        return masks

    def _read(self, start: int, stop: int) -> Array:
        fields = np.empty((stop - start, *self.shape[1:]), np.float32)
        for path, begin, end in self._batches:
            if begin >= stop or end <= start:
                continue
            with open_patch_file(path) as file:
                stored = stored_fields(file)
                for low in range(max(start, begin), min(stop, end), STORMS_AT_ONCE):
                    high = min(low + STORMS_AT_ONCE, stop, end)
                    fields[low - start : high - start] = stored[low - begin : high - begin]
        return fields


class _Batch(NamedTuple):
    """The content of a patch file without the fields. `shape` is (y, x, variable)."""

    path: StrPath
    title: str
    shape: tuple[int, ...]
    variables: tuple[str, ...]
    columns: dict[str, Array]
    grid_spacing_km: float

    @property
    def storms(self) -> int:
        return len(self.columns["peak"])


def _read_batch(path: StrPath) -> _Batch:
    with open_patch_file(path) as file:
        columns = {
            name: decode(variable)
            for name, variable in file.variables.items()
            if variable.dimensions[0] == "storm" and name not in ("predictors", "masks")
        }
        shape = file["predictors"].shape[1:]
        spacing = float(getattr(file, GRID_SPACING, "nan"))
        return _Batch(path, file.title, shape, tuple(decode(file["variable"])), columns, spacing)


def _read_batches(paths: Sequence[StrPath]) -> list[_Batch]:
    """Return the batches with storms after checking that they match; if none has, the first."""
    every = [_read_batch(path) for path in paths]
    batches = [batch for batch in every if batch.storms] or every[:1]
    first = batches[0]
    for batch in batches[1:]:
        if batch.variables != first.variables:
            raise UserError(
                f"{batch.path} has the predictors {', '.join(batch.variables)}, but {first.path} "
                f"has {', '.join(first.variables)}. Prepare both with the same data settings."
            )
        if batch.shape != first.shape:
            raise UserError(
                f"{batch.path} has patches of {patch_size(batch.shape)} grid points, but "
                f"{first.path} has patches of {patch_size(first.shape)}. Remove the run files of "
                "one size."
            )
    return batches


def _concatenate(batches: Sequence[_Batch]) -> xr.Dataset:
    with open_patch_file(batches[0].path) as file:
        columns = {
            name: as_column(file[name], np.concatenate([batch.columns[name] for batch in batches]))
            for name in batches[0].columns
        } | {name: as_column(file[name], decode(file[name])) for name in PER_VARIABLE}
    made_up = any(is_made_up_title(batch.title) for batch in batches)
    storms = xr.Dataset(columns)
    storms.attrs["title"] = runs_title(storms["run_date"].values, made_up)
    if (spacing := common_spacing(batch.grid_spacing_km for batch in batches)) > 0:
        storms.attrs[GRID_SPACING] = spacing
    return storms.set_coords(columns.keys() - {"peak"})
