"""Read files, and write them atomically and reproducibly."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stormcnn.errors import UserError
from stormcnn.texts import as_cell, from_cell
from stormcnn.vocabulary import StrPath

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

COMPRESSED: dict[str, Any] = {"zlib": True, "complevel": 1, "shuffle": True}
"""Default storage settings of variables in NetCDF files."""

TIMES: dict[str, Any] = {"dtype": "int32", "units": "minutes since 1970-01-01 00:00:00"}
"""How times are stored, since CF-1.8 has no 64-bit integers. All of them are whole minutes."""


@contextmanager
def replacing(path: StrPath) -> Iterator[Path]:
    """Yield a temporary path next to `path`, renamed to `path` if the block raises no error.

    The temporary name has the suffix of `path`, because some writers choose the format by it.
    After an error the temporary file is removed and an existing `path` remains unchanged.
    Raises the `OSError` of a full disk even if the writer raised another exception.
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        prefix=f".{final.stem[:40]}-", suffix=final.suffix, dir=final.parent
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, shared_mode())
        _sync(temporary)
        os.replace(temporary, final)
    except (OSError, RuntimeError):
        _check_room(final.parent)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until the content of a file is on the disk, so that it survives a power failure."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check_room(folder: Path) -> None:
    """Raise the `OSError` of the operating system if a file of 16 MiB cannot be written.

    HDF5 fails if its next chunk does not fit, but does not report the reason.
    """
    with tempfile.TemporaryFile(dir=folder) as stream:
        stream.write(bytes(1 << 24))


def forbid_world_writable_files() -> None:
    """Let no file or folder that this process and its children create be world-writable."""
    os.umask(os.umask(0o077) | 0o002)


def shared_mode() -> int:
    """Return the mode of files for other users: that of the umask, but never world-writable."""
    mask = os.umask(0o077)  # it cannot be read without being set
    os.umask(mask)
    return 0o664 & ~mask


def as_list(value: Any) -> list[Any]:
    """Return one or several paths or numbers of a job as a list.

    >>> as_list("seed-0.nc"), as_list(["seed-0.nc", "seed-1.nc"])
    (['seed-0.nc'], ['seed-0.nc', 'seed-1.nc'])
    """
    return list(value) if isinstance(value, list) else [value]


def write_text(text: str, path: StrPath) -> None:
    """Write `text` to `path` as UTF-8, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_rows(rows: Sequence[Mapping[str, Any]], path: StrPath) -> None:
    """Write at least one row, values by column in one order, in the same format as `write_csv`."""
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(map(_as_cell, rows[0]))
        writer.writerows(map(_as_cell, row.values()) for row in rows)


def read_rows(paths: Iterable[StrPath]) -> list[dict[str, str]]:
    """Read CSV files with equal columns as rows of texts by column, without importing pandas."""
    header, *rows = csv.reader(join_csv(paths))
    names = [from_cell(name) for name in header]
    return [dict(zip(names, map(from_cell, row), strict=True)) for row in rows]


def write_csv(table: pd.DataFrame, path: StrPath) -> None:
    """Write a table without its index. Floating-point numbers are written with all digits.

    Texts that a spreadsheet would compute begin with an apostrophe, see `texts.as_cell`.
    """
    texts = table.select_dtypes(exclude=["number", "bool", "datetime", "datetimetz"])
    table = table.assign(**{name: texts[name].map(_as_cell) for name in texts})
    table = table.rename(columns=_as_cell)
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def _as_cell(value: Any) -> Any:
    return as_cell(value) if isinstance(value, str) else value


def join_csv(paths: Iterable[StrPath]) -> io.StringIO:
    """Return the text of CSV files with equal columns under one header.

    Parsing many short files separately takes much longer than parsing one.
    """
    joined = io.StringIO()
    for path in paths:
        with open(path, encoding="utf-8", newline="") as stream:
            header = stream.readline()
            if not joined.tell():
                joined.write(header)
            joined.write(stream.read())
    joined.seek(0)
    return joined


def write_netcdf(dataset: xr.Dataset, path: StrPath) -> None:
    """Write a dataset as compressed NetCDF-4 with the attribute `Conventions` and no time stamp.

    Floating-point variables have no fill value unless their encoding does. Texts are not
    compressed.
    """
    # The order of variables must not depend on how the dataset was made.
    dataset = dataset[[*dataset.data_vars, *dataset.coords]].assign_attrs(Conventions="CF-1.8")
    with replacing(path) as temporary:
        dataset.to_netcdf(temporary, engine="netcdf4", encoding=_storage(dataset))


def extend_netcdf(source: StrPath, path: StrPath, dataset: xr.Dataset) -> None:
    """Write a copy of a NetCDF file with further variables and attributes, those of `dataset`.

    The variables are stored as by `write_netcdf`. Their attribute `coordinates` is that of the
    first variable of the file; coordinates are not read. Raises `UserError` if the file is damaged.
    """
    import netCDF4

    with reading(source), netCDF4.Dataset(source) as file:
        first = next(iter(file.variables.values()))
        coordinates = {"coordinates": first.coordinates} if "coordinates" in first.ncattrs() else {}
    variables = {name: of.assign_attrs(coordinates) for name, of in dataset.data_vars.items()}
    dataset = dataset.assign(variables)
    with replacing(path) as temporary:
        shutil.copyfile(source, temporary)
        dataset.to_netcdf(temporary, mode="a", engine="netcdf4", encoding=_storage(dataset))


def _storage(dataset: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Return the storage settings of each variable."""
    encoding: dict[str, dict[str, Any]] = {}
    for name, variable in dataset.variables.items():
        own: dict[str, Any] = {}
        if variable.dtype.kind in "iufM" and variable.ndim:
            own |= COMPRESSED
        if variable.dtype.kind == "M":
            own |= TIMES
        if variable.dtype.kind == "f":
            own |= {"_FillValue": variable.encoding.get("_FillValue")}
        encoding[str(name)] = own
    return encoding


@contextmanager
def reading(path: StrPath) -> Iterator[None]:
    """Raise `UserError` if a file of the workflow cannot be read in the block.

    The message names the file `path`, which is missing, truncated or damaged, and the remedy.
    """
    try:
        yield
    except (OSError, RuntimeError, UnicodeError) as error:
        raise UserError(
            f"{path}: the file is missing, truncated or damaged ({error}). Remove "
            f"{to_remove(path)} and run the workflow again to recompute it."
        ) from error


def to_remove(path: StrPath) -> str:
    """Return which files to remove, in words: if `path` links to the cache, also the cached file.

    Otherwise the workflow would take the same file from the cache again.
    """
    return f"it and {os.path.realpath(path)}" if os.path.islink(path) else "it"


def read_netcdf(path: StrPath) -> xr.Dataset:
    """Read a NetCDF file of the workflow into memory; raise `UserError` if it is damaged."""
    import xarray as xr

    with reading(path), xr.open_dataset(path, engine="netcdf4") as file:
        return file.load()
