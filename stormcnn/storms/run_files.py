"""Names, run dates and batches of run files, and lists of them.

The Snakefile imports this module, so it uses only the standard library.
"""

from __future__ import annotations

import csv
import io
import logging
import math
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from stormcnn.delimited import open_delimited
from stormcnn.errors import UserError
from stormcnn.name_pattern import DEFAULT_PATTERN, RunName, compile_pattern
from stormcnn.storms.finding import find_run_files, name_some
from stormcnn.texts import printable
from stormcnn.vocabulary import StrPath

# These characters have a meaning in the patterns of rules. The NetCDF library reads a backslash as
# a slash.
RESERVED = frozenset("<>{}\\")
FIRST_YEAR, LAST_YEAR = 1678, 2261
"""Times of NumPy in nanoseconds, in which dates are kept, cover only these years."""
COLUMNS = ("run_date", "file", "batch")
OPTIONAL_COLUMNS = ("sha256", "bytes", "modified")
BATCH_FORMATS = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}

logger = logging.getLogger(__name__)


class BadRunFile(UserError):
    """A run file that cannot be used. The message names the file and the fault."""


class Run(NamedTuple):
    """One row of a run list. `sha256` is empty if it is not known.

    `bytes` and `modified` are the size and the modification time (ns) of a file in the user's
    folder when it was listed.
    """

    run_date: str
    file: str
    batch: str
    sha256: str = ""
    bytes: int | None = None
    modified: int | None = None

    def is_unchanged(self) -> bool:
        """Return whether the file has the size and modification time with which it was listed."""
        try:
            return self.bytes is None or (self.bytes, self.modified) == size_and_time(self.file)
        except OSError:
            return False


def size_and_time(path: StrPath) -> tuple[int, int]:
    """Return the size of a file in bytes and its modification time in ns."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def parse_run_name(path: StrPath, file_pattern: str = DEFAULT_PATTERN) -> RunName:
    """Return the ensemble, run date and ensemble member from the name of a run file.

    `file_pattern` is described in `stormcnn.name_pattern`. Raises `UserError` if the name does not
    fit it or contains no valid date, or if the path contains a character that is not printable or
    is in `RESERVED`.
    """
    try:
        return _parse(str(path), file_pattern)
    except ValueError as error:
        raise UserError(
            f"{printable(str(path))}: {error} Choose such files with data.folder or "
            "forecast.runs, or set data.file_pattern to the form of your names."
        ) from None


def _parse(path: str, file_pattern: str = DEFAULT_PATTERN) -> RunName:
    """Return the parts of a run file's name; raise `ValueError` with what it must contain."""
    if not path.isprintable() or set(path) & RESERVED:
        raise ValueError(
            "the path contains a character that is not printable or is reserved. It must contain "
            f"only printable characters, and none of {' '.join(sorted(RESERVED))}."
        )
    pattern = compile_pattern(file_pattern)
    try:
        name = pattern.parse(Path(path).name)
    except ValueError as error:
        raise ValueError(f"{error} The name must have the form {pattern.form}.") from None
    if not FIRST_YEAR <= name.run_date.year <= LAST_YEAR:
        raise ValueError(
            f"the year {name.run_date.year} in the file name is not from "
            f"{FIRST_YEAR} to {LAST_YEAR}."
        )
    return name


def batch_of(run_date: datetime, size: str) -> str:
    """Return the name of the batch of a run date: `2010-10-24`, `2010-10` or `2010`."""
    return run_date.strftime(BATCH_FORMATS[size])


def first_day(batch: str) -> str:
    """Return the first day of a batch, for example `2010-10-01` for `2010-10`."""
    return f"{batch}-01-01"[:10]


def as_run(
    path: StrPath, batch_size: str, sha256: str = "", file_pattern: str = DEFAULT_PATTERN
) -> Run:
    """Return the row of the run list for one run file."""
    run_date = parse_run_name(path, file_pattern).run_date
    return Run(
        run_date.isoformat(timespec="minutes"), str(path), batch_of(run_date, batch_size), sha256
    )


def list_folder(
    folder: StrPath,
    batch_size: str,
    settle_seconds: float = 0,
    file_pattern: str = DEFAULT_PATTERN,
) -> list[Run]:
    """Return the run files in a folder and its subfolders, sorted by run date and name.

    Their names begin and end as `file_pattern`, which is described in `stormcnn.name_pattern`.
    Symbolic links are followed; a warning names what `find_run_files` leaves out. Files that were
    modified less than `settle_seconds` ago are left out, and a warning names them.

    Raises `UserError` if the folder is missing or contains no run file, if a run date cannot be
    read from a file name, or if two files have the same ensemble, run date and ensemble member.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UserError(
            f"data.folder: {folder} is not a folder. Set it to the folder of the run files."
        )
    paths = find_run_files(root, file_pattern)
    if not paths:
        form = compile_pattern(file_pattern).form
        raise UserError(
            f"data.folder: {folder} contains no run file ({form}). Set it to the folder of "
            "the run files (subfolders are searched, too), or set data.file_pattern."
        )
    runs = check_runs(
        (as_run(path, batch_size, file_pattern=file_pattern) for path in paths), file_pattern
    )
    listed = [
        run._replace(bytes=size, modified=modified) for run, (size, modified) in _states(runs)
    ]
    latest = time.time_ns() - settle_seconds * 1e9 if settle_seconds else math.inf
    settled: list[Run] = []
    young: list[str] = []
    for run in listed:
        if run.modified is None or run.modified <= latest:
            settled.append(run)
        else:
            young.append(run.file)
    if young:
        what = f"modified less than {settle_seconds:g} s ago (data.settle_seconds)"
        named = name_some(young)
        if not settled:
            raise UserError(
                f"data.folder: all {len(young)} run files were {what}: {named}. Wait, and run "
                "again."
            )
        logger.warning(
            "%s run files left for the next call, because they were %s: %s", len(young), what, named
        )
    return settled


def _states(runs: Sequence[Run]) -> Iterator[tuple[Run, tuple[int | None, int | None]]]:
    """Yield each run with the size and modification time of its file, if it can be examined."""
    for run in runs:
        try:
            yield run, size_and_time(run.file)
        except OSError:  # the job that reads the file says why
            yield run, (None, None)


def check_runs(runs: Iterable[Run], file_pattern: str = DEFAULT_PATTERN) -> list[Run]:
    """Return the runs sorted by run date and name; raise `UserError` if one is listed twice."""
    seen: dict[RunName, str] = {}
    checked = sorted(runs, key=lambda run: (run.run_date, Path(run.file).name))
    for run in checked:
        name = parse_run_name(run.file, file_pattern)
        if name in seen:
            raise UserError(
                f"{seen[name]} and {run.file} are files of the same forecast run (ensemble "
                f"{name.ensemble}, run date {run.run_date}, ensemble member "
                f"{name.ensemble_member}). Remove one of them."
            )
        seen[name] = run.file
    return checked


def read_run_list(path: StrPath) -> list[Run]:
    """Read a run list with the columns `run_date,file,batch[,sha256][,bytes,modified]`.

    Raises `UserError` if it is not such a list.
    """
    return [
        Run(
            row["run_date"],
            row["file"],
            row["batch"],
            row.get("sha256") or "",
            int(row["bytes"]) if row.get("bytes") else None,
            int(row["modified"]) if row.get("modified") else None,
        )
        for _, row in _read_rows(path, COLUMNS)
    ]


def read_archive_list(path: StrPath, folder: StrPath, batch_size: str) -> list[Run]:
    """Read the list `run_date,file[,sha256]` of an archive whose files are unpacked to `folder`.

    Run dates may have any form of ISO 8601. Raises `UserError` if it is not such a list, if a row
    names a folder, or if its run date differs from the one in its file name.
    """
    runs = []
    for line, row in _read_rows(path, ("run_date", "file")):
        file, listed = row["file"].strip(), row["run_date"].strip()
        where = f"{path}, line {line}, column"
        # The file will be written under this name.
        if Path(file).name != file:
            raise UserError(
                f"{where} file: {file!a} is not the name of a file without a folder. Correct the "
                "list."
            )
        try:
            named = _parse(file).run_date
        except ValueError as error:
            raise UserError(f"{where} file: {printable(file)}: {error} Correct the list.") from None
        if _as_utc(listed) != named:
            raise UserError(
                f"{where} run_date: the run date is {printable(listed)}, but {file} contains "
                f"{named.isoformat(timespec='minutes')}. Correct the list."
            )
        runs.append(as_run(Path(folder, file), batch_size, row.get("sha256", "").strip()))
    return check_runs(runs)


def _as_utc(text: str) -> datetime | None:
    """Return the time (UTC) that a text in ISO 8601 says, or None if it says none."""
    if not text.isprintable():  # `fromisoformat` ignores a NUL at the end
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None


def _read_rows(path: StrPath, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a CSV file and the lines on which they begin.

    Spreadsheets may have added a byte order mark or rows without values, or separated columns by
    semicolons or tabs. Raises `UserError` if a column or a value of it is missing.
    """
    records = _read_records(path)
    line, header = records[0] if records else (1, [])
    names = [name.strip() for name in header]
    for column in columns:
        if column not in names:
            got = printable(", ".join(names)) or "nothing"
            raise UserError(
                f"{path}, line {line}: column {column} is missing from the run list (got {got}). "
                "Add it."
            )
    rows = [(line, dict(zip(names, values, strict=False))) for line, values in records[1:]]
    for line, row in rows:
        for column in columns:
            if not row.get(column, "").strip():
                raise UserError(f"{path}, line {line}: {column} is empty. Complete the line.")
    if not rows:
        raise UserError(f"{path}: the run list has no rows. List at least two run files.")
    return rows


def _read_records(path: StrPath) -> list[tuple[int, list[str]]]:
    """Return the lines and values of the records of a CSV file that have any value."""
    text, delimiter = open_delimited(path)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    records: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for values in reader:
            if any(value.strip() for value in values):
                records.append((line, values))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"{path}, line {line}: the line is not CSV ({error}). Check its quotes and separators."
        ) from None
    return records


def format_run_list(runs: Sequence[Run]) -> str:
    """Return a run list as CSV text, with optional columns only if a run has a value."""
    rows = [run._asdict() for run in runs]
    optional = [column for column in OPTIONAL_COLUMNS if any(row[column] for row in rows)]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*COLUMNS, *optional], extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
