"""Read a run file in a child process, so that a damaged file cannot harm the job that reads it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import tempfile
import traceback
import warnings
from collections.abc import Callable
from typing import IO, Any, TypeVar

from stormcnn.errors import UserError
from stormcnn.storms.run_files import BadRunFile

Result = TypeVar("Result")

WALL_SECONDS = 600.0
"""Time limit of the child process."""

CPU_SECONDS = 60.0
"""Limit of the child's computing time. Reading takes about 1 s per gigabyte, but a damaged header
can send HDF5 into an endless loop."""


DISK_FULL = 77
"""Exit status of the child process if its result cannot be written."""


def read_in_child(read: Callable[..., Result], path: str, *arguments: Any) -> Result:
    """Return `read(path, *arguments)`, called in a child process.

    Each call starts a new process, so a damaged file cannot affect how the C libraries read the
    next one. Exceptions of `read` are raised here. Raises `BadRunFile`, naming `path`, if the
    process crashes or exceeds a time limit, and `UserError` if the result does not fit into the
    folder for temporary files.
    """
    with tempfile.TemporaryFile() as stream:
        process = multiprocessing.get_context("fork").Process(
            target=_write_result, args=(stream, read, path, *arguments), daemon=True
        )
        with warnings.catch_warnings():
            # Python 3.12 warns about forking a process with threads; the child needs no locks of
            # theirs.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        process.join(WALL_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
            raise BadRunFile(
                f"{path}: reading did not finish within {WALL_SECONDS:g} s. The file is damaged or "
                "its disk does not respond. Check the disk, or fetch the file again."
            )
        exit_code = process.exitcode or 0
        if exit_code < 0:
            raise BadRunFile(
                f"{path}: the process that read it ended with {signal.Signals(-exit_code).name}. "
                "The file is damaged so that the NetCDF library crashes or never finishes, or "
                "memory ran out. Fetch the file again, or provide more memory."
            )
        if exit_code == DISK_FULL:
            raise UserError(
                f"{path}: its storms do not fit into the folder for temporary files, "
                f"{tempfile.gettempdir()}. Free some space there, or set TMPDIR to another folder."
            )
        if exit_code:
            raise RuntimeError(f"{path}: the process that read it ended with status {exit_code}.")
        stream.seek(0)
        result: Result | Exception = pickle.load(stream)  # noqa: S301 - written by our own child
    if isinstance(result, Exception):
        raise result
    return result


def _write_result(stream: IO[bytes], read: Callable[..., Any], *arguments: Any) -> None:
    """Write what `read` returns or raises to `stream` (runs in the child process)."""
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        result = read(*arguments)
    except Exception as error:  # noqa: BLE001 - the parent process raises it
        if not isinstance(error, UserError):
            error.add_note(traceback.format_exc())
        result = error
    try:
        pickle.dump(result, stream, protocol=5)
        stream.flush()
    except OSError:
        os._exit(DISK_FULL)
