"""Transfer the missing bytes of a file over HTTP, without trusting the server."""

from __future__ import annotations

import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO
from urllib.parse import urljoin

import requests
import urllib3
from tqdm import tqdm

from stormcnn.addresses import without_secrets
from stormcnn.errors import UserError
from stormcnn.io import write_text
from stormcnn.texts import printable

_CHUNK_BYTES = 1 << 16
_TRANSIENT_STATUS = {408, 429, *range(500, 600)}
_LENGTH = re.compile(r"[0-9]{1,19}")
_CONTENT_RANGE = re.compile(
    r"bytes (?:(?P<start>[0-9]{1,18})-[0-9]{1,18}|\*)/(?P<total>[0-9]{1,18})"
)
# Only a strong ETag guarantees equal bytes. It becomes part of a request.
_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e]{1,200}"')

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """What a transfer may take.

    `size` is the expected number of bytes or None; then a file may have `largest` bytes. A transfer
    fails if nothing arrives for `timeout` seconds, or less than `least_rate` bytes per second on
    average over that time, or when the monotonic clock shows `deadline`.
    """

    size: int | None
    largest: int
    timeout: float
    least_rate: float
    deadline: float


def receive(url: str, part: Path, limits: Limits, log_every: float) -> None:
    """Request the missing bytes once and append them to `part`, or start again if necessary.

    Raises `UserError` if another request would fail as well, and an exception of requests or
    urllib3 otherwise.
    """
    etag, known_total = _read_side_file(part)
    received = bytes_in(part) if etag else 0
    # The ranges of a compressed transfer would not count the bytes of the stored file.
    headers = {"Accept-Encoding": "identity"}
    if received:
        headers |= {"Range": f"bytes={received}-", "If-Range": etag}
    with _request(url, headers, limits.timeout) as response:
        status = response.status_code
        if status in _TRANSIENT_STATUS:
            raise requests.HTTPError(f"the server answered {_status_of(response)}")
        if status != 200 and not (received and status in (206, 416)):
            raise UserError(
                f"{without_secrets(url)}: the server answered {_status_of(response)}. Check `url` "
                "in data.ncar, or download the archive in another way and set `file` to its path."
            )
        _check_encoding(url, response)
        start, total = _span(response)
        if status != 200 and (
            start != received
            or known_total not in (None, total)
            or response.headers.get("ETag", etag) != etag
        ):
            side_file(part).unlink()
            raise requests.HTTPError(
                f"the file does not continue after the first {received} bytes, which are discarded"
            )
        if status == 416:  # an earlier job was killed after the last byte
            return
        _check_total(url, part.parent, start, total, limits)
        with _open_private(part, append=bool(start)) as stream:
            if not start:
                _write_side_file(part, response.headers.get("ETag", ""), total)
            for chunk in _with_progress(response, part.stem, start, total, limits, log_every):
                stream.write(chunk)
                if stream.tell() > (limits.size or limits.largest):
                    break
    if bytes_in(part) > (limits.size or limits.largest):
        discard(part)
        raise _too_large(url, f"more than {limits.size or limits.largest}", limits)
    if total is not None and bytes_in(part) != total:
        raise requests.HTTPError(f"the transfer ended after {bytes_in(part)} of {total} bytes")


def side_file(part: Path) -> Path:
    """Return the file next to `part` that identifies the file on the server."""
    return part.with_name(f"{part.name}.etag")


def bytes_in(path: Path) -> int:
    """Return the size of a file, 0 if there is none."""
    return path.stat().st_size if path.is_file() else 0


def discard(part: Path) -> None:
    """Remove what was received so far."""
    part.unlink(missing_ok=True)
    side_file(part).unlink(missing_ok=True)


class SafeSession(requests.Session):
    """Follows redirects, but not from an encrypted to an unencrypted connection."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where a response redirects to; raise `UserError` if encryption would end."""
        target = super().get_redirect_target(resp)
        if (
            target is not None
            and resp.url.lower().startswith("https:")
            and urljoin(resp.url, target).lower().startswith("http:")
        ):
            raise UserError(
                f"{without_secrets(resp.url)}: the server redirects to an address without "
                "encryption (http). Check `url` in data.ncar, or download the archive in another "
                "way and set `file` to its path."
            )
        return target


def _request(url: str, headers: Mapping[str, str], timeout: float) -> requests.Response:
    """Return the response to a request, of which the body has not been read yet.

    A server can send the headers of any number of redirects so slowly that no read times out, so
    another thread waits for them.
    """
    result: list[requests.Response | Exception] = []

    def run() -> None:
        try:
            result.append(SafeSession().get(url, headers=headers, stream=True, timeout=timeout))
        except (OSError, UserError, urllib3.exceptions.HTTPError) as error:
            result.append(error)
        except ValueError as error:  # such as a redirect to an unfinished IPv6 address
            result.append(requests.exceptions.InvalidURL(f"an address is invalid ({error})"))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(2 * timeout)
    if not result:
        raise requests.Timeout(f"the server did not answer within {2 * timeout:g} s")
    if isinstance(result[0], Exception):
        raise result[0]
    return result[0]


def _status_of(response: requests.Response) -> str:
    return f"{response.status_code} {printable(response.reason or '', longest=100)}".rstrip()


def _check_encoding(url: str, response: requests.Response) -> None:
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise UserError(
            f"{without_secrets(url)}: the server sends the file with the encoding "
            f"{printable(encoding, longest=100)}, which was not requested. Download the archive in "
            "another way and set `file` in data.ncar to its path."
        )


def _span(response: requests.Response) -> tuple[int, int | None]:
    """Return where in the file the body starts (-1 if unknown), and the size of the file."""
    if response.status_code == 200:
        length = response.headers.get("Content-Length")
        if length is not None and not _LENGTH.fullmatch(length):
            shown = printable(length, longest=100)
            raise requests.HTTPError(f"the server gave the invalid Content-Length {shown!r}")
        return 0, None if length is None else int(length)
    span = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if span is None:
        return -1, None
    return int(span["start"] or span["total"]), int(span["total"])


def _check_total(url: str, folder: Path, start: int, total: int | None, limits: Limits) -> None:
    """Raise `UserError` before the transfer if its size is wrong or does not fit on the disk."""
    if total is None:
        return
    if limits.size is not None and total != limits.size:
        raise UserError(
            f"{without_secrets(url)}: the file on the server has {total} bytes, but `bytes` in "
            f"data.ncar is {limits.size}. Check `url` and `bytes`."
        )
    free = shutil.disk_usage(folder).free
    if total - start > free:
        raise UserError(
            f"{without_secrets(url)}: {total - start} bytes remain to be downloaded, but {folder} "
            f"has only {free} bytes free. Free some space, or download the archive to another disk "
            "and set `file` in data.ncar to its path."
        )
    if limits.size is None and total > limits.largest:
        raise _too_large(url, str(total), limits)


def _too_large(url: str, amount: str, limits: Limits) -> UserError:
    if limits.size is not None:
        return UserError(
            f"{without_secrets(url)}: the server sent {amount} bytes, but `bytes` in data.ncar is "
            f"{limits.size}. They were deleted. Check `url` and `bytes`."
        )
    return UserError(
        f"{without_secrets(url)}: the file has {amount} bytes; without `bytes` in data.ncar at "
        f"most {limits.largest} are downloaded. Set `bytes` to its size if it is the right file."
    )


def _with_progress(
    response: requests.Response,
    name: str,
    start: int,
    total: int | None,
    limits: Limits,
    log_every: float,
) -> Iterator[bytes]:
    """Yield the body of `response` in chunks and show the progress in the log and the terminal."""
    with (
        _terminal() as screen,
        tqdm(desc=name, initial=start, total=total, unit="B", unit_scale=True, file=screen) as bar,
    ):
        logger.info("%s", str(bar))
        logged = window_start = time.monotonic()
        in_window = 0
        # read1 returns what has arrived. Other methods wait for a whole chunk, in spite of timeout.
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
            yield chunk
            bar.update(len(chunk))
            in_window += len(chunk)
            now = time.monotonic()
            if now - logged >= log_every:
                logged = now
                logger.info("%s", str(bar))
            if now > limits.deadline:
                raise requests.Timeout("the download took too long")
            if now - window_start >= limits.timeout:
                if in_window < limits.least_rate * (now - window_start):
                    raise requests.Timeout(
                        f"only {in_window} bytes were received in {now - window_start:.0f} s"
                    )
                window_start, in_window = now, 0
        logger.info("%s", str(bar))


def _terminal() -> TextIO:
    """Open the user's terminal, since the output of a job goes to its log."""
    try:
        return open("/dev/tty", "w", encoding="utf-8")
    except OSError:
        return open(os.devnull, "w", encoding="utf-8")


def _open_private(part: Path, *, append: bool) -> IO[bytes]:
    """Open a partial file that only this user can read, and that is no link to another file."""
    if part.is_symlink():
        part.unlink()

    def opener(path: str, flags: int) -> int:
        return os.open(path, flags | os.O_NOFOLLOW, 0o600)

    return open(part, "ab" if append else "wb", opener=opener)


def _read_side_file(part: Path) -> tuple[str, int | None]:
    """Return the ETag and size of the file that `part` begins with; empty if that is unknown."""
    with suppress(OSError, UnicodeDecodeError):
        with open(side_file(part), encoding="ascii") as stream:
            etag, _, total = stream.read(1000).partition("\n")
        if _STRONG_ETAG.fullmatch(etag) and (not total or _LENGTH.fullmatch(total)):
            return etag, int(total) if total else None
    return "", None


def _write_side_file(part: Path, etag: str, total: int | None) -> None:
    if _STRONG_ETAG.fullmatch(etag):
        write_text(f"{etag}\n{'' if total is None else total}", side_file(part))
    else:
        side_file(part).unlink(missing_ok=True)
