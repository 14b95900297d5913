"""Find the run files that have no forecast yet, and those that tell the outcome of one."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import netCDF4
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.forecast.records import DIGITS, find_records, run_folder
from stormcnn.name_pattern import compile_pattern
from stormcnn.storms.child_process import read_in_child
from stormcnn.storms.finding import search_folder
from stormcnn.storms.run_files import BadRunFile, parse_run_name, size_and_time
from stormcnn.storms.run_variables import list_variables
from stormcnn.texts import printable
from stormcnn.vocabulary import StrPath


class NewRun(NamedTuple):
    """A run file, its run date, and the name of the folder of its forecasts."""

    run_date: datetime
    folder: str
    file: str


class Arrivals(NamedTuple):
    """The run files in a folder: those that can be read now, in order of run date, and others.

    `faults` has a sentence for each file that cannot be used. `young` are files that may still be
    being written.
    """

    runs: list[NewRun]
    faults: dict[str, str]
    young: list[str]


def sort_runs(files: Iterable[StrPath], file_pattern: str) -> Arrivals:
    """Return run files in order of run date, without those whose names have a fault.

    Of several files with the same run date and ensemble member, the first one is taken.
    """
    runs: dict[str, NewRun] = {}
    faults: dict[str, str] = {}
    for file in sorted(map(str, files)):
        try:
            name = parse_run_name(file, file_pattern)
        except UserError as error:
            faults[file] = str(error)
            continue
        run = NewRun(name.run_date, run_folder(name), file)
        if other := runs.get(run.folder):
            faults[file] = (
                f"{file} has the same run date and ensemble member as {other.file}. Remove one of "
                "them, or forecast it in another working directory."
            )
        else:
            runs[run.folder] = run
    return Arrivals(sorted(runs.values()), faults, [])


def find_arrivals(folder: StrPath, file_pattern: str, settle_seconds: float) -> Arrivals:
    """Return the run files in a folder and its subfolders.

    Those that were modified less than `settle_seconds` ago are young. Raises `UserError` if there
    is no such folder.
    """
    if not Path(folder).is_dir():
        raise UserError(f"{folder} is not a folder. Give the folder in which run files arrive.")
    found = search_folder(folder, file_pattern)
    latest = time.time_ns() - settle_seconds * 1e9
    young = [str(path) for path in found.files if settle_seconds and _modified(path) > latest]
    arrivals = sort_runs(set(map(str, found.files)) - set(young), file_pattern)
    form = compile_pattern(file_pattern).form
    faults = {
        str(path): f"{path}: {kind}. Run files have names of the form {form}."
        for kind, paths in found.left_out.items()
        if not kind.startswith("files")
        for path in paths
    }
    return arrivals._replace(faults=arrivals.faults | faults, young=young)


def without_record(runs: Sequence[NewRun], folder: StrPath, networks: Collection[str]) -> Arrivals:
    """Return the runs that none of some networks has forecast.

    `folder` is that of the forecasts, and `networks` are SHA-256. A run whose forecast is that of
    another file, with the same run date and ensemble member, has a fault.
    """
    names = {network[:DIGITS] for network in networks}
    new: list[NewRun] = []
    faults: dict[str, str] = {}
    for run in runs:
        records = [path for path in find_records(folder, run.folder) if path.stem in names]
        if not records:
            new.append(run)
        elif fault := _fault_of_record(records[0], Path(run.file).name):
            faults[run.file] = f"{run.file}: {fault}"
    return Arrivals(new, faults, [])


def has_variable(path: StrPath, name: str) -> bool:
    """Return whether a run file has a variable; false if it cannot be read."""
    try:
        return name in read_in_child(_list_names, str(path)).attrs["names"]
    except BadRunFile:
        return False


def _list_names(path: str) -> xr.Dataset:
    return xr.Dataset(attrs={"names": [variable.name for variable in list_variables(path)]})


def _modified(path: Path) -> int:
    try:
        return size_and_time(path)[1]
    except OSError:  # whoever reads the file says why
        return 0


def _fault_of_record(record: Path, run_file: str) -> str:
    """Return what is wrong with a record if it is not that of a run file of this name."""
    try:
        forecast = _run_file_of(record)
    except (AttributeError, OSError) as error:
        return (
            f"its issued forecast {record} is damaged ({error}). Restore the files of the forecast "
            "from a backup, or move them elsewhere."
        )
    if forecast == run_file:
        return ""
    return (
        f"{record} is the forecast of {printable(forecast)}, which has the same run date and "
        "ensemble member. Forecast one of them in another working directory."
    )


@cache
def _run_file_of(record: Path) -> str:
    """Return the name of the run file of a record; complete records never change."""
    with netCDF4.Dataset(record) as file:
        return str(file.run_file)
