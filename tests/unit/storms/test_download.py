"""Downloading an archive: resuming, retrying, checking, and protecting secrets."""

from __future__ import annotations

import hashlib
import logging
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from archive_server import ArchiveServer

from stormcnn.errors import UserError
from stormcnn.storms.archive_check import check_archive
from stormcnn.storms.download import download
from stormcnn.storms.transfer import SafeSession

# Long enough to be received in several chunks.
CONTENT = random.Random(1).randbytes(1_000_000)
OTHER_CONTENT = random.Random(2).randbytes(1_000_000)
PATH = "/archive.tar.gz"


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    with ArchiveServer({PATH: CONTENT}) as running:
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "archives" / "archive.tar.gz"


@pytest.fixture
def part(target: Path) -> Path:
    return target.with_name("archive.tar.gz.part")


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.01)


def start_of(requested: str) -> int:
    """Return the first byte of a `Range` header such as `bytes=300-`."""
    return int(requested.removeprefix("bytes=").removesuffix("-"))


def test_download_leaves_only_the_file(server: ArchiveServer, target: Path) -> None:
    download(server.url + PATH, target, size=len(CONTENT), sha256=sha(CONTENT))
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["archive.tar.gz"]


def test_download_without_content_length_is_complete(server: ArchiveServer, target: Path) -> None:
    server.chunked = True
    download(server.url + PATH, target)
    assert target.read_bytes() == CONTENT


def test_archive_is_not_decompressed(server: ArchiveServer, target: Path) -> None:
    server.compresses = True
    download(server.url + PATH, target, delays=())
    assert target.read_bytes() == CONTENT


def test_interrupted_transfer_is_resumed(server: ArchiveServer, target: Path) -> None:
    server.break_after = [400_000, 300_000]
    download(server.url + PATH, target, delays=(0, 0))
    assert target.read_bytes() == CONTENT
    first, second, third = server.ranges()
    assert first == ""
    assert 300_000 < start_of(second) <= 400_000
    assert 500_000 < start_of(third) <= 700_000


def test_shortened_range_is_resumed(server: ArchiveServer, target: Path) -> None:
    server.break_after = [400_000]
    server.longest_range = 250_000
    download(server.url + PATH, target, delays=(0, 0, 0))
    assert target.read_bytes() == CONTENT
    assert len(server.requests) == 4


def test_download_is_resumed_after_a_kill(server: ArchiveServer, target: Path, part: Path) -> None:
    server.stall_after = 400_000
    code = "import sys; from stormcnn.storms.download import download; download(*sys.argv[1:])"
    job = subprocess.Popen([sys.executable, "-c", code, server.url + PATH, str(target)])
    wait_until(lambda: part.exists() and part.stat().st_size >= 300_000)
    job.send_signal(signal.SIGKILL)
    job.wait(10)
    assert not target.exists()
    kept = part.stat().st_size

    download(server.url + PATH, target)
    assert target.read_bytes() == CONTENT
    assert server.ranges() == ["", f"bytes={kept}-"]


def test_job_killed_after_the_last_byte_downloads_nothing_again(
    server: ArchiveServer, target: Path, part: Path
) -> None:
    server.break_after = [400_000]
    with pytest.raises(UserError, match=PATH):
        download(server.url + PATH, target, delays=())
    part.write_bytes(CONTENT)
    download(server.url + PATH, target, delays=())
    assert target.read_bytes() == CONTENT
    assert server.ranges() == ["", f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize(("honours_if_range", "requests"), [(True, 2), (False, 3)])
def test_file_that_changes_on_the_server_is_not_spliced(
    server: ArchiveServer, target: Path, honours_if_range: bool, requests: int
) -> None:
    server.break_after = [400_000]
    server.later = {PATH: OTHER_CONTENT}
    server.honours_if_range = honours_if_range
    download(server.url + PATH, target, delays=(0, 0))
    assert target.read_bytes() == OTHER_CONTENT
    assert len(server.requests) == requests


def test_range_with_another_start_is_not_appended(server: ArchiveServer, target: Path) -> None:
    server.break_after = [400_000]
    server.range_shift = 100
    download(server.url + PATH, target, delays=(0, 0))
    assert target.read_bytes() == CONTENT
    assert len(server.requests) == 3


def test_file_that_became_shorter_on_the_server_is_downloaded_again(
    server: ArchiveServer, target: Path
) -> None:
    server.break_after = [400_000]
    server.later = {PATH: OTHER_CONTENT[:1000]}
    server.honours_if_range = False
    download(server.url + PATH, target, delays=(0, 0))
    assert target.read_bytes() == OTHER_CONTENT[:1000]


@pytest.mark.parametrize("etag", ["weak", "none"])
def test_whole_file_is_requested_again_without_a_strong_etag(
    server: ArchiveServer, target: Path, etag: str
) -> None:
    server.etag = etag
    server.break_after = [400_000]
    server.later = {PATH: OTHER_CONTENT}
    download(server.url + PATH, target, delays=(0,))
    assert target.read_bytes() == OTHER_CONTENT
    assert server.ranges() == ["", ""]


def test_server_without_range_requests_sends_the_whole_file(
    server: ArchiveServer, target: Path
) -> None:
    server.honours_range = False
    server.break_after = [400_000]
    download(server.url + PATH, target, delays=(0,))
    assert target.read_bytes() == CONTENT
    assert server.ranges()[1] != ""


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_transient_status_is_retried(server: ArchiveServer, target: Path, status: int) -> None:
    server.statuses = [status, status]
    download(server.url + PATH, target, delays=(0, 0))
    assert target.read_bytes() == CONTENT
    assert len(server.requests) == 3


def test_error_during_a_resumed_transfer_keeps_the_received_bytes(
    server: ArchiveServer, target: Path, part: Path
) -> None:
    server.break_after = [400_000]
    with pytest.raises(UserError, match=re.escape(str(part))):
        download(server.url + PATH, target, delays=())
    kept = part.stat().st_size
    server.statuses = [500]
    download(server.url + PATH, target, delays=(0,))
    assert target.read_bytes() == CONTENT
    assert server.ranges() == ["", f"bytes={kept}-", f"bytes={kept}-"]


def test_each_retry_waits_for_its_delay(
    server: ArchiveServer, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.statuses = [500, 500, 500]
    start = time.monotonic()
    download(server.url + PATH, target, delays=(0.02, 0.04, 0.08))
    assert time.monotonic() - start >= 0.14
    logged = re.findall(r"in (0\.\d+) s", caplog.text)
    assert logged == ["0.02", "0.04", "0.08"]


def test_last_error_is_named_after_the_last_retry(server: ArchiveServer, target: Path) -> None:
    server.statuses = [500] * 9
    with pytest.raises(UserError, match=r"\b3\b.* 500 .*data\.ncar"):
        download(server.url + PATH, target, delays=(0, 0))
    assert len(server.requests) == 3
    assert not target.exists()


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_permanent_status_is_not_retried(server: ArchiveServer, target: Path, status: int) -> None:
    server.statuses = [status]
    with pytest.raises(UserError, match=f"{PATH}.* {status} .*`url`"):
        download(server.url + PATH, target, delays=(0, 0))
    assert len(server.requests) == 1
    assert list(target.parent.iterdir()) == []


def test_stalled_transfer_is_resumed_after_the_timeout(server: ArchiveServer, target: Path) -> None:
    server.stall_after = 400_000
    download(server.url + PATH, target, delays=(0,), timeout=0.2)
    assert target.read_bytes() == CONTENT
    assert start_of(server.ranges()[1]) > 300_000


def test_unreachable_server_is_named(target: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/archive.tar.gz"
        with pytest.raises(UserError, match=url):
            download(url, target, delays=(0,))


def test_unsupported_url_is_named(target: Path) -> None:
    with pytest.raises(UserError, match=r"gopher://a/b.*`url` in data\.ncar"):
        download("gopher://a/b", target)


@pytest.mark.parametrize(
    "fault",
    [
        {"statuses": [503, 503]},
        {"statuses": [404]},
        {"break_after": [9, 9]},
        {"extra_length": 10**15},
        {"files": {}},
        {},
    ],
)
def test_secrets_in_a_url_are_neither_logged_nor_in_errors(
    server: ArchiveServer, target: Path, caplog: pytest.LogCaptureFixture, fault: dict[str, Any]
) -> None:
    server.files = {f"{PATH}?token=to-ken": CONTENT}
    for name, value in fault.items():
        setattr(server, name, value)
    url = f"{server.url.replace('//', '//user-name:pass-word@')}{PATH}?token=to-ken"
    with (
        caplog.at_level(logging.DEBUG, "stormcnn"),
        pytest.raises(
            UserError, match=re.escape(f"{server.url.replace('//', '//***@')}{PATH}?***")
        ) as error,
    ):
        download(url, target, sha256="0" * 64, delays=[0], timeout=1)
    for text in (caplog.text, str(error.value)):
        assert not re.search("user-name|pass-word|to-ken", text)


def test_secrets_in_a_proxy_url_are_neither_logged_nor_in_errors(
    target: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("http_proxy", f"http://user-name:pass-word@127.0.0.1:{port}")
    with (
        caplog.at_level(logging.DEBUG, "stormcnn"),
        pytest.raises(UserError, match="roxy") as error,
    ):
        download("http://example.invalid/archive.tar.gz", target, delays=[0], timeout=1)
    assert not re.search("user-name|pass-word", caplog.text + str(error.value))


def test_body_shorter_than_its_content_length_is_an_error(
    server: ArchiveServer, target: Path, part: Path
) -> None:
    server.extra_length = 1000
    server.honours_range = False
    with pytest.raises(UserError, match=PATH):
        download(server.url + PATH, target, delays=(0,))
    assert not target.exists()


def test_wrong_size_is_refused_before_the_transfer(
    server: ArchiveServer, target: Path, part: Path
) -> None:
    with pytest.raises(UserError, match=r"\b1000000\b.*`bytes` in data\.ncar.*\b999\b"):
        download(server.url + PATH, target, size=999)
    assert not part.exists()
    assert len(server.requests) == 1


def test_wrong_size_without_content_length_is_refused_and_not_kept(
    server: ArchiveServer, target: Path, part: Path
) -> None:
    server.chunked = True
    with pytest.raises(UserError, match=r"\b1000000\b.*\b1000001\b"):
        download(server.url + PATH, target, size=1_000_001)
    assert list(target.parent.iterdir()) == []


def test_wrong_checksum_is_refused_and_not_kept(server: ArchiveServer, target: Path) -> None:
    with pytest.raises(UserError, match=f"{sha(CONTENT)}.*{sha(OTHER_CONTENT)}"):
        download(server.url + PATH, target, sha256=sha(OTHER_CONTENT))
    assert not target.exists()
    server.files[PATH] = OTHER_CONTENT
    download(server.url + PATH, target, sha256=sha(OTHER_CONTENT))
    assert server.ranges() == ["", ""]


def test_file_too_large_for_the_disk_is_refused_before_the_transfer(
    server: ArchiveServer, target: Path
) -> None:
    server.extra_length = 10**18
    with pytest.raises(UserError, match=rf"\b{10**18 + len(CONTENT)}\b.* free"):
        download(server.url + PATH, target, delays=())
    assert list(target.parent.iterdir()) == []


def test_side_file_repairs_itself(server: ArchiveServer, target: Path, part: Path) -> None:
    for content in (b"\xff\xfe", b"", b'"a"\nmany', b'"\r\nX: y"\n9', b'"' + b"a" * 10**6 + b'"'):
        part.parent.mkdir(exist_ok=True)
        part.write_bytes(OTHER_CONTENT[:1000])
        part.with_name(f"{part.name}.etag").write_bytes(content)
        download(server.url + PATH, target, delays=())
        assert target.read_bytes() == CONTENT
    assert server.ranges() == [""] * 5


def test_folder_in_the_place_of_the_partial_file_is_named(
    server: ArchiveServer, target: Path, part: Path
) -> None:
    part.mkdir(parents=True)
    with pytest.raises(UserError, match=re.escape(str(part))):
        download(server.url + PATH, target, delays=())


def test_partial_file_that_is_a_link_does_not_change_another_file(
    server: ArchiveServer, target: Path, part: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").write_bytes(b"mine")
    part.parent.mkdir()
    part.symlink_to(tmp_path / "other")
    download(server.url + PATH, target, delays=())
    assert (tmp_path / "other").read_bytes() == b"mine"
    assert not target.is_symlink()


def test_part_of_a_file_with_another_size_is_discarded(
    server: ArchiveServer, target: Path, part: Path
) -> None:
    server.break_after = [400_000]
    server.later = {PATH: CONTENT + b"more"}
    server.headers = {"ETag": '"same"'}
    server.honours_if_range = False
    download(server.url + PATH, target, delays=(0, 0))
    assert target.read_bytes() == CONTENT + b"more"
    assert server.ranges()[2] == ""


def test_download_stops_at_the_expected_size(
    server: ArchiveServer, target: Path, part: Path
) -> None:
    server.chunked = True
    with pytest.raises(UserError, match=r"`bytes` in data\.ncar.*\b999\b"):
        download(server.url + PATH, target, size=999, delays=())
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("chunked", [True, False])
def test_download_of_unknown_size_is_limited(
    server: ArchiveServer, target: Path, chunked: bool
) -> None:
    server.chunked = chunked
    with pytest.raises(UserError, match=r"999.*`bytes`"):
        download(server.url + PATH, target, largest=999, delays=())
    assert list(target.parent.iterdir()) == []


def test_slow_transfer_is_tried_again(server: ArchiveServer, target: Path) -> None:
    server.drips = 0.02
    download(server.url + PATH, target, delays=(0,), timeout=0.5)
    assert target.read_bytes() == CONTENT
    assert len(server.requests) == 2


@pytest.mark.slow
def test_slow_headers_are_not_awaited(server: ArchiveServer, target: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as slow:

        def drip() -> None:
            with suppress(OSError):
                connection, _ = slow.accept()
                while True:
                    connection.sendall(b"H")
                    time.sleep(0.05)

        threading.Thread(target=drip, daemon=True).start()
        start = time.monotonic()
        with pytest.raises(UserError, match="did not answer"):
            download(f"http://127.0.0.1:{slow.getsockname()[1]}/a", target, delays=(), timeout=0.3)
        assert time.monotonic() - start < 5


def test_download_ends_after_an_overall_time(server: ArchiveServer, target: Path) -> None:
    server.drips = 0.01
    with pytest.raises(UserError, match=r"too long.* the next run resumes"):
        download(server.url + PATH, target, longest=0.3, least_rate=1)
    assert len(server.requests) == 1


def test_redirect_to_an_unencrypted_connection_is_refused() -> None:
    response = requests.Response()
    response.url, response.status_code = "https://example.org/a?token=mar-ker", 302
    for location in ("http://example.org/a", "HTTP://example.org/b"):
        response.headers["Location"] = location
        with pytest.raises(UserError, match="encryption") as error:
            SafeSession().get_redirect_target(response)
        assert "mar-ker" not in str(error.value)
    response.headers["Location"] = "/b"
    assert SafeSession().get_redirect_target(response) == "/b"


def test_redirect_is_followed(server: ArchiveServer, target: Path) -> None:
    server.redirects = [PATH]
    download(server.url + PATH, target, delays=())
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/a", "http://["])
def test_redirect_to_something_else_is_refused(
    server: ArchiveServer, target: Path, location: str
) -> None:
    server.redirects = [location]
    with pytest.raises(UserError, match=PATH):
        download(server.url + PATH, target, delays=())


def test_secret_of_a_redirect_is_not_shown(
    server: ArchiveServer, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    server.redirects = [f"http://ann:mar-ker@127.0.0.1:{port}/a?token=mar-ker"] * 2
    with caplog.at_level(logging.DEBUG, "stormcnn"), pytest.raises(UserError) as error:
        download(server.url + PATH, target, delays=(0,))
    assert "mar-ker" not in caplog.text + str(error.value)


def test_encoding_that_was_not_requested_is_refused(server: ArchiveServer, target: Path) -> None:
    server.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(UserError, match="gzip"):
        download(server.url + PATH, target, delays=())


@pytest.mark.parametrize("length", ["many", "-1", "1e3", "9" * 30, "5, 6"])
def test_invalid_length_is_an_error(server: ArchiveServer, target: Path, length: str) -> None:
    server.headers = {"Content-Length": length}
    with pytest.raises(UserError, match=PATH):
        download(server.url + PATH, target, delays=())
    assert not target.exists()


def test_control_characters_of_the_server_are_not_shown(
    server: ArchiveServer, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.reason = "\x1b[2J" + "long" * 1000
    server.headers = {"Content-Encoding": "\x1b]0;title"}
    for status in ([500, 500], [404], []):
        server.statuses = list(status)
        with caplog.at_level(logging.DEBUG, "stormcnn"), pytest.raises(UserError) as error:
            download(server.url + PATH, target, delays=(0,))
        assert str(error.value).isprintable()
        assert len(str(error.value)) < 2000
    assert "\x1b" not in caplog.text


def test_progress_is_logged(
    server: ArchiveServer, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    download(server.url + PATH, target, log_every=0)
    lines = [line for line in caplog.messages if line.startswith("archive.tar.gz:")]
    assert "0%" in lines[0]
    assert any(re.search(r" [2-7]\d%", line) for line in lines)
    assert "100%" in lines[-1]


def test_progress_is_logged_only_at_intervals(
    server: ArchiveServer, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "stormcnn")
    download(server.url + PATH, target)
    assert len(caplog.messages) == 2


# An archive on disk


def write_archive(folder: Path) -> Path:
    path = folder / "a.tar.gz"
    path.write_bytes(CONTENT)
    return path


def test_valid_archive_is_accepted(tmp_path: Path) -> None:
    path = write_archive(tmp_path)
    check_archive(path)
    check_archive(path, size=len(CONTENT), sha256=sha(CONTENT).upper())


def test_archive_with_wrong_size_or_checksum_is_named(tmp_path: Path) -> None:
    path = write_archive(tmp_path)
    with pytest.raises(UserError, match=rf"{re.escape(str(path))}.*\b1000000\b.*\b1000001\b"):
        check_archive(path, size=len(CONTENT) + 1)
    with pytest.raises(
        UserError, match=rf"{re.escape(str(path))}.*{sha(CONTENT)}.*{sha(OTHER_CONTENT)}"
    ):
        check_archive(path, sha256=sha(OTHER_CONTENT))


def test_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.tar\.gz.*`file`"):
        check_archive(tmp_path / "none.tar.gz")
