"""Read reports of severe weather from CSV files."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from stormcnn.delimited import open_delimited
from stormcnn.errors import UserError
from stormcnn.texts import printable
from stormcnn.vocabulary import Array, StrPath

SPC_COLUMNS = ("yr", "mo", "dy", "time", "tz", "slat", "slon")
"""Columns of the severe weather database of the Storm Prediction Center (SPC)."""

PLAIN_COLUMNS = ("time", "latitude", "longitude")

OPTIONAL_COLUMNS = ("kind", "magnitude", "mag")

HOURS_FROM_UTC = {"3": -6, "9": 0}
"""What SPC's column `tz` says: Central Standard Time or Greenwich Mean Time."""

KIND_WORDS = {"torn": "tornado", "tornado": "tornado", "hail": "hail", "wind": "wind"}
"""Words for the kinds, in the names of SPC's files and in a column."""

ANY_KIND = ""
"""The kind of a file whose reports are of several kinds, or of kinds that are not known."""

LINES_AT_ONCE = 100_000
"""Lines of which all columns are in memory; only the needed ones are kept."""

_TIME_OF_DAY = re.compile(r"\d{4}-?\d\d-?\d\d[T ]\d\d:?\d\d")


class Reports(NamedTuple):
    """Reports in order of time.

    `time` (UTC, datetime64[ns]), `longitude` and `latitude` (degrees) have the shape (report,).
    `months` (datetime64[M]) are the months that the files cover. `without_position` and
    `without_magnitude` count reports that were left out because these are unknown.
    """

    time: Array
    longitude: Array
    latitude: Array
    months: Array
    without_position: int
    without_magnitude: int


class _File(NamedTuple):
    """The reports of one file, with the columns time, longitude, latitude, kind and magnitude."""

    table: pd.DataFrame
    kind: str
    has_kinds: bool
    has_magnitudes: bool
    months: Array
    without_position: int


def read_reports(
    paths: Sequence[StrPath],
    start: np.datetime64,
    end: np.datetime64,
    kinds: Sequence[str] | None = None,
    least_magnitude: Mapping[str, float] | None = None,
) -> Reports:
    """Return the reports from `start` to `end` (UTC).

    `paths` are CSV files with the columns of SPC's database or plain ones. With `kinds` only these
    `vocabulary.REPORT_KINDS` are returned, and of the kinds in `least_magnitude` only reports of
    this magnitude or more. Reports that several files contain are returned once.

    A file covers all months from its first to its last report. All files together cover the months
    for which there is a file of each kind: of `kinds`, or of the kinds that the files are about.

    Raises `UserError` if a file lacks a column, has no reports, or has a value that is not
    possible, or if there is no file of one of `kinds`.
    """
    least_magnitude = least_magnitude or {}
    files = [_read_file(path, start, end) for path in paths]
    for path, file in zip(paths, files, strict=True):
        _check_kinds(path, file, kinds, least_magnitude)
    table = pd.concat([file.table for file in files], ignore_index=True)
    if kinds is not None:
        table = table[table["kind"].isin(kinds)]
    table = table.drop_duplicates(["time", "longitude", "latitude", "kind"])
    least = table["kind"].map(least_magnitude).astype(float)
    unknown = least.notna() & ~(table["magnitude"] >= 0)
    table = table[least.isna() | (table["magnitude"] >= least)].sort_values("time", kind="stable")
    return Reports(
        table["time"].to_numpy("datetime64[ns]"),
        table["longitude"].to_numpy(float),
        table["latitude"].to_numpy(float),
        _covered_months(files, kinds),
        sum(file.without_position for file in files),
        int(unknown.sum()),
    )


def _covered_months(files: Sequence[_File], kinds: Sequence[str] | None) -> Array:
    """Return the months for which there is a file of each kind."""
    needed = kinds or sorted({file.kind for file in files} - {ANY_KIND}) or [ANY_KIND]
    covered: set[np.datetime64] | None = None
    for kind in needed:
        months = [set(file.months) for file in files if file.kind in (kind, ANY_KIND)]
        if not months:
            raise UserError(
                f"observations.kinds: no file of observations.reports has reports of {kind}. Add "
                "one, or remove the kind."
            )
        of_kind = set().union(*months)
        covered = of_kind if covered is None else covered & of_kind
    return np.array(sorted(covered or ()), "datetime64[M]")


def _check_kinds(
    path: StrPath,
    file: _File,
    kinds: Sequence[str] | None,
    least_magnitude: Mapping[str, float],
) -> None:
    """Raise `UserError` if it is not known which reports of a file count."""
    if (kinds is not None or least_magnitude) and file.kind == ANY_KIND and not file.has_kinds:
        raise UserError(
            f"{path}: the kind of the reports is not known, because there is no column kind and "
            "the name of the file has none or several of the words torn, hail and wind. Add the "
            "column or rename the file, or set neither observations.kinds nor "
            "observations.least_magnitude."
        )
    about = [kind for kind in least_magnitude if file.kind in (kind, ANY_KIND)]
    if about and not file.has_magnitudes:
        raise UserError(
            f"{path}: there is no column magnitude (mag in SPC's database), which "
            f"observations.least_magnitude needs for {', '.join(about)}. Add it, or remove the "
            "setting."
        )


def _read_file(path: StrPath, start: np.datetime64, end: np.datetime64) -> _File:
    table = _read_table(path)
    if set(table) >= set(SPC_COLUMNS):
        time, day, table = _spc_times(path, table, start, end)
        latitude, longitude, magnitude = "slat", "slon", "mag"
        # SPC writes zeros for a position that is not known.
        unknown = (_numbers(table["slat"]) == 0) & (_numbers(table["slon"]) == 0)
    else:
        time = _utc(path, table["time"])
        day = time
        inside = (time >= start) & (time <= end)
        time, table = time[inside], table[inside]
        latitude, longitude, magnitude = "latitude", "longitude", "magnitude"
        unknown = pd.Series(False, table.index)
    table, time = table[~unknown], time[~unknown]
    east = _checked(path, table, longitude, -180, 360)
    kind = ANY_KIND if "kind" in table else _kind_of_name(path)
    kinds: pd.Series | str = kind
    if "kind" in table:
        kinds = table["kind"].str.strip().str.lower().replace(KIND_WORDS)
    months = day.to_numpy().astype("datetime64[M]")
    return _File(
        pd.DataFrame(
            {
                "time": time,
                "longitude": east.where(east <= 180, east - 360),
                "latitude": _checked(path, table, latitude, -90, 90),
                "kind": kinds,
                "magnitude": _numbers(table[magnitude]) if magnitude in table else np.nan,
            }
        ),
        kind,
        "kind" in table,
        magnitude in table,
        np.arange(months.min(), months.max() + 1),
        int(unknown.sum()),
    )


def _read_table(path: StrPath) -> pd.DataFrame:
    """Return the needed columns of a CSV file as text, with the numbers of the lines as index."""
    text, delimiter = open_delimited(path)
    before = 0
    header = ""
    for header in text:
        if header.strip(",;\t \n"):
            break
        before += 1
    try:
        names = next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error as error:
        raise UserError(
            f"{path}, line {before + 1}: the line is not the header of a CSV file ({error}). "
            "Correct it, or remove the file from observations.reports."
        ) from None
    names = [name.strip().lower() for name in names]
    needed = [name for name in names if name in {*SPC_COLUMNS, *PLAIN_COLUMNS, *OPTIONAL_COLUMNS}]
    for name in needed:
        if names.count(name) > 1:
            raise UserError(
                f"{path}, line {before + 1}: there are several columns {name}. Remove all but one."
            )
    if any(names):
        _check_columns(path, set(needed))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            parts = pd.read_csv(
                text,
                sep=delimiter,
                header=None,
                names=list(range(len(names))),
                index_col=False,
                dtype=str,
                keep_default_na=False,
                skip_blank_lines=False,
                chunksize=LINES_AT_ONCE,
            )
            # With `usecols` instead, pandas would not notice lines with too many values.
            places = [names.index(name) for name in needed]
            table = pd.concat([part[places] for part in parts]).set_axis(needed, axis="columns")
    except pd.errors.EmptyDataError:
        table = pd.DataFrame(columns=needed)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        after_header = re.search(r"line (\d+)", str(error))
        line = before + 1 + (int(after_header[1]) if after_header else 1)
        raise UserError(
            f"{path}, line {line}: the line has more values than the header, or an open quote. "
            "Correct it."
        ) from None
    table = table.fillna("")
    table.index += before + 2
    table = table[(table != "").any(axis="columns")]
    if table.empty:
        raise UserError(
            f"{path}: the file has no reports. Remove it from observations.reports, or complete it."
        )
    return table


def _check_columns(path: StrPath, columns: set[str]) -> None:
    """Raise `UserError` if a file has neither form; it names what the more likely one lacks."""
    spc = columns & (set(SPC_COLUMNS) - {"time"})
    missing = [name for name in (SPC_COLUMNS if spc else PLAIN_COLUMNS) if name not in columns]
    if missing:
        raise UserError(
            f"{path}: column {', '.join(missing)} is missing. A file of reports needs the columns "
            f"{','.join(SPC_COLUMNS)} (SPC's database) or {','.join(PLAIN_COLUMNS)}. Add it, or "
            "remove the file from observations.reports."
        )


def _spc_times(
    path: StrPath, table: pd.DataFrame, start: np.datetime64, end: np.datetime64
) -> tuple[pd.Series, pd.Series, pd.DataFrame]:
    """Return times (UTC) and rows of the reports from `start` to `end`, and the days of all.

    Other values of reports outside of the period are not read, because the early years of SPC's
    database have some that mean nothing.
    """
    texts = [table[name].str.strip().str.zfill(2) for name in ("yr", "mo", "dy")]
    written = texts[0] + "-" + texts[1] + "-" + texts[2]
    day = pd.to_datetime(written, format="%Y-%m-%d", errors="coerce")
    _require(path, day.notna(), "yr, mo, dy", written, "a date")
    margin = np.timedelta64(1, "D")  # days are local, times are UTC
    inside = (day >= start - margin) & (day <= end + margin)
    near = table[inside]
    zone = near["tz"].str.strip().map(HOURS_FROM_UTC)
    _require(path, zone.notna(), "tz", near["tz"], "3 (Central Standard Time) or 9 (GMT)")
    clock = near["time"].str.strip()
    clock = clock.where(clock.str.count(":") != 1, clock + ":00")
    local = pd.to_datetime(
        written[inside] + " " + clock, format="%Y-%m-%d %H:%M:%S", errors="coerce"
    )
    _require(path, local.notna(), "time", near["time"], "a time such as 17:35:00")
    time = local - pd.to_timedelta(zone.astype(float), unit="h")
    chosen = (time >= start) & (time <= end)
    return time[chosen], day, near[chosen]


def _utc(path: StrPath, texts: pd.Series) -> pd.Series:
    """Return times in ISO 8601 as UTC, in which they are without an offset."""
    time = pd.to_datetime(texts.str.strip(), format="ISO8601", utc=True, errors="coerce")
    has_time = texts.str.strip().str.match(_TIME_OF_DAY)
    _require(path, time.notna() & has_time, "time", texts, "a time such as 2015-05-01T20:35")
    return time.dt.tz_localize(None)


def _checked(
    path: StrPath, table: pd.DataFrame, column: str, lowest: float, highest: float
) -> pd.Series:
    """Return a column as numbers, all of which must be between two limits."""
    values = _numbers(table[column])
    inside = values.between(lowest, highest)
    _require(path, inside, column, table[column], f"a number from {lowest} to {highest}")
    return values


def _numbers(texts: pd.Series) -> pd.Series:
    return pd.to_numeric(texts.str.strip(), errors="coerce").astype(float)


def _require(path: StrPath, valid: pd.Series, column: str, texts: pd.Series, expected: str) -> None:
    """Raise `UserError` unless all values are valid; the index has the numbers of the lines."""
    if not valid.all():
        line = valid.index[~valid.to_numpy()][0]
        raise UserError(
            f"{path}, line {line}: {column} must be {expected} (got "
            f"{printable(str(texts[line]))!r}). Correct or remove the line."
        )


def _kind_of_name(path: StrPath) -> str:
    """Return the only kind that the name of a file contains, or `ANY_KIND`."""
    name = Path(path).stem.lower()
    found = {kind for word, kind in KIND_WORDS.items() if word in name}
    return found.pop() if len(found) == 1 else ANY_KIND
