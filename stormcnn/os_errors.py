"""Errors of the operating system as sentences for users."""

from __future__ import annotations

import errno
import os

FULL = {errno.ENOSPC, errno.EDQUOT}
"""Numbers of the errors that there is no space left."""


def describe(error: OSError) -> str:
    """Return what is wrong, where, and what to do.

    >>> describe(FileNotFoundError(2, "No such file or directory", "runs"))
    'runs: No such file or directory. Correct this and try again.'
    """
    if error.errno is None:
        return str(error)
    path = error.filename2 or error.filename
    where = f"{os.fsdecode(path)}: " if isinstance(path, str | bytes | os.PathLike) else ""
    if error.errno in FULL:
        return f"{where}the disk is full. Free some space and try again."
    if isinstance(error, PermissionError):
        return (
            f"{where}you have no permission to read or write it. If several users share the "
            "folder, let their group write to it: see Shared folders in docs/operations.md."
        )
    return f"{where}{error.strerror}. Correct this and try again."
