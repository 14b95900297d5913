"""Which files of past retrainings nothing needs any more."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from stormcnn.operations.registry import Entry
from stormcnn.storms.run_files import read_run_list
from stormcnn.vocabulary import StrPath

DAY_SECONDS = 24 * 3600


def past_decisions(history: Sequence[Entry], keep: int) -> list[Entry]:
    """Return the decisions before the last `keep` ones, except about the champion's experiment."""
    decided = [entry for entry in history if entry.decision]
    past = decided[: max(0, len(decided) - keep)]
    kept = {entry.experiment for entry in decided[len(past) :]}
    if history and history[-1].champion:
        kept.add(history[-1].champion.experiment)
    return [entry for entry in past if entry.experiment not in kept]


def logs_of(experiments: Iterable[str], others: Iterable[str], logs: Iterable[Path]) -> list[Path]:
    """Return the logs that belong to some experiments, by their names.

    Logs of `others`, experiments whose names begin in the same way, are left out.
    """
    names = set(experiments)
    return sorted(path for path in logs if _owner(path.name, names | set(others)) in names)


def _owner(file: str, experiments: Iterable[str]) -> str | None:
    """Return the experiment to which a log belongs: the longest name with which it begins."""
    owners = [name for name in experiments if file.startswith((f"{name}.", f"{name}-"))]
    return max(owners, key=len, default=None)


def orphaned_batches(data: Path) -> list[Path]:
    """Return prepared files of batches that no run file of the list in a folder belongs to.

    `data` is the folder of the prepared data. Without a run list, nothing is orphaned.
    """
    listed = data / "runs.csv"
    if not listed.exists():
        return []
    batches = {run.batch for run in read_run_list(listed)}
    files = [
        path for kind in ("patches", "statistics", "inventory") for path in data.glob(f"{kind}/*")
    ]
    return sorted(path for path in files if path.name[:1].isdigit() and path.stem not in batches)


def written_before(paths: Iterable[Path], before: float) -> list[Path]:
    """Return the files that were last written before a time (s)."""
    return sorted(path for path in paths if path.stat().st_mtime < before)


def unread_in_cache(cache: StrPath, days: int, paths: Iterable[Path]) -> list[Path]:
    """Return the files of a shared cache that nobody has read for some days.

    Files that links among `paths` refer to are left out.
    """
    linked = {os.path.realpath(path) for path in paths if path.is_symlink()}
    earliest = time.time() - days * DAY_SECONDS
    return sorted(
        path
        for path in Path(cache).iterdir()
        if max(path.stat().st_atime, path.stat().st_mtime) < earliest
        and not {os.path.realpath(path), *map(os.path.realpath, path.rglob("*"))} & linked
    )


def size_of(path: Path) -> int:
    """Return the size of a file, or of all files in a folder, in bytes."""
    files = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
    return sum(file.lstat().st_size for file in files if not file.is_dir() or file.is_symlink())
