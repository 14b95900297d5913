"""Write all output of a job to its log file."""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import platform
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stormcnn.errors import UserError
from stormcnn.os_errors import FULL, describe
from stormcnn.texts import printable
from stormcnn.vocabulary import StrPath


class _PrintableFormatter(logging.Formatter):
    """Escapes control characters, because logs repeat texts of files and are shown in terminals."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), keep="\n\t")


def peak_memory_mib() -> float:
    """Return the largest amount of memory that this process has used so far, in MiB."""
    if sys.platform == "linux":
        # `ru_maxrss` would be at least what the parent process had used.
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # In bytes on macOS, in KiB elsewhere.
    return peak / 1024 / (1024 if sys.platform == "darwin" else 1)


@contextmanager
def job_log(path: StrPath) -> Iterator[None]:
    """Write all output of this process in the block to `path`.

    File descriptors are redirected, so the log includes the messages of C and C++ libraries such
    as TensorFlow and HDF5. After a `UserError`, or if the disk is full or a
    permission is missing, the log ends with the message and the process with status 1. Any other
    exception is a bug and keeps its stack trace.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o664)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    faulthandler.enable()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_PrintableFormatter("%(asctime)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(True)
    logger = logging.getLogger("stormcnn")
    place = platform.node()
    if job := os.environ.get("SLURM_JOB_ID"):
        place += f" in SLURM job {job}"
    logger.info("%s on %s, Python %s", sys.argv[0], place, platform.python_version())
    start = time.perf_counter()
    message = ""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL and not isinstance(error, PermissionError):
            raise
        message = describe(error)
    except UserError as error:
        message = str(error)
    finally:
        logger.info("%.1f s, peak memory %.0f MiB", time.perf_counter() - start, peak_memory_mib())
        # Otherwise garbage collection at the end of the process takes 0.1 s.
        gc.freeze()
    if message:
        logger.error("%s", message)
        raise SystemExit(1)
