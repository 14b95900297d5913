"""Download an archive of run files, resuming after interruptions."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path

import requests
import urllib3

from stormcnn.addresses import hide_secrets, without_secrets
from stormcnn.errors import UserError
from stormcnn.io import replacing
from stormcnn.storms.archive_check import check_archive
from stormcnn.storms.transfer import Limits, bytes_in, discard, receive, side_file
from stormcnn.texts import printable
from stormcnn.vocabulary import StrPath

RETRY_DELAYS = (1, 2, 4, 8, 16, 32, 60, 60, 60)
"""Seconds to wait before each retry."""

LARGEST = 20_000_000_000
"""Most bytes of a file whose size is not known beforehand."""

LONGEST = 24 * 3600.0
"""Seconds after which no further attempt is made."""

_TRANSIENT_ERRORS = (
    requests.ConnectionError,
    requests.Timeout,
    requests.HTTPError,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.HTTPError,
)

logger = logging.getLogger(__name__)


def download(
    url: str,
    path: StrPath,
    *,
    size: int | None = None,
    sha256: str | None = None,
    delays: Sequence[float] = RETRY_DELAYS,
    timeout: float = 60.0,
    least_rate: float = 1000.0,
    longest: float = LONGEST,
    largest: int = LARGEST,
    log_every: float = 30.0,
) -> None:
    """Download `url` to `path`, resuming an earlier download, also that of a killed job.

    The bytes received so far are in `<path>.part`, the ETag of the server and the size of the file
    next to it. The rest is requested with `Range` and `If-Range` (RFC 9110, sections 13.1.5 and
    14.2), so a file that has changed on the server is downloaded again instead of being spliced.
    Without a strong ETag the whole file is requested each time. The file is moved to `path` only if
    it has the expected `size` in bytes and `sha256`, if these are given. Without `size`, no more
    than `largest` bytes are received.

    Transient errors (no connection, an interrupted transfer, no data for `timeout` seconds or fewer
    than `least_rate` bytes per second over that time, status 408, 429 or 5xx) are retried after
    each of `delays` (s), until `longest` seconds have passed. Any other status is final. The log
    has a line on the progress every `log_every` seconds; a terminal shows a progress bar.

    Possible secrets in a URL (user name, password, parameters, query, fragment) are neither logged
    nor part of errors, nor are control characters from the server.

    Raises `UserError` if the file cannot be downloaded, does not fit on the disk, has another size
    or checksum, or if the server redirects from https to http.
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    part = final.with_name(f"{final.name}.part")
    if part.is_dir() or side_file(part).is_dir():
        raise UserError(f"{part}: a folder has the name of the partial download. Remove it.")
    shown = without_secrets(url)
    deadline = time.monotonic() + longest
    limits = Limits(size, largest, timeout, least_rate, deadline)

    def cause(error: Exception) -> str:
        return printable(hide_secrets(str(error), [url]), longest=500)

    for attempt, delay in enumerate((*delays, None), start=1):
        try:
            receive(url, part, limits, log_every)
            break
        except _TRANSIENT_ERRORS as error:
            if delay is None or time.monotonic() + delay > deadline:
                raise UserError(
                    f"{shown}: the download failed {attempt} times in "
                    f"{time.monotonic() - deadline + longest:.0f} s, the last time with: "
                    f"{cause(error)}. {part} holds {bytes_in(part)} bytes, from which the next run "
                    "resumes. Check the connection, or download the archive in another way and "
                    "set `file` in data.ncar to its path."
                ) from error
            logger.warning("%s: %s. Retrying in %g s.", shown, cause(error), delay)
            time.sleep(delay)
        except requests.RequestException as error:
            raise UserError(f"{shown}: {cause(error)}. Check `url` in data.ncar.") from error
    try:
        check_archive(part, size=size, sha256=sha256)
    except UserError as error:
        discard(part)
        raise UserError(f"{shown}: the downloaded file was deleted. {error}") from None
    with replacing(final) as temporary:
        os.replace(part, temporary)
    discard(part)
