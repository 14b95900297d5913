"""Prevent two retrainings, or two forecasts, from running in one folder at the same time."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import psutil

from stormcnn.errors import UserError

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""Errors of file systems that cannot lock files."""


class Busy(UserError):
    """Another process of the same kind is running in this folder, so nothing was done."""


class Lock:
    """A lock held by one process and the workflows that it starts.

    The operating system releases the lock when the last of these processes ends. While a workflow
    runs, the lock file holds a mark. A mark that is there when the lock is acquired means that the
    previous holder's workflow was killed, so a lock that the workflow itself left behind is stale
    and does not belong to a workflow that a user is running.

    On file systems without locks, a second file names the process that holds the lock instead.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    @classmethod
    @contextmanager
    def hold(cls, path: Path, holder: str = "another retraining") -> Iterator[Lock]:
        """Hold the lock during the block.

        Raises `Busy` if another process holds it, which is called `holder`.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy(
                    f"{path} is locked: {holder} is running. Try again when it has ended."
                ) from None
            except OSError as error:
                if error.errno not in NO_LOCKS:
                    raise
                with _holder_named_in(path.with_name(f"{path.name}.holder")):
                    yield cls(file)
            else:
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


@contextmanager
def _holder_named_in(path: Path) -> Iterator[None]:
    """Let the file `path` name this process during the block.

    Raises `Busy` if it names another one that is running or may be running on another machine. A
    file of a process of this machine that has ended is replaced.
    """
    own = f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time()}"
    if not _create(path, own):
        holder = _read(path)
        if not _may_run(holder):
            _remove(path, holder)
        if not _create(path, own):
            raise Busy(
                f"{path}: another process is running ({_read(path)}: host, process, start). Try "
                "again when it has ended. If it was killed on another machine, remove the file."
            )
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _create(path: Path, text: str) -> bool:
    """Return whether the file did not exist and was created."""
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def _read(path: Path) -> str:
    """Return the text of a file, which is empty if the file has been removed."""
    with suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8")
    return ""


def _remove(path: Path, text: str) -> None:
    """Remove a file with this `text`, unless another process does so at the same time.

    A third file lets only one process remove it, which otherwise could be one that has replaced it.
    """
    token = path.with_name(f"{path.name}.{hashlib.sha256(text.encode()).hexdigest()[:12]}")
    if _create(token, ""):
        try:
            if _read(path) == text:
                path.unlink()
        finally:
            token.unlink()


def _may_run(holder: str) -> bool:
    """Return whether the process that a text of `_holder_named_in` describes may be running."""
    host, _, process = holder.partition(" ")
    pid, _, started = process.partition(" ")
    if host != socket.gethostname() or not (pid.isdigit() and started):
        return True
    try:
        return str(psutil.Process(int(pid)).create_time()) == started
    except psutil.NoSuchProcess:
        return False
