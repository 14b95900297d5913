"""Prepare the checked patches of a batch of runs, and read patches back."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import netCDF4
import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.io import COMPRESSED, reading, replacing, write_csv
from stormcnn.provenance import digest, provenance, sha256_of
from stormcnn.storms.inventory import MADE_UP, as_inventory, is_made_up_title
from stormcnn.storms.reading import PATCH_DIMENSIONS, BadRunFile, no_storms, read_run
from stormcnn.storms.run_files import Run, parse_run_name
from stormcnn.vocabulary import Array

PathLike = str | os.PathLike[str]

STATISTICS = ("run_date", "variable", "count", "mean", "m2", "minimum", "maximum")
SETTINGS = ("predictors", "target", "region", "skip_bad_files")
"""What patches depend on beside the run files."""
PER_VARIABLE = ("variable", "units", "standard_name")
TIME_UNITS = "minutes since 1970-01-01 00:00:00"
# To read one storm its chunk is read: 0.8 MB at 32 x 32 grid points of three variables.
STORMS_IN_CHUNK = 64
STORMS_AT_ONCE = 16 * STORMS_IN_CHUNK
# Deflate takes a fifth from fields of made-up storms, and to pack them took longer than to check
# them; every training would unpack them again. A checksum tells damage as Deflate does.
CHECKED: dict[str, Any] = {"fletcher32": True}

logger = logging.getLogger(__name__)


def prepare_batch(
    runs: Sequence[Run],
    patches_path: PathLike,
    statistics_path: PathLike,
    inventory_path: PathLike,
    *,
    predictors: Sequence[str],
    target: str,
    region: str,
    skip_bad_files: bool = False,
) -> None:
    """Write the checked patches of a batch of runs, their statistics and their inventory.

    The patches are those that `read_run` gives, one run after the other; memory holds one run.
    Statistics have a row for each predictor of each run that gave storms, over all grid points:
    `count`, `mean`, `m2` (sum of squared differences from the mean), `minimum` and `maximum`.
    The inventory has a row for each run file: `storms` were taken, `rejected` were set aside for
    the `reason` given. Where no storm is left, the files are whole and hold none.

    Raises `BadRunFile` for a file that `read_run` refuses, that has patches of another size than
    the files before it, or whose run date is not the one in the run list. With `skip_bad_files`
    such a file is left out, and the inventory says why. Raises `UserError` where a run file was
    meanwhile replaced by one of the same size, which nobody would notice later.
    """
    before = {run.file: _size_and_time(run) for run in runs}
    settings: dict[str, Any] = {
        "predictors": list(predictors),
        "target": target,
        "region": region,
    }
    inventory: list[dict[str, Any]] = []
    statistics: list[dict[str, Any]] = []
    with replacing(patches_path) as temporary, netCDF4.Dataset(temporary, "w") as file:
        # All texts are character arrays of this length: unlike free texts they are compressed.
        longest = max(len(Path(run.file).name.encode()) for run in runs)
        file.createDimension("text", max(64, longest))
        for run in runs:
            line, rows = _add_run(file, run, settings, skip_bad_files)
            inventory.append(line)
            statistics.extend(rows)
        if not statistics:
            _append(file, no_storms(**settings))
        file.setncatts(_attributes(inventory, settings | {"skip_bad_files": skip_bad_files}))
    write_csv(pd.DataFrame(statistics, columns=list(STATISTICS)), statistics_path)
    write_csv(as_inventory(inventory), inventory_path)
    for run in runs:
        then, now = before[run.file], _size_and_time(run)
        if then and now and then != now and then[0] == now[0]:
            raise UserError(f"{run.file}: was replaced while it was read. Run again.")


def _size_and_time(run: Run) -> tuple[int, int] | None:
    """Bytes and time of change (ns) of a run file, or None where it is missing."""
    try:
        found = os.stat(run.file)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _add_run(
    file: netCDF4.Dataset, run: Run, settings: dict[str, Any], skip_bad_files: bool
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Write the storms of a run; gives its line of the inventory and its statistics."""
    try:
        patches = _read_listed(run, settings)
        _check_size(file, run, patches)
    except BadRunFile as error:
        if not skip_bad_files:
            raise BadRunFile(
                f"{error} With data.skip_bad_files: true such files are left out."
            ) from error
        logger.warning("%s", error)
        patches = _nothing_from(run, str(error), settings)
    storms = patches.sizes["storm"]
    logger.info("%s: %d storms. %s", run.file, storms, patches.attrs["reason"])
    if storms:
        _append(file, patches)
    line = {
        "run_date": run.run_date,
        "file": run.file,
        "batch": run.batch,
        "storms": storms,
        "patch_size": _size(patches["predictors"].shape[1:]),
    }
    return line | patches.attrs, _statistics(patches, run.run_date) if storms else []


def _read_listed(run: Run, settings: dict[str, Any]) -> xr.Dataset:
    patches = read_run(run.file, sha256=run.sha256, **settings)
    named = parse_run_name(run.file).run_date
    if datetime.fromisoformat(run.run_date) != named:
        raise BadRunFile(
            f"{run.file}: the run started at {named} as the file's name says, but at "
            f"{run.run_date} as the run list says. Correct the run list."
        )
    return patches


def _check_size(file: netCDF4.Dataset, run: Run, patches: xr.Dataset) -> None:
    if patches.sizes["storm"] and "storm" in file.dimensions:
        size, before = (_size(part["predictors"].shape[1:]) for part in (patches, file.variables))
        if size != before:
            raise BadRunFile(
                f"{run.file}: has patches of {size} grid points, the run files before it have "
                f"{before}. All patches of a data set must have one size."
            )


def _size(shape: Sequence[int]) -> str:
    return f"{shape[0]} x {shape[1]}"


def _nothing_from(run: Run, reason: str, settings: dict[str, Any]) -> xr.Dataset:
    """What a run file that is left out adds to its batch."""
    try:
        content = {"bytes": os.path.getsize(run.file), "sha256": sha256_of(run.file)}
    except OSError:
        content = {"bytes": 0, "sha256": ""}
    return no_storms(**settings).assign_attrs(title="", rejected=0, reason=reason, **content)


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
        "title": f"{storm} patches of the runs of {inventory[0]['batch']}",
    } | provenance(settings, source_title=titles[0] if titles else None)


def _append(file: netCDF4.Dataset, patches: xr.Dataset) -> None:
    """Write the storms of a run behind those in the file, which the first run lays out."""
    if "storm" not in file.dimensions:
        _lay_out(file, patches)
    start = len(file.dimensions["storm"])
    for name, variable in patches.variables.items():
        if "storm" in variable.dims:
            file[str(name)][start : start + len(variable)] = _encoded(variable.values, file)


def _lay_out(file: netCDF4.Dataset, patches: xr.Dataset) -> None:
    """Make the dimensions and variables, and write those that do not grow with the storms."""
    for dimension, length in patches.sizes.items():
        file.createDimension(str(dimension), None if dimension == "storm" else length)
    for key, variable in patches.variables.items():
        name = str(key)
        values = _encoded(variable.values, file)
        attributes = dict(variable.attrs)
        dimensions = tuple(map(str, variable.dims))
        if name in patches.data_vars:
            others = patches[name].coords.keys() - set(dimensions)
            attributes["coordinates"] = " ".join(sorted(map(str, others)))
        if variable.dtype.kind == "M":
            attributes |= {"units": TIME_UNITS, "calendar": "standard"}
        if variable.dtype.kind == "U":
            attributes["_Encoding"] = "utf-8"
            dimensions = (*dimensions, "text")
        chunk = [max(1, length) for length in values.shape]
        if "storm" in dimensions:
            chunk[0] = STORMS_IN_CHUNK if name == "predictors" else STORMS_AT_ONCE
        stored = file.createVariable(
            name,
            values.dtype,
            dimensions,
            fill_value=False,
            chunksizes=chunk,
            chunk_cache=_cache_for(chunk, values.dtype),
            **(CHECKED if name == "predictors" else COMPRESSED),
        )
        stored.setncatts(attributes)
        if "storm" not in dimensions:
            stored[:] = values


def _cache_for(chunk: Sequence[int], dtype: np.dtype[Any]) -> int:
    """Bytes for two chunks; the library's own 64 MiB a variable would outweigh a run."""
    return 2 * math.prod(chunk) * dtype.itemsize


def _encoded(values: Array, file: netCDF4.Dataset) -> Array:
    """Values as the file holds them: times as minutes, texts as arrays of characters."""
    if values.dtype.kind == "M":
        return values.astype("datetime64[m]").astype(np.int32)
    if values.dtype.kind == "U":
        length = len(file.dimensions["text"])
        return np.char.encode(values, "utf-8").astype(f"S{length}").view("S1").reshape(-1, length)
    return values


class _Batch(NamedTuple):
    """What a file of patches holds besides the fields."""

    path: PathLike
    title: str
    shape: tuple[int, ...]
    variables: tuple[str, ...]
    columns: dict[str, Array]

    @property
    def storms(self) -> int:
        return len(self.columns["peak"])


@contextmanager
def _opened(path: PathLike) -> Iterator[netCDF4.Dataset]:
    """A file of patches that gives plain arrays: no value in it is missing.

    Raises `UserError` where the file is missing or damaged, also if this shows later.
    """
    with reading(path), netCDF4.Dataset(path) as file:
        file.set_auto_mask(False)
        file.set_auto_chartostring(False)
        yield file


def _read_batch(path: PathLike) -> _Batch:
    with _opened(path) as file:
        columns = {
            name: _values(variable)
            for name, variable in file.variables.items()
            if variable.dimensions[0] == "storm" and name != "predictors"
        }
        shape = file["predictors"].shape[1:]
        return _Batch(path, file.title, shape, tuple(_values(file["variable"])), columns)


def _read_batches(paths: Sequence[PathLike]) -> list[_Batch]:
    """The batches that hold storms, checked to fit together; the first batch where none does."""
    every = [_read_batch(path) for path in paths]
    batches = [batch for batch in every if batch.storms] or every[:1]
    first = batches[0]
    for batch in batches[1:]:
        if batch.variables != first.variables:
            raise UserError(
                f"{batch.path} has the predictors {', '.join(batch.variables)}, "
                f"{first.path} has {', '.join(first.variables)}. "
                "Prepare both with the same data settings."
            )
        if batch.shape != first.shape:
            raise UserError(
                f"{batch.path} has patches of {_size(batch.shape)} grid points, {first.path} has "
                f"{_size(first.shape)}. All patches of a data set must have one size: take the "
                "run files of one size away."
            )
    return batches


def read_patches(paths: Sequence[PathLike], predictors: bool = True) -> xr.Dataset:
    """Patches of batches, one batch after the other in the order given.

    Returns what `read_run` gives with a target; with `predictors=False` the fields are left out,
    which is quick. The title starts with "Made-up" where that of any batch does.

    Raises `UserError` where batches differ in the size of patches or in predictors.
    """
    batches = _read_batches(paths)
    patches = _without_fields(batches)
    if not predictors:
        return patches
    return patches.assign(predictors=(PATCH_DIMENSIONS, StoredFields(batches).in_memory()))


def is_prepared_with(path: PathLike, settings: Mapping[str, Any]) -> bool:
    """Whether the patches in `path` were prepared with the `SETTINGS` among `settings`."""
    with _opened(path) as file:
        return bool(file.settings_digest == digest({key: settings[key] for key in SETTINGS}))


def open_fields(paths: Sequence[PathLike]) -> StoredFields:
    """The predictors of `read_patches(paths)`, of which no more is read than is asked for."""
    return StoredFields(_read_batches(paths))


class StoredFields:
    """Fields in files of patches, read as they are asked for: `fields[start:stop]`.

    `shape` is (storm, y, x, variable). Some storms are read ahead, so it costs little to go through
    all of them a few at a time, and memory does not grow with their number.
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
            del fields
            self._ahead = (0, self._read(0, 0))  # so that old and new are not held at once
            end = min(len(self), max(stop, start + STORMS_AT_ONCE))
            self._ahead = first, fields = start, self._read(start, end)
        return fields[start - first : stop - first]

    def in_memory(self) -> Array:
        """All fields as one array."""
        return self._read(0, len(self))

    def _read(self, start: int, stop: int) -> Array:
        fields = np.empty((stop - start, *self.shape[1:]), np.float32)
        for path, begin, end in self._batches:
            if begin >= stop or end <= start:
                continue
            with _opened(path) as file:
                stored = _fields_of(file)
                for low in range(max(start, begin), min(stop, end), STORMS_AT_ONCE):
                    high = min(low + STORMS_AT_ONCE, stop, end)
                    fields[low - start : high - start] = stored[low - begin : high - begin]
        return fields


def read_storms(paths: Sequence[PathLike], storms: Sequence[int]) -> xr.Dataset:
    """The chosen storms of `read_patches(paths)` in the order chosen, without reading the others.

    `storms` are positions along the storms of all batches, as in `read_patches`.
    """
    batches = _read_batches(paths)
    patches = _without_fields(batches)
    chosen = np.arange(patches.sizes["storm"])[list(storms)]
    fields = np.empty((chosen.size, *batches[0].shape), np.float32)
    start = 0
    for batch in batches:
        rows = np.flatnonzero((chosen >= start) & (chosen < start + batch.storms))
        with _opened(batch.path) as file:
            stored = _fields_of(file)
            for row in rows:
                fields[row] = stored[chosen[row] - start]
        start += batch.storms
    return patches.isel(storm=chosen).assign(predictors=(PATCH_DIMENSIONS, fields))


def _fields_of(file: netCDF4.Dataset) -> netCDF4.Variable:
    variable = file["predictors"]
    variable.set_var_chunk_cache(_cache_for(variable.chunking(), variable.dtype))
    return variable


def _without_fields(batches: Sequence[_Batch]) -> xr.Dataset:
    with _opened(batches[0].path) as file:
        columns = {
            name: _column(file[name], np.concatenate([batch.columns[name] for batch in batches]))
            for name in batches[0].columns
        } | {name: _column(file[name], _values(file[name])) for name in PER_VARIABLE}
    titles = [batch.title for batch in batches]
    made_up = [*filter(is_made_up_title, titles)]
    patches = xr.Dataset(columns, attrs={"title": (made_up or titles)[0]})
    return patches.set_coords(columns.keys() - {"peak"})


def _values(variable: netCDF4.Variable) -> Array:
    """Values of a variable; texts where the file holds arrays of characters."""
    values: Array = variable[...]
    if values.dtype.kind == "S":
        return np.char.decode(values.view(f"S{values.shape[-1]}")[..., 0], "utf-8")
    return values


def _column(variable: netCDF4.Variable, values: Array) -> tuple[str, Array, dict[str, Any]]:
    """Dimension, values and attributes of a variable, as a dataset holds them."""
    attributes = {name: variable.getncattr(name) for name in variable.ncattrs()}
    if attributes.get("units") == TIME_UNITS:
        values = values.astype("datetime64[m]").astype("datetime64[ns]")
        del attributes["units"], attributes["calendar"]
    for name in ("coordinates", "_Encoding"):
        attributes.pop(name, None)
    return variable.dimensions[0], values, attributes
