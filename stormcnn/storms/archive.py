"""Fetch an archive of run files over a poor connection, and unpack it without trusting it."""

from __future__ import annotations

import gzip
import logging
import os
import re
import shutil
import tarfile
import time
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TextIO

import requests
from tqdm import tqdm

from stormcnn.errors import UserError
from stormcnn.io import write_text
from stormcnn.provenance import sha256_of

WAITS = (1, 2, 4, 8, 16, 32, 60, 60, 60)

_CHUNK = 1 << 16
_PASSING_STATUS = {408, 429, *range(500, 600)}
_PASSING = (
    requests.ConnectionError,
    requests.Timeout,
    requests.HTTPError,
    requests.exceptions.ChunkedEncodingError,
)
_CONTENT_RANGE = re.compile(r"bytes (?:(?P<start>\d+)-\d+|\*)/(?P<total>\d+)")
_DISTRUST = "Nothing was unpacked. Do not use this archive; fetch it from its publisher."

logger = logging.getLogger(__name__)


def download(
    url: str,
    path: str | os.PathLike[str],
    *,
    size: int | None = None,
    sha256: str | None = None,
    waits: Sequence[float] = WAITS,
    timeout: float = 60.0,
    log_every: float = 30.0,
) -> None:
    """Fetch `url` to `path`, going on from where an earlier try or a killed job broke off.

    What has arrived lies in `<path>.part`, with the server's ETag beside it. The rest is asked for
    by `Range` and `If-Range` (RFC 9110, sections 13.1.5 and 14.2), so that a file that changed on
    the server is fetched anew and never spliced. A server without a strong ETag is asked for the
    whole file each time. Only a file of the right `size` in bytes and `sha256`, where these are
    given, is moved to `path`.

    A fault that may pass (no connection, a transfer that breaks off or says nothing for `timeout`
    seconds, status 408, 429 or 5xx) is tried again after each of `waits`, in seconds. Any other
    status is final. The log gets a line of progress every `log_every` seconds, and the terminal,
    where there is one, a bar.

    What may be secret in an address, a name and password or a query, is neither logged nor told.

    Raises `UserError` where the file cannot be had, does not fit on the disk, or is another one.
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    part = final.with_name(f"{final.name}.part")
    shown = _public(url)
    for wait in (*waits, None):
        try:
            _receive(url, part, size, timeout, log_every)
            break
        except _PASSING as error:
            if wait is None:
                raise UserError(
                    f"{shown}: not received in {len(waits) + 1} tries; the last one ended with: "
                    f"{_public(error)}. {_length(part)} bytes are kept in {part}, and the next run "
                    "goes on from there. Check the connection, or fetch the archive by other means "
                    "and give its path as `file` in data.ncar."
                ) from error
            logger.warning("%s: %s. Trying again in %g s.", shown, _public(error), wait)
            time.sleep(wait)
        except requests.RequestException as error:
            raise UserError(f"{shown}: {_public(error)}. Check `url` in data.ncar.") from error
    try:
        check_archive(part, size=size, sha256=sha256)
    except UserError as error:
        part.unlink()
        _etag_file(part).unlink(missing_ok=True)
        raise UserError(f"{shown}: what was received is not kept. {error}") from None
    os.replace(part, final)
    _etag_file(part).unlink(missing_ok=True)


def check_archive(
    path: str | os.PathLike[str], *, size: int | None = None, sha256: str | None = None
) -> None:
    """Raise `UserError` where a file is not there or has not the `size` or `sha256` given."""
    if not Path(path).is_file():
        raise UserError(
            f"{path}: there is no such file. Give the path of an archive that is on this machine "
            "as `file` in data.ncar, or leave `file` empty to have it downloaded."
        )
    length = _length(Path(path))
    if size is not None and length != size:
        raise UserError(
            f"{path} has {length} bytes, but `bytes` in data.ncar says {size}. "
            "The file is not whole, or it is another one."
        )
    if sha256 is not None and (found := sha256_of(path)) != sha256.lower():
        raise UserError(
            f"{path} has the SHA-256 {found}, but `sha256` in data.ncar says {sha256}. "
            "The file is damaged, or it is another one."
        )


def unpack(
    archive: str | os.PathLike[str], folder: str | os.PathLike[str], files: Collection[str]
) -> None:
    """Take `files` (base names) out of a gzip-compressed tar archive and put them into `folder`.

    The archive is read once, to its end, so that its check sum is verified. Nothing in it is
    trusted: of a member only the content is used, under a name that `files` gives. The files
    appear in `folder` when all of them are there; after an error none does. Other files of the
    archive are named in the log and left out.

    Raises `UserError` where the archive is damaged, lacks some of `files`, holds one of them
    twice, or has a member that no honest archive of run files has: an absolute name, a name with
    `..`, a link, a device, or a file too large for the disk.
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
            f"{archive} is damaged or no tar.gz archive ({error}). Nothing was unpacked. "
            "Delete it and fetch it again."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _receive(url: str, part: Path, size: int | None, timeout: float, log_every: float) -> None:
    """One try: append to `part` what it lacks, or write it anew where that cannot be done."""
    etag_file = _etag_file(part)
    etag = etag_file.read_text(encoding="utf-8") if etag_file.exists() else ""
    have = _length(part) if etag else 0
    # A coded transfer would count its bytes otherwise than the stored file does.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": etag}
    with requests.get(url, headers=headers, stream=True, timeout=timeout) as response:
        status = response.status_code
        if status in _PASSING_STATUS:
            response.raise_for_status()
        if status != 200 and not (have and status in (206, 416)):
            raise UserError(
                f"{_public(url)}: the server answered {status} {response.reason}. Check `url` in "
                "data.ncar, or fetch the archive by other means and give its path as `file`."
            )
        start, total = _span(response)
        if status != 200 and (start != have or response.headers.get("ETag", etag) != etag):
            etag_file.unlink()
            raise requests.HTTPError(
                f"the file does not go on from the first {have} bytes, which are given up"
            )
        if status == 416:  # the earlier job ended between the last byte and the move
            return
        if total is not None:
            _check_total(url, part.parent, start, total, size)
        with open(part, "ab" if start else "wb") as stream:
            if not start:
                _keep_etag(response.headers.get("ETag", ""), etag_file)
            stream.writelines(_with_progress(response, part.stem, start, total, log_every))
    if total is not None and _length(part) != total:
        raise requests.HTTPError(f"the transfer ended after {_length(part)} of {total} bytes")


def _span(response: requests.Response) -> tuple[int, int | None]:
    """Where in the file the body starts (-1: unclear), and how many bytes the file has."""
    if response.status_code == 200:
        length = response.headers.get("Content-Length")
        return 0, None if length is None else int(length)
    span = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if span is None:
        return -1, None
    return int(span["start"] or span["total"]), int(span["total"])


def _check_total(url: str, folder: Path, start: int, total: int, size: int | None) -> None:
    """Refuse, before its first byte, a transfer that cannot end well."""
    if size is not None and total != size:
        raise UserError(
            f"{_public(url)}: the server's file has {total} bytes, but `bytes` in data.ncar says "
            f"{size}. It is another file: check `url` and `bytes`."
        )
    free = shutil.disk_usage(folder).free
    if total - start > free:
        raise UserError(
            f"{_public(url)}: {total - start} bytes are still to come, but {folder} has room for "
            f"{free}. Free some space, or fetch the archive to another disk and give its path as "
            "`file`."
        )


def _with_progress(
    response: requests.Response, name: str, start: int, total: int | None, log_every: float
) -> Iterator[bytes]:
    """The body of `response` in pieces; the log and the terminal are told how far it is."""
    with (
        _terminal() as screen,
        tqdm(desc=name, initial=start, total=total, unit="B", unit_scale=True, file=screen) as bar,
    ):
        logger.info("%s", str(bar))
        logged = time.monotonic()
        for chunk in response.iter_content(_CHUNK):
            yield chunk
            bar.update(len(chunk))
            if time.monotonic() - logged >= log_every:
                logged = time.monotonic()
                logger.info("%s", str(bar))
        logger.info("%s", str(bar))


def _terminal() -> TextIO:
    """The terminal the user sits at, although a job's output goes to its log."""
    try:
        return open("/dev/tty", "w", encoding="utf-8")
    except OSError:
        return open(os.devnull, "w", encoding="utf-8")


def _public(text: object) -> str:
    """Text with what may be secret left out of the addresses in it."""
    return re.sub(r"\?[^\s'\")]+", "?...", re.sub(r"//[^/\s]+@", "//", str(text)))


def _etag_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


def _keep_etag(etag: str, etag_file: Path) -> None:
    """Keep a strong ETag for later tries; a weak one does not promise equal bytes."""
    if etag.startswith('"'):
        write_text(etag, etag_file)
    else:
        etag_file.unlink(missing_ok=True)


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _extract(archive: str | os.PathLike[str], staging: Path, files: Collection[str]) -> None:
    """Write the contents of all `files` into `staging`."""
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
                    shutil.copyfileobj(content, target, _CHUNK)
                logger.info("%s: %d bytes, %d files to go", name, member.size, len(missing))
        while stream.read(_CHUNK):
            pass  # gzip's check sum comes last, behind the end of the tar archive
    if missing:
        raise UserError(
            f"{archive} lacks {len(missing)} of the {len(files)} files of the run list: "
            f"{_few(sorted(missing))}. Nothing was unpacked. Take them out of the list, or fetch "
            "an archive that has them."
        )
    if others:
        logger.warning("%s: left out, not in the run list: %s", archive, _few(others))


def _check_member(archive: str | os.PathLike[str], member: tarfile.TarInfo, staging: Path) -> None:
    """Raise `UserError` for a member that would not be in an honest archive of run files."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        fault = "has a name that points outside of the folder"
    elif not (member.isfile() or member.isdir()):
        fault = "is a link, a device or the like"
    elif not 0 <= member.size <= shutil.disk_usage(staging).free:
        fault = f"claims to have {member.size} bytes, which do not fit on the disk"
    else:
        return
    raise UserError(f"{archive}: the member {member.name!r} {fault}. {_DISTRUST}")


def _few(names: Sequence[str]) -> str:
    """The first three names, and how many more there are."""
    shown = ", ".join(repr(name) for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
