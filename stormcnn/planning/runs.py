"""Which run files an experiment uses, and which of them train and test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from stormcnn.config.archive_dates import demo_file_name, demo_run_dates
from stormcnn.errors import UserError
from stormcnn.forecast.records import run_folder
from stormcnn.name_pattern import DEFAULT_PATTERN
from stormcnn.regular_files import is_special
from stormcnn.storms.run_files import (
    Run,
    as_run,
    first_day,
    list_folder,
    parse_run_name,
    read_archive_list,
    read_run_list,
)
from stormcnn.vocabulary import BLOCK_RUN, LEAST_BLOCKS, StrPath


class Periods(NamedTuple):
    """Batches of the training and of the test period, each in order of time."""

    training: list[str]
    test: list[str]


def list_runs(data: Mapping[str, Any], folder: StrPath, checkout: StrPath = "") -> list[Run]:
    """Return the run files of the config block `data`, sorted by run date.

    Run files that a job makes or downloads lie in `folder` and are listed before they exist. The
    list of an archive may lie in the folder of the code, `checkout`, instead of the working
    directory. Raises `UserError` if the user's folder or list of run files cannot be used.
    """
    if data["source"] == "folder":
        runs = list_folder(
            data["folder"], data["batch"], data["settle_seconds"], data["file_pattern"]
        )
        return select_listed(runs, data["run_list"]) if data["run_list"] else runs
    if data["source"] == "ncar":
        listed = Path(data["ncar"]["runs"])
        of_code = Path(checkout, listed)
        is_of_code = of_code.exists() and not listed.exists()
        return read_archive_list(of_code if is_of_code else listed, folder, data["batch"])
    return [
        as_run(Path(folder, demo_file_name(run_date)), data["batch"])
        for run_date in demo_run_dates(data["demo"]["runs"])
    ]


def select_listed(runs: Sequence[Run], path: StrPath) -> list[Run]:
    """Return the runs whose files are in a run list, with the SHA-256 that it says.

    Raises `UserError` if a file of the list is missing, or if it is not a run list.
    """
    present = {run.file: run for run in runs}
    selected = []
    for row in read_run_list(path):
        if row.file not in present:
            raise UserError(
                f"{row.file}: the run file is missing, but {path} lists it. Restore it."
            )
        selected.append(present[row.file]._replace(sha256=row.sha256))
    return selected


def group_by_batch(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Return the runs of each batch. Batches and their runs keep the order of `runs`."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.batch, []).append(run)
    return groups


def plain_files(runs: Iterable[Run]) -> list[str]:
    """Return the run files that are regular files or missing.

    The workflow may compute checksums of the inputs of a job, which never ends for the others. The
    job that reads the runs refuses them.
    """
    return [run.file for run in runs if not is_special(run.file)]


def split_periods(runs: Sequence[Run], test_start: str) -> Periods:
    """Return the batches before `test_start`, and those on or after it.

    `runs` are sorted by run date; `test_start` is the first day of a batch.
    """
    return Periods(
        sorted({run.batch for run in runs if run.run_date < test_start}),
        sorted({run.batch for run in runs if run.run_date >= test_start}),
    )


def check_periods(periods: Periods, runs: Sequence[Run], test_start: str) -> None:
    """Raise `UserError` if a period of `split_periods` has no run."""
    for name, batches in periods._asdict().items():
        if not batches:
            raise UserError(
                f"split.test_start: {test_start} leaves no run file in the {name} period. Choose "
                f"a day within the run dates, {runs[0].run_date[:10]} to {runs[-1].run_date[:10]}; "
                "the target check_data suggests one."
            )


def choose_validation_start(runs: Sequence[Run], test_start: str, configured: str | None) -> str:
    """Return the first day of the part of the training period on which dropout rates are judged.

    `runs` are sorted by run date. If `configured` is None, the day is the latest first day of a
    batch that leaves at least a quarter of the training period's runs for validation; if only the
    first batch does, it is the first day of the second batch. Raises `UserError` if the day leaves
    no run to train on or none for validation.
    """
    training = [run for run in runs if run.run_date < test_start]
    if not training:
        raise UserError(
            f"split.test_start: {test_start} leaves no run file in the training period. Choose a "
            "later day."
        )
    run_dates = [run.run_date for run in training]
    starts = sorted({first_day(run.batch) for run in training})
    large_enough = [
        start
        for start in starts[1:]
        if 4 * sum(run_date >= start for run_date in run_dates) >= len(run_dates)
    ]
    chosen = configured or [*starts[:2], *large_enough][-1]
    if not starts[0] < chosen <= run_dates[-1]:
        raise UserError(
            f"tuning.validation_start: {chosen} leaves no run file for training or none for "
            f"validation. Choose a day within the run dates of the training period, "
            f"{run_dates[0][:10]} to {run_dates[-1][:10]}, or set data.batch to month or day."
        )
    return chosen


def choose_held_out_start(
    runs: Sequence[Run], test_start: str, share: float, block: str | int
) -> str | None:
    """Return the first run date that is held out from training to fit recalibrations.

    `runs` are sorted by run date. The last blocks of the training period are held out, as many as
    make up the `share` of all, rounded. `block` is that of `verification.blocks.block_of`. None if
    fewer than `LEAST_BLOCKS` would be held out, which cannot show that a recalibration helps.

    >>> days = [Run(f"2014-05-{day:02}T00:00", "", "2014") for day in range(1, 21)]
    >>> choose_held_out_start(days, "2015-01-01", share=0.5, block="day")
    '2014-05-11T00:00'
    """
    first_run: dict[str | int, str] = {}
    for run in runs:
        if run.run_date < test_start:
            first_run.setdefault(_block_of(run.run_date, block), run.run_date)
    count = round(share * len(first_run))
    return list(first_run.values())[-count] if count >= LEAST_BLOCKS else None


def _block_of(run_date: str, block: str | int) -> str | int:
    if block == BLOCK_RUN:
        return run_date
    days = (date.fromisoformat(run_date[:10]) - date(1970, 1, 1)).days
    return days if isinstance(block, str) else days // block


def share_of_batches(batches: Sequence[str], part: str) -> list[str]:
    """Return the batches that one of several jobs processes.

    `part` is, for example, `2-of-3` for the second of three jobs, whose shares differ by at most
    one batch.
    """
    number, jobs = map(int, part.split("-of-"))
    return [
        batch for index, batch in enumerate(batches) if index * jobs // len(batches) == number - 1
    ]


def index_by_run(
    files: Iterable[str], key: str, file_pattern: str = DEFAULT_PATTERN
) -> dict[str, str]:
    """Return run files by the name of the folder of their forecasts, see `forecast.records`.

    `key` is the config key that lists the files. Raises `UserError` if two have the same run date
    and ensemble member, a name is not that of a run file, or a file is not a regular one.
    """
    index: dict[str, str] = {}
    for file in files:
        if is_special(file):
            raise UserError(f"{key}: {file} is not a regular file. Remove it from the list.")
        try:
            run = run_folder(parse_run_name(file, file_pattern))
        except UserError as error:
            raise UserError(f"{key}: {error}") from None
        if run in index:
            raise UserError(
                f"{key}: {index[run]} and {file} have the same run date and ensemble member, which "
                "name the forecast. Forecast them in two working directories."
            )
        index[run] = file
    return index
