"""Find the run files that have arrived since the last retraining."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from stormcnn.errors import UserError
from stormcnn.storms.run_files import Run, read_run_list


def find_new_runs(runs: Sequence[Run], known_list: Path) -> list[Run]:
    """Return the runs whose files are not in the run list `known_list`, which may be missing."""
    known = {run.file for run in read_run_list(known_list)} if known_list.exists() else set()
    return [run for run in runs if run.file not in known]


def check_no_future_run(runs: Sequence[Run], now: datetime) -> None:
    """Raise `UserError` if the last run date lies in the future; runs are sorted by run date."""
    last = runs[-1]
    if last.run_date > now.strftime("%Y-%m-%dT%H:%M"):
        raise UserError(
            f"{last.file}: the run date lies in the future; it is {now:%Y-%m-%d %H:%M} UTC. "
            "Remove the file, or correct the clock."
        )
