"""Unpack run files from an archive without trusting its contents."""

from __future__ import annotations

import gzip
import logging
import os
import shutil
import tarfile
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath

from stormcnn.errors import UserError
from stormcnn.vocabulary import StrPath

_CHUNK_BYTES = 1 << 16
_DISTRUST = "Nothing was unpacked. Do not use this archive; download it again from its publisher."

logger = logging.getLogger(__name__)


def unpack(archive: StrPath, folder: StrPath, files: Collection[str]) -> None:
    """Unpack `files` (base names) from a gzip-compressed tar archive into `folder`.

    The archive is read once and to its end, which verifies its checksum. Of a tar member only the
    content is used, under a name from `files`. The files appear in `folder` when all of them have
    been unpacked; after an error none does. Other files in the archive are logged and skipped.

    Raises `UserError` if the archive is damaged, lacks one of `files` or contains it twice, or has
    a member that does not belong in an archive of run files: an absolute path, a path with `..`, a
    link, a device, or a file that does not fit on the disk.
    """
    target = Path(folder)
    staging = target / ".unpacking"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        _extract(archive, staging, files)
        for name in files:
            os.replace(staging / name, target / name)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UserError(
            f"{archive}: the file is damaged or not a tar.gz archive ({error}). Nothing was "
            "unpacked. Delete it and download it again."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _extract(archive: StrPath, staging: Path, files: Collection[str]) -> None:
    """Write the contents of all `files` to the folder `staging`."""
    missing = set(files)
    others = []
    with gzip.open(archive) as stream:
        with tarfile.open(fileobj=stream, mode="r|") as members:
            for member in members:
                _check_member(archive, member, staging)
                name = PurePosixPath(member.name).name
                content = members.extractfile(member)
                if content is None:  # a folder
                    continue
                if name not in files:
                    others.append(member.name)
                    continue
                if name not in missing:
                    raise UserError(f"{archive}: {name} is in the archive twice. {_DISTRUST}")
                missing.remove(name)
                with open(staging / name, "wb") as target:
                    shutil.copyfileobj(content, target, _CHUNK_BYTES)
                logger.info(
                    "Unpacked %s (%s bytes, %d files left).", name, f"{member.size:,}", len(missing)
                )
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


def _check_member(archive: StrPath, member: tarfile.TarInfo, staging: Path) -> None:
    """Raise `UserError` for a tar member that does not belong in an archive of run files."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        fault = "has a path outside of the folder"
    elif not (member.isfile() or member.isdir()):
        fault = "is neither a file nor a folder"
    elif not 0 <= member.size <= shutil.disk_usage(staging).free:
        fault = f"has {member.size} bytes according to its header, which do not fit on the disk"
    else:
        return
    raise UserError(f"{archive}: member {member.name!r} {fault}. {_DISTRUST}")


def _first_three(names: Sequence[str]) -> str:
    """Return the first three names and the number of the others."""
    shown = ", ".join(repr(name) for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
