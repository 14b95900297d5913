"""Run files: their names, run dates and batches. Only the standard library is imported here."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from stormcnn.errors import UserError

# Of patterns, and of paths elsewhere: the NetCDF library takes a backslash for a slash.
RESERVED = frozenset("<>{}\\")
FILE_PATTERN = "*_model_patches.nc"
COLUMNS = ("run_date", "file", "batch", "sha256")
BATCH_FORMATS = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}

_NAME = re.compile(r"(?P<ensemble>.+?)_(?P<date>\d{8}-\d{4})_(?P<member>.+)_model_patches\.nc")


class RunName(NamedTuple):
    """What the name of a run file says: `NCARSTORM_20101024-0000_d01_model_patches.nc`."""

    ensemble: str
    run_date: datetime
    member: str


class Run(NamedTuple):
    """One line of a run list. `sha256` is empty where it is not known."""

    run_date: str
    file: str
    batch: str
    sha256: str = ""


def parse_run_name(path: str | os.PathLike[str]) -> RunName:
    """Ensemble, run date and member of a run file, read from its name.

    Raises `UserError` where the name has another form, no such date exists, or the path holds a
    character that cannot be printed or is `RESERVED`.
    """
    name = Path(path).name
    form = (
        "Run files are named ENSEMBLE_YYYYMMDD-HHMM_MEMBER_model_patches.nc, "
        "for example NCARSTORM_20101024-0000_d01_model_patches.nc."
    )
    if not str(path).isprintable() or set(str(path)) & RESERVED:
        raise UserError(
            f"{str(path)!a}: the path holds a character that cannot be printed, or one of "
            f"{' '.join(sorted(RESERVED))}, which mean something else in patterns. Rename it."
        )
    match = _NAME.fullmatch(name)
    if match is None:
        raise UserError(f"{path}: no run date can be read from the file's name. {form}")
    try:
        run_date = datetime.strptime(match["date"], "%Y%m%d-%H%M")
    except ValueError:
        raise UserError(
            f"{path}: {match['date']} in the file's name is not a date. {form}"
        ) from None
    return RunName(match["ensemble"], run_date, match["member"])


def batch_of(run_date: datetime, size: str) -> str:
    """Name of the batch that a run date falls in: `2010-10-24`, `2010-10` or `2010`."""
    return run_date.strftime(BATCH_FORMATS[size])


def first_day(batch: str) -> str:
    """First day of a batch: `2010-10-01` of `2010-10`."""
    return f"{batch}-01-01"[:10]


def as_run(path: str | os.PathLike[str], batch_size: str, sha256: str = "") -> Run:
    """The line of the run list for one run file."""
    run_date = parse_run_name(path).run_date
    return Run(
        run_date.isoformat(timespec="minutes"), str(path), batch_of(run_date, batch_size), sha256
    )


def list_folder(folder: str | os.PathLike[str], batch_size: str) -> list[Run]:
    """Run files below a folder, sorted by run date and name.

    Raises `UserError` where the folder is missing, holds no run file, holds a file whose run
    date cannot be read, or holds the same run (ensemble, run date, member) twice.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UserError(f"data.folder: {folder} is not a folder. Give the folder of run files.")
    paths = sorted(root.rglob(FILE_PATTERN))
    if not paths:
        raise UserError(
            f"data.folder: {folder} holds no run file ({FILE_PATTERN}). "
            "Give the folder that the run files lie in; folders inside it are searched too."
        )
    return check_runs(as_run(path, batch_size) for path in paths)


def check_runs(runs: Iterable[Run]) -> list[Run]:
    """The runs sorted by run date and name; `UserError` where a run is given twice."""
    seen: dict[RunName, str] = {}
    checked = sorted(runs, key=lambda run: (run.run_date, Path(run.file).name))
    for run in checked:
        name = parse_run_name(run.file)
        if name in seen:
            raise UserError(
                f"{seen[name]} and {run.file} are the same run: ensemble {name.ensemble}, "
                f"run date {run.run_date}, member {name.member}. Take one of them away."
            )
        seen[name] = run.file
    return checked


def read_run_list(path: str | os.PathLike[str]) -> list[Run]:
    """Runs of a list with the columns `run_date,file,batch[,sha256]`."""
    with open(path, newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        missing = {"run_date", "file", "batch"} - set(rows.fieldnames or ())
        if missing:
            raise UserError(f"{path}: the run list lacks the column {', '.join(sorted(missing))}.")
        return [
            Run(row["run_date"], row["file"], row["batch"], row.get("sha256") or "") for row in rows
        ]


def read_archive_list(
    path: str | os.PathLike[str], folder: str | os.PathLike[str], batch_size: str
) -> list[Run]:
    """Runs that an archive holds, from its list `run_date,file[,sha256]`, to lie in `folder`.

    Raises `UserError` where a line's run date is not the one of its file's name.
    """
    found = []
    with open(path, newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            run = as_run(Path(folder, row["file"]), batch_size, row.get("sha256") or "")
            if row["run_date"] != run.run_date:
                raise UserError(
                    f"{path}: {row['file']} is listed under {row['run_date']}, but its name says "
                    f"{run.run_date}. Correct the list."
                )
            found.append(run)
    return check_runs(found)


def format_run_list(runs: Sequence[Run]) -> str:
    """A run list as CSV text; the column `sha256` only where a run has one."""
    columns = COLUMNS if any(run.sha256 for run in runs) else COLUMNS[:3]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(run[: len(columns)] for run in runs)
    return text.getvalue()
