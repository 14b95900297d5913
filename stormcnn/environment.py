"""Set the environment variables that every program of the project relies on.

The workflow and the programs in `ops/` call `prepare_environment` before they import libraries
that read these variables; jobs inherit them.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path

# Shared file systems often lack the locks that HDF5 asks for; no file here has two writers.
VARIABLES = {
    "HDF5_USE_FILE_LOCKING": "FALSE",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "PYTHONUTF8": "1",
    # Jobs get the threads that they request. Other programs hardly compute with them, and on a node
    # with many cores a pool of threads for each may exceed the limit of the user.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
}
"""Variables that are set unless the user has set them."""

CACHES = {"XDG_CACHE_HOME": "", "MPLCONFIGDIR": "matplotlib", "KERAS_HOME": "keras"}
"""Variables that name folders of caches, and the name of each in a folder for caches."""


def prepare_environment() -> None:
    """Set the variables that are missing, and caches if the home folder cannot be written to.

    Texts that the process prints are UTF-8, whatever the locale.
    """
    for name, value in VARIABLES.items():
        os.environ.setdefault(name, value)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    if _is_usable(os.environ.get("HOME", "")):
        return
    missing = [name for name in CACHES if name not in os.environ]
    if missing:
        folder = _own_folder()
        for name in missing:
            os.environ[name] = str(folder / CACHES[name])
    # Without it and without an entry in /etc/passwd, Python knows no home folder.
    os.environ.setdefault("HOME", os.environ["XDG_CACHE_HOME"])


def _is_usable(home: str) -> bool:
    """Return whether programs can create folders in a home folder."""
    return bool(home) and os.path.isdir(home) and os.access(home, os.W_OK | os.X_OK)


def _own_folder() -> Path:
    """Return a folder for caches that no other user can change, the same in every call."""
    folder = Path(tempfile.gettempdir(), f"stormcnn-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="stormcnn-"))
    is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
    if is_own and not status.st_mode & 0o022:
        return folder
    return Path(tempfile.mkdtemp(prefix="stormcnn-"))
