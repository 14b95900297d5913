"""Read files, and write them atomically so that equal contents give equal files."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stormcnn.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

COMPRESSED: dict[str, Any] = {"zlib": True, "complevel": 1, "shuffle": True}
"""How a variable of a NetCDF file is stored unless there is a reason for another way."""


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path`, moved to `path` when the block ends without an error.

    The temporary name keeps the suffix of `path`, because some writers choose a format by it.
    After an error the temporary file is removed and an earlier `path` is left as it was. Where the
    disk is full, the error is the `OSError` that says so, whatever the writer made of it.
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
        os.chmod(temporary, 0o666 & ~_umask())
        _sync(temporary)
        os.replace(temporary, final)
    except (OSError, RuntimeError):
        _check_room(final.parent)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until a file's content is on the disk: after a power cut its new name may be there."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check_room(folder: Path) -> None:
    """Raise the system's own `OSError` where no file of 16 MiB can be written.

    HDF5 gives up when its next chunk does not fit, and keeps the reason to itself.
    """
    with tempfile.TemporaryFile(dir=folder) as stream:
        stream.write(bytes(1 << 24))


def _umask() -> int:
    """The process's file mode mask, which mkstemp ignores."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(text: str, path: str | os.PathLike[str]) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_rows(rows: Sequence[Mapping[str, Any]], path: str | os.PathLike[str]) -> None:
    """Write one row or more, values by column, as `write_csv` would."""
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_rows(paths: Iterable[str | os.PathLike[str]]) -> list[dict[str, str]]:
    """Rows of tables of equal columns, texts by column: for jobs too short to import pandas."""
    return list(csv.DictReader(join_csv(paths)))


def write_csv(table: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a tidy table without its index. Floats are written so that they read back exactly."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def join_csv(paths: Iterable[str | os.PathLike[str]]) -> io.StringIO:
    """Tables of equal columns, one after the other, to be parsed as one file.

    To parse each of many short tables takes longer than to read them.
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


def write_netcdf(dataset: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Write a dataset as compressed NetCDF-4 with `Conventions` CF-1.8 and no time stamp.

    Floating variables get no fill value unless they bring one; strings are not compressed.
    """
    # In one order, whatever was done to the dataset before.
    dataset = dataset[[*dataset.data_vars, *dataset.coords]]
    encoding: dict[str, dict[str, Any]] = {}
    for name, variable in dataset.variables.items():
        own: dict[str, Any] = {}
        if variable.dtype.kind in "iufM" and variable.ndim:
            own |= COMPRESSED
        if variable.dtype.kind == "f":
            own |= {"_FillValue": variable.encoding.get("_FillValue")}
        encoding[str(name)] = own
    with replacing(path) as temporary:
        dataset.assign_attrs(Conventions="CF-1.8").to_netcdf(
            temporary, engine="netcdf4", encoding=encoding
        )


@contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Where a NetCDF file of the workflow cannot be read in the block, say which and what to do.

    Raises `UserError` for a file that is missing, cut short or damaged.
    """
    try:
        yield
    except (OSError, RuntimeError, UnicodeError) as error:
        raise UserError(
            f"{path}: cannot be read ({error}). The file is missing, cut short or damaged: remove "
            f"{to_remove(path)} and run the workflow again, which makes it anew where it is needed."
        ) from error


def to_remove(path: str | os.PathLike[str]) -> str:
    """What to remove in order to get rid of a file: also that in the cache, if it is a link to it.

    Otherwise the cache would give the same file again.
    """
    return f"it and {os.path.realpath(path)}" if os.path.islink(path) else "it"


def read_netcdf(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a NetCDF file of the workflow into memory; `UserError` where it is damaged."""
    import xarray as xr

    with reading(path), xr.open_dataset(path, engine="netcdf4") as file:
        return file.load()
