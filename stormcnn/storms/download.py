"""Download an archive of run files, resuming after interruptions."""

from __future__ import annotations

import logging
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

import requests
from tqdm import tqdm

from stormcnn.errors import UserError
from stormcnn.io import write_text
from stormcnn.storms.archive_check import check_archive
from stormcnn.vocabulary import StrPath

RETRY_DELAYS = (1, 2, 4, 8, 16, 32, 60, 60, 60)
"""Seconds to wait before each retry."""

_CHUNK_BYTES = 1 << 16
_TRANSIENT_STATUS = {408, 429, *range(500, 600)}
_TRANSIENT_ERRORS = (
    requests.ConnectionError,
    requests.Timeout,
    requests.HTTPError,
    requests.exceptions.ChunkedEncodingError,
)
_CONTENT_RANGE = re.compile(r"bytes (?:(?P<start>\d+)-\d+|\*)/(?P<total>\d+)")

logger = logging.getLogger(__name__)


def download(
    url: str,
    path: StrPath,
    *,
    size: int | None = None,
    sha256: str | None = None,
    delays: Sequence[float] = RETRY_DELAYS,
    timeout: float = 60.0,
    log_every: float = 30.0,
) -> None:
    """Download `url` to `path`, resuming an earlier download, also that of a killed job.

    The bytes received so far are in `<path>.part`, the ETag of the server next to it. The rest is
    requested with `Range` and `If-Range` (RFC 9110, sections 13.1.5 and 14.2), so a file that has
    changed on the server is downloaded again instead of being spliced. Without a strong ETag the
    whole file is requested each time. The file is moved to `path` only if it has the expected
    `size` in bytes and `sha256`, if these are given.

    Transient errors (no connection, an interrupted transfer, no data for `timeout` seconds, status
    408, 429 or 5xx) are retried after each of `delays` (s). Any other status is final. The log has
    a line on the progress every `log_every` seconds; a terminal shows a progress bar.

    Possible secrets in a URL (user name, password, query) are neither logged nor part of errors.

    Raises `UserError` if the file cannot be downloaded, does not fit on the disk, or has another
    size or checksum.
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    part = final.with_name(f"{final.name}.part")
    shown = _without_secrets(url)
    for delay in (*delays, None):
        try:
            _receive(url, part, size, timeout, log_every)
            break
        except _TRANSIENT_ERRORS as error:
            if delay is None:
                raise UserError(
                    f"{shown}: the download failed {len(delays) + 1} times, the last time with: "
                    f"{_without_secrets(error)}. {part} holds {_bytes_in(part)} bytes, from which "
                    "the next run resumes. Check the connection, or download the archive in "
                    "another way and set `file` in data.ncar to its path."
                ) from error
            logger.warning("%s: %s. Retrying in %g s.", shown, _without_secrets(error), delay)
            time.sleep(delay)
        except requests.RequestException as error:
            raise UserError(
                f"{shown}: {_without_secrets(error)}. Check `url` in data.ncar."
            ) from error
    try:
        check_archive(part, size=size, sha256=sha256)
    except UserError as error:
        part.unlink()
        _etag_file(part).unlink(missing_ok=True)
        raise UserError(f"{shown}: the downloaded file was deleted. {error}") from None
    os.replace(part, final)
    _etag_file(part).unlink(missing_ok=True)


def _receive(url: str, part: Path, size: int | None, timeout: float, log_every: float) -> None:
    """Request the missing bytes once and append them to `part`, or start again if necessary."""
    etag_file = _etag_file(part)
    etag = etag_file.read_text(encoding="utf-8") if etag_file.exists() else ""
    received = _bytes_in(part) if etag else 0
    # The ranges of a compressed transfer would not count the bytes of the stored file.
    headers = {"Accept-Encoding": "identity"}
    if received:
        headers |= {"Range": f"bytes={received}-", "If-Range": etag}
    with requests.get(url, headers=headers, stream=True, timeout=timeout) as response:
        status = response.status_code
        if status in _TRANSIENT_STATUS:
            response.raise_for_status()
        if status != 200 and not (received and status in (206, 416)):
            raise UserError(
                f"{_without_secrets(url)}: the server answered {status} {response.reason}. Check "
                "`url` in data.ncar, or download the archive in another way and set `file` to its "
                "path."
            )
        start, total = _span(response)
        if status != 200 and (start != received or response.headers.get("ETag", etag) != etag):
            etag_file.unlink()
            raise requests.HTTPError(
                f"the file does not continue after the first {received} bytes, which are discarded"
            )
        if status == 416:  # an earlier job was killed after the last byte
            return
        if total is not None:
            _check_total(url, part.parent, start, total, size)
        with open(part, "ab" if start else "wb") as stream:
            if not start:
                _write_etag(response.headers.get("ETag", ""), etag_file)
            stream.writelines(_with_progress(response, part.stem, start, total, log_every))
    if total is not None and _bytes_in(part) != total:
        raise requests.HTTPError(f"the transfer ended after {_bytes_in(part)} of {total} bytes")


def _span(response: requests.Response) -> tuple[int, int | None]:
    """Return where in the file the body starts (-1 if unknown), and the size of the file."""
    if response.status_code == 200:
        length = response.headers.get("Content-Length")
        return 0, None if length is None else int(length)
    span = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if span is None:
        return -1, None
    return int(span["start"] or span["total"]), int(span["total"])


def _check_total(url: str, folder: Path, start: int, total: int, size: int | None) -> None:
    """Raise `UserError` before the transfer if its size is wrong or does not fit on the disk."""
    if size is not None and total != size:
        raise UserError(
            f"{_without_secrets(url)}: the file on the server has {total} bytes, but `bytes` in "
            f"data.ncar is {size}. Check `url` and `bytes`."
        )
    free = shutil.disk_usage(folder).free
    if total - start > free:
        raise UserError(
            f"{_without_secrets(url)}: {total - start} bytes remain to be downloaded, but {folder} "
            f"has only {free} bytes free. Free some space, or download the archive to another disk "
            "and set `file` in data.ncar to its path."
        )


def _with_progress(
    response: requests.Response, name: str, start: int, total: int | None, log_every: float
) -> Iterator[bytes]:
    """Yield the body of `response` in chunks and show the progress in the log and the terminal."""
    with (
        _terminal() as screen,
        tqdm(desc=name, initial=start, total=total, unit="B", unit_scale=True, file=screen) as bar,
    ):
        logger.info("%s", str(bar))
        logged = time.monotonic()
        for chunk in response.iter_content(_CHUNK_BYTES):
            yield chunk
            bar.update(len(chunk))
            if time.monotonic() - logged >= log_every:
                logged = time.monotonic()
                logger.info("%s", str(bar))
        logger.info("%s", str(bar))


def _terminal() -> TextIO:
    """Open the user's terminal, since the output of a job goes to its log."""
    try:
        return open("/dev/tty", "w", encoding="utf-8")
    except OSError:
        return open(os.devnull, "w", encoding="utf-8")


def _without_secrets(text: object) -> str:
    """Return text without the credentials and queries of the URLs in it."""
    return re.sub(r"\?[^\s'\")]+", "?...", re.sub(r"//[^/\s]+@", "//", str(text)))


def _etag_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


def _write_etag(etag: str, etag_file: Path) -> None:
    """Write a strong ETag for later requests; a weak one does not guarantee equal bytes."""
    if etag.startswith('"'):
        write_text(etag, etag_file)
    else:
        etag_file.unlink(missing_ok=True)


def _bytes_in(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
