"""Issued forecasts are records: one folder per forecast run, and in it one record per network.

A record consists of files whose names begin with that of the network. They are written into a
folder with a temporary name and moved to their places, the NetCDF file last: only with it the
record is complete. Nothing replaces a complete record.

The Snakefile imports this module, so it uses only the standard library.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stormcnn.errors import UserError
from stormcnn.name_pattern import RunName
from stormcnn.vocabulary import StrPath

FORECASTS = "forecasts"
"""Folder of the issued forecasts, relative to the working directory."""

LOCK = "forecast.lock"
"""Name of the file in that folder by which a process that issues forecasts excludes others."""

DIGITS = 12
"""How many digits of the SHA-256 of a network are its name."""

VERIFICATION, NEIGHBOURHOOD = "-verification", "-neighbourhood"
"""Ends of the names, before the suffix, of the files that say what became of a forecast, and of the
file with the probabilities near each place."""

_RECORD = re.compile(rf"[0-9a-f]{{{DIGITS}}}\.nc")


def run_folder(name: RunName) -> str:
    """Return the name of the folder of a forecast run.

    >>> from datetime import datetime
    >>> run_folder(RunName("NCARSTORM", datetime(2016, 5, 3, 12), "d01"))
    '20160503-1200-d01'
    """
    return "-".join(filter(None, [f"{name.run_date:%Y%m%d-%H%M}", name.ensemble_member]))


def record_path(folder: StrPath, run: str, network_sha256: str) -> Path:
    """Return the path of the NetCDF file of a record; `run` is that of `run_folder`."""
    return Path(folder, run, f"{network_sha256[:DIGITS]}.nc")


def find_records(folder: StrPath, run: str = "*") -> list[Path]:
    """Return the NetCDF files of all complete records of a run (default: of all runs), sorted."""
    pattern = f"{run}/*.nc" if run == "*" else "*.nc"
    root = Path(folder) if run == "*" else Path(folder, run)
    return sorted(path for path in root.glob(pattern) if _RECORD.fullmatch(path.name))


def verification_path(record: Path, kind: str = "csv") -> Path:
    """Return the path of a file that says what became of a forecast."""
    return record.with_name(f"{record.stem}{VERIFICATION}.{kind}")


@contextmanager
def issuing(record: Path) -> Iterator[Path]:
    """Yield a folder for the files of a record, which become the record if the block succeeds.

    The block writes files with their final names; `record` is the NetCDF file among them. After an
    error or a kill nothing of it counts, and the next call starts anew. Callers must see to it that
    no other process issues the same record. Raises `UserError` if the record exists.
    """
    if record.exists():
        raise UserError(
            f"{record} exists, and issued forecasts are never replaced. Move the files of this "
            "forecast elsewhere if it is to be made again."
        )
    record.parent.mkdir(parents=True, exist_ok=True)
    start = f".{record.stem}-"
    for abandoned in record.parent.glob(f"{start}*"):
        shutil.rmtree(abandoned)
    temporary = Path(tempfile.mkdtemp(prefix=start, dir=record.parent))
    try:
        yield temporary
        files = sorted(temporary.iterdir(), key=lambda path: path.name == record.name)
        for file in files:
            os.replace(file, record.with_name(file.name))
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
