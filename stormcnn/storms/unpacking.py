"""Unpack run files from an archive without trusting its contents."""

from __future__ import annotations

import gzip
import io
import logging
import os
import shutil
import tarfile
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath
from typing import Self

from stormcnn.errors import UserError
from stormcnn.io import shared_mode
from stormcnn.texts import printable
from stormcnn.vocabulary import StrPath

LARGEST_RATIO = 20
"""How many times larger than the archive the files in it may be, if no limit is given."""

SMALL_BYTES = 100_000_000
"""Total size of files that is never too large."""

MOST_MEMBERS = 100_000
LONGEST_NAME = 255
HEADER_BYTES = 1 << 16
"""Limits of an archive: number of members, length of their paths, and size of their headers."""

_CHUNK_BYTES = 1 << 16
_DISTRUST = "Nothing was unpacked. Do not use this archive; download it again from its publisher."

logger = logging.getLogger(__name__)


def unpack(
    archive: StrPath, folder: StrPath, files: Collection[str], *, largest: int | None = None
) -> None:
    """Unpack `files` (base names) from a gzip-compressed tar archive into `folder`.

    The archive is read once and to its end, which verifies its checksum. Of a tar member only the
    content is used, under a name from `files`. The files appear in `folder` when all of them have
    been unpacked; after an error none does. Other files in the archive are logged and skipped.

    The whole archive may have `largest` bytes when it is unpacked, by default `LARGEST_RATIO` times
    its own size or `SMALL_BYTES`.

    Raises `UserError` if the archive is damaged or too large, lacks one of `files` or contains it
    twice, or has a member that does not belong in an archive of run files: an absolute path, a path
    with `..`, a link, a device, a sparse file, or a file that does not fit on the disk.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for left_by_killed_job in target.glob(".unpacking*"):
        shutil.rmtree(left_by_killed_job, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=target))
    try:
        _extract(archive, staging, files, largest)
        for name in files:
            os.chmod(staging / name, shared_mode())
            os.replace(staging / name, target / name)
    except UserError:
        raise
    # The readers of gzip and tar raise exceptions of many classes for damaged files.
    except Exception as error:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            raise
        cause = printable(str(error) or type(error).__name__, longest=200)
        raise UserError(
            f"{archive}: the file is damaged or not a tar.gz archive ({cause}). Nothing was "
            "unpacked. Delete it and download it again."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


class _Meter(io.BufferedIOBase):
    """Reads a stream, and raises `UserError` when more is read than is allowed.

    `total` bytes may be read altogether, and `allow` sets how many until it is called again. So the
    headers of a member, which are held in memory, cannot have any size.
    """

    def __init__(self, stream: gzip.GzipFile, archive: StrPath, total: int) -> None:
        self._stream, self._archive = stream, archive
        self._total = self._total_left = total
        self.allow(0)

    def allow(self, count: int) -> None:
        """Allow to read `count` bytes and the headers of one member."""
        self._left = count + 2 * tarfile.RECORDSIZE + HEADER_BYTES

    def read(self, count: int | None = -1, /) -> bytes:
        content = self._stream.read(count)
        self._left -= len(content)
        self._total_left -= len(content)
        if self._total_left < 0:
            raise UserError(
                f"{self._archive}: more than {self._total} bytes are in the archive, by default "
                f"{LARGEST_RATIO} times its size or {SMALL_BYTES}. Nothing was unpacked. If it is "
                "the right archive, set `unpacked_bytes` in data.ncar to a larger number."
            )
        if self._left < 0:
            raise UserError(
                f"{self._archive}: the headers of a member have more than {HEADER_BYTES} bytes. "
                f"{_DISTRUST}"
            )
        return content


class _Header(tarfile.TarInfo):
    """The header of a member. `tarfile` takes most invalid headers for the end of the archive."""

    @classmethod
    def fromtarfile(cls, members: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(members)
        except (tarfile.EmptyHeaderError, tarfile.EOFHeaderError):  # type: ignore[attr-defined]
            raise  # the end
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error


def _extract(archive: StrPath, staging: Path, files: Collection[str], largest: int | None) -> None:
    """Write the contents of all `files` to the folder `staging`."""
    missing = set(files)
    others = []
    count = 0
    allowed = largest or max(LARGEST_RATIO * os.stat(archive).st_size, SMALL_BYTES)
    with gzip.open(archive) as unzipped:
        stream = _Meter(unzipped, archive, allowed)
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as members:
            while member := members.next():
                # They are not needed again.
                members.members.clear()  # type: ignore[attr-defined]
                count += 1
                _check_member(archive, member, staging, count)
                stream.allow(member.size)
                name = PurePosixPath(member.name).name
                content = members.extractfile(member)
                if content is None:  # a folder
                    continue
                if name not in files:
                    others.append(printable(member.name))
                    continue
                if name not in missing:
                    raise UserError(f"{archive}: {name} is in the archive twice. {_DISTRUST}")
                missing.remove(name)
                with open(staging / name, "wb") as target:
                    shutil.copyfileobj(content, target, _CHUNK_BYTES)
                logger.info(
                    "Unpacked %s (%s bytes, %d files left).", name, f"{member.size:,}", len(missing)
                )
        stream.allow(allowed)
        while stream.read(_CHUNK_BYTES):
            pass  # the checksum of gzip comes after the end of the tar archive
    if missing:
        raise UserError(
            f"{archive}: {len(missing)} of the {len(files)} files in the run list are missing from "
            f"the archive: {_first_three(sorted(missing))}. Nothing was unpacked. Remove them from "
            "the list, or download an archive that contains them."
        )
    if others:
        logger.warning(
            "Skipped %d files of %s that are not in the run list: %s.",
            len(others),
            archive,
            _first_three(others),
        )


def _check_member(archive: StrPath, member: tarfile.TarInfo, staging: Path, count: int) -> None:
    """Raise `UserError` for a tar member that does not belong in an archive of run files."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        fault = "has a path outside of the folder"
    elif len(member.name) > LONGEST_NAME:
        fault = f"has a path of more than {LONGEST_NAME} characters"
    elif count > MOST_MEMBERS:
        fault = f"is one of more than {MOST_MEMBERS}"
    elif member.sparse is not None:
        fault = "is a sparse file"
    elif not (member.isfile() or member.isdir()):
        fault = "is neither a file nor a folder"
    elif not 0 <= member.size <= shutil.disk_usage(staging).free:
        fault = f"has {member.size} bytes according to its header, which do not fit on the disk"
    else:
        return
    name = printable(member.name, longest=100)
    raise UserError(f"{archive}: member '{name}' {fault}. {_DISTRUST}")


def _first_three(names: Sequence[str]) -> str:
    """Return the first three names and the number of the others."""
    shown = ", ".join(f"'{name}'" for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
