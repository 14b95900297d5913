"""Open files that come from elsewhere, but only regular ones.

Reading a named pipe waits until somebody writes to it, reading a device may never end, and a file
of a few bytes may be said to have terabytes.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader

from stormcnn.vocabulary import StrPath

KINDS = {
    stat.S_IFIFO: "a named pipe (FIFO)",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}

SPARSE_BYTES = 1 << 30
SPARSE_RATIO = 100
"""A file is refused if it has more than `SPARSE_BYTES` and takes less than one byte on the disk for
`SPARSE_RATIO` of them. Reading the rest, which is empty, takes as long as reading data."""


class NotRegular(OSError):
    """A file that cannot be read like a regular one."""

    def __init__(self, path: StrPath, fault: str) -> None:
        super().__init__(errno.EINVAL, f"it is {fault}, and not a regular file", str(path))


def open_regular(path: StrPath) -> BufferedReader:
    """Open a file to read bytes; raise `NotRegular` unless it is, or links to, a regular file.

    Raises other exceptions of the class `OSError` as `open` does.
    """
    _check_kind(path, os.stat(path))  # because opening a device may have an effect
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(handle)
        _check_kind(path, status)
        if _may_be_sparse(status) and _has_hole(handle, status):
            raise NotRegular(path, f"a sparse file of {status.st_size} bytes")
        return open(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def is_special(path: StrPath) -> bool:
    """Return whether a file exists and `open_regular` would raise `NotRegular`.

    Only files that seem to be sparse are opened.
    """
    try:
        status = os.stat(path)
        _check_kind(path, status)
        if _may_be_sparse(status):
            open_regular(path).close()
    except NotRegular:
        return True
    except OSError:
        return False
    return False


def _check_kind(path: StrPath, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotRegular(path, KINDS.get(stat.S_IFMT(status.st_mode), "of an unknown kind"))


def _may_be_sparse(status: os.stat_result) -> bool:
    """Return whether most of a large file seems to take no place on the disk.

    Some file systems do not say how much place a file takes.
    """
    size = status.st_size
    return size > SPARSE_BYTES and status.st_blocks * 512 * SPARSE_RATIO < size


def _has_hole(handle: int, status: os.stat_result) -> bool:
    """Return whether a part of a file takes no place on the disk."""
    has_hole = os.lseek(handle, 0, os.SEEK_HOLE) < status.st_size
    os.lseek(handle, 0, os.SEEK_SET)
    return has_hole
