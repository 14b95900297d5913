"""Find the run files that have arrived or changed since they were used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from stormcnn.errors import UserError
from stormcnn.provenance import sha256_of
from stormcnn.storms.run_files import Run, read_run_list


class News(NamedTuple):
    """Run files that a retraining has not seen: `new` ones, and those `replaced` since."""

    new: list[Run]
    replaced: list[Run]

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self.new or self.replaced)

    def __str__(self) -> str:
        """Return their numbers in words."""
        parts = {"new": len(self.new), "replaced": len(self.replaced)}
        return " and ".join(f"{count} {name}" for name, count in parts.items() if count) or "none"


def find_news(runs: Sequence[Run], known_list: Path) -> News:
    """Return the runs whose files are not in a run list, or have another content than there.

    The list `known_list` may be missing.
    """
    known = read_known(known_list)
    new = [run for run in runs if run.file not in known]
    replaced = [run for run in runs if run.file in known and is_replaced(run, known[run.file])]
    return News(new, replaced)


def read_known(known_list: Path) -> dict[str, Run]:
    """Return the runs of a run list, which may be missing, by file."""
    return {run.file: run for run in read_run_list(known_list)} if known_list.exists() else {}


def is_replaced(run: Run, known: Run) -> bool:
    """Return whether a run file has another content than when its row `known` was written.

    A file that only has another modification time is compared by its SHA-256.
    """
    if None in (run.bytes, known.bytes) or run[4:] == known[4:]:
        return False
    if run.bytes != known.bytes or not known.sha256:
        return True
    try:
        return sha256_of(run.file) != known.sha256
    except OSError:
        return True


def changed_since(known: Iterable[Run], runs: Iterable[Run], start: str, stop: str) -> list[str]:
    """Return the files of a run list from a day on until another that are replaced or missing.

    `known` are the rows of the list and `runs` the present run files. The days are ISO 8601; the
    second one is excluded.
    """
    present = {run.file: run for run in runs}
    return [
        row.file
        for row in known
        if start <= row.run_date < stop
        and (row.file not in present or is_replaced(present[row.file], row))
    ]


def with_digests(runs: Iterable[Run], digests: Mapping[str, str]) -> list[Run]:
    """Return runs with the SHA-256 of their files, as far as it is known, by file."""
    return [run._replace(sha256=digests.get(run.file, "")) for run in runs]


def check_no_future_run(runs: Sequence[Run], now: datetime) -> None:
    """Raise `UserError` if the last run date lies in the future; runs are sorted by run date."""
    last = runs[-1]
    if last.run_date > now.strftime("%Y-%m-%dT%H:%M"):
        raise UserError(
            f"{last.file}: the run date lies in the future; it is {now:%Y-%m-%d %H:%M} UTC. "
            "Remove the file, or correct the clock."
        )
