"""Prevent two retrainings from running in one folder at the same time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from stormcnn.errors import UserError


class Busy(UserError):
    """Another retraining or workflow is running in this folder, so nothing was done."""


class Lock:
    """A lock held by one process and the workflows that it starts.

    The operating system releases the lock when the last of these processes ends. While a workflow
    runs, the lock file holds a mark. A mark that is there when the lock is acquired means that the
    previous holder's workflow was killed, so a lock that the workflow itself left behind is stale
    and does not belong to a workflow that a user is running.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    @classmethod
    @contextmanager
    def hold(cls, path: Path) -> Iterator[Lock]:
        """Hold the lock during the block. Raises `Busy` if another process holds it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy(
                    f"{path} is locked: another retraining is running. Try again when it has ended."
                ) from None
            yield cls(file)

    def fileno(self) -> int:
        """Return the descriptor of the lock file; a process that inherits it shares the lock."""
        return self._file.fileno()

    def was_workflow_killed(self) -> bool:
        """Return whether the last workflow started but did not end by itself."""
        self._file.seek(0)
        return bool(self._file.read())

    def mark_workflow_started(self) -> None:
        """Note in the lock file that a workflow is running."""
        self._file.write(".")
        self._file.flush()

    def mark_workflow_ended(self) -> None:
        """Note in the lock file that no workflow is running."""
        self._file.truncate(0)
