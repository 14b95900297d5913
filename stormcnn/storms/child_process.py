"""Read a run file in a child process, so that a damaged file cannot harm the job that reads it."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import tempfile
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any

import xarray as xr

from stormcnn.errors import UserError
from stormcnn.storms.dataset_bytes import read_dataset, read_json, write_dataset, write_json
from stormcnn.storms.memory import limit_memory
from stormcnn.storms.run_files import BadRunFile

WALL_SECONDS = 600.0
"""Time limit of the child process."""

CPU_SECONDS = 60.0
"""Limit of the child's computing time. Reading takes about 1 s per gigabyte, but a damaged header
can send HDF5 into an endless loop."""

MEMORY_MB = 2000.0
"""Memory of the job if the caller does not say how much it has."""

DISK_FULL = 77
"""Exit status of the child process if its result cannot be written."""

ERRORS: dict[str, type[UserError]] = {"BadRunFile": BadRunFile, "UserError": UserError}
"""Errors for users that are raised as they are. Others are bugs."""


def read_in_child(
    read: Callable[..., xr.Dataset],
    path: str,
    *arguments: Any,
    memory_mb: float = MEMORY_MB,
) -> xr.Dataset:
    """Return the dataset `read(path, *arguments)`, called in a child process.

    Each call starts a new process, so a damaged file cannot affect how the C libraries read the
    next one. Its result comes through a file that cannot make this process run anything, whatever
    the run file has made the child do. `memory_mb` is the memory of the whole job; the child may
    take what this process does not.

    Errors for users of `read` are raised here; others become a `RuntimeError` with their stack
    trace. Raises `BadRunFile`, naming `path`, if the process crashes or exceeds a limit, and
    `UserError` if the result does not fit into the folder for temporary files.
    """
    with tempfile.TemporaryFile() as stream:
        process = multiprocessing.get_context("fork").Process(
            target=_write_result, args=(stream, memory_mb, read, path, *arguments), daemon=True
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
        return _read_result(path, stream)


def _read_result(path: str, stream: IO[bytes]) -> xr.Dataset:
    try:
        header = read_json(stream)
        error = header.get("error")
        if error is None:
            return read_dataset(header, stream)
        kind, text, trace = error
    except Exception as fault:  # what a child that a file has taken over writes can be anything
        raise BadRunFile(
            f"{path}: the process that read it returned no storms ({type(fault).__name__}). The "
            "file is damaged. Fetch it again or remove it."
        ) from fault
    if kind in ERRORS:
        raise ERRORS[kind](text)
    bug = RuntimeError(f"{path}: {kind}: {text}")
    bug.add_note(trace)
    raise bug


def _write_result(
    stream: IO[bytes], memory_mb: float, read: Callable[..., xr.Dataset], *arguments: Any
) -> None:
    """Write what `read` returns or raises to `stream` (runs in the child process)."""
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash is reported without its memory
    limit_memory(memory_mb)
    result: xr.Dataset | None = None
    try:
        result = read(*arguments)
    except MemoryError:
        text = (
            f"{arguments[0]}: reading it takes more memory than the job has (mem_mb is "
            f"{memory_mb:g}). If it is not damaged, provide more."
        )
        error = ("BadRunFile", text, "")
    except Exception as fault:  # noqa: BLE001 - the parent process raises it
        trace = "" if isinstance(fault, UserError) else traceback.format_exc()
        error = (type(fault).__name__, str(fault), trace)
    try:
        if result is None:
            write_json({"error": error}, stream)
        else:
            write_dataset(result, stream)
        stream.flush()
    except OSError:
        with suppress(OSError):
            stream.close()
        os._exit(DISK_FULL)
