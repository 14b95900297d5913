from __future__ import annotations

import gzip
import hashlib
import logging
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from archive_server import ArchiveServer, make_archive
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stormcnn.errors import UserError
from stormcnn.storms.archive import check_archive, download, unpack

NAMES = [f"NCARSTORM_201{year}0524-0000_d01_model_patches.nc" for year in range(3)]
FILES = {name: bytes(random.Random(name).choices(range(16), k=10_000)) for name in NAMES}
RUNS = {f"track_data/{name}": content for name, content in FILES.items()}
FIRST = f"track_data/{NAMES[0]}"

# Long enough to be received in several pieces.
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
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def start_of(requested: str) -> int:
    """First byte asked for by a header such as `bytes=300-`."""
    return int(requested.removeprefix("bytes=").removesuffix("-"))


def write(folder: Path, content: bytes) -> Path:
    path = folder / "a.tar.gz"
    path.write_bytes(content)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def unpack_anew(archive: Path, folder: Path) -> str:
    """Unpack into an empty folder, and give the sentence that refuses it, or no text."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        unpack(archive, folder, NAMES)
    except UserError as error:
        return str(error)
    return ""


def header(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0
) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, size
    return member


def folder(name: str) -> tarfile.TarInfo:
    return header(name, tarfile.DIRTYPE)


# Download


def test_download_leaves_the_file_and_nothing_else(server: ArchiveServer, target: Path) -> None:
    download(server.url + PATH, target, size=len(CONTENT), sha256=sha(CONTENT))
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["archive.tar.gz"]


def test_download_without_a_told_length_is_whole(server: ArchiveServer, target: Path) -> None:
    server.chunked = True
    download(server.url + PATH, target)
    assert target.read_bytes() == CONTENT


def test_archive_is_stored_as_the_server_has_it(server: ArchiveServer, target: Path) -> None:
    server.compresses = True
    download(server.url + PATH, target, waits=())
    assert target.read_bytes() == CONTENT


def test_transfer_that_breaks_off_goes_on_where_it_ended(
    server: ArchiveServer, target: Path
) -> None:
    server.break_after = [400_000, 300_000]
    download(server.url + PATH, target, waits=(0, 0))
    assert target.read_bytes() == CONTENT
    first, second, third = server.ranges()
    assert first == ""
    assert 300_000 < start_of(second) <= 400_000
    assert 500_000 < start_of(third) <= 700_000


def test_range_cut_short_by_the_server_is_gone_on_with(server: ArchiveServer, target: Path) -> None:
    server.break_after = [400_000]
    server.longest_range = 250_000
    download(server.url + PATH, target, waits=(0, 0, 0))
    assert target.read_bytes() == CONTENT
    assert len(server.requests) == 4


def test_killed_job_goes_on_where_it_ended(server: ArchiveServer, target: Path, part: Path) -> None:
    server.stall_after = 400_000
    code = "import sys; from stormcnn.storms.archive import download; download(*sys.argv[1:])"
    job = subprocess.Popen([sys.executable, "-c", code, server.url + PATH, str(target)])
    wait_until(lambda: part.exists() and part.stat().st_size >= 300_000)
    job.send_signal(signal.SIGKILL)
    job.wait(10)
    assert not target.exists()
    kept = part.stat().st_size

    download(server.url + PATH, target)
    assert target.read_bytes() == CONTENT
    assert server.ranges() == ["", f"bytes={kept}-"]


def test_job_killed_between_last_byte_and_move_receives_nothing_again(
    server: ArchiveServer, target: Path, part: Path
) -> None:
    server.break_after = [400_000]
    with pytest.raises(UserError, match="1 tries"):
        download(server.url + PATH, target, waits=())
    part.write_bytes(CONTENT)
    download(server.url + PATH, target, waits=())
    assert target.read_bytes() == CONTENT
    assert server.ranges() == ["", f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize(("honours_if_range", "tries"), [(True, 2), (False, 3)])
def test_file_that_changes_on_the_server_is_not_spliced(
    server: ArchiveServer, target: Path, honours_if_range: bool, tries: int
) -> None:
    server.break_after = [400_000]
    server.later = {PATH: OTHER_CONTENT}
    server.honours_if_range = honours_if_range
    download(server.url + PATH, target, waits=(0, 0))
    assert target.read_bytes() == OTHER_CONTENT
    assert len(server.requests) == tries


def test_range_that_starts_elsewhere_is_not_appended(server: ArchiveServer, target: Path) -> None:
    server.break_after = [400_000]
    server.range_shift = 100
    download(server.url + PATH, target, waits=(0, 0))
    assert target.read_bytes() == CONTENT
    assert len(server.requests) == 3


def test_file_that_became_shorter_on_the_server_is_fetched_anew(
    server: ArchiveServer, target: Path
) -> None:
    server.break_after = [400_000]
    server.later = {PATH: OTHER_CONTENT[:1000]}
    server.honours_if_range = False
    download(server.url + PATH, target, waits=(0, 0))
    assert target.read_bytes() == OTHER_CONTENT[:1000]


@pytest.mark.parametrize("etag", ["weak", "none"])
def test_without_a_strong_etag_the_whole_file_is_asked_for_again(
    server: ArchiveServer, target: Path, etag: str
) -> None:
    server.etag = etag
    server.break_after = [400_000]
    server.later = {PATH: OTHER_CONTENT}
    download(server.url + PATH, target, waits=(0,))
    assert target.read_bytes() == OTHER_CONTENT
    assert server.ranges() == ["", ""]


def test_server_that_ignores_range_is_taken_from_the_start(
    server: ArchiveServer, target: Path
) -> None:
    server.honours_range = False
    server.break_after = [400_000]
    download(server.url + PATH, target, waits=(0,))
    assert target.read_bytes() == CONTENT
    assert server.ranges()[1] != ""


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_passing_fault_of_the_server_is_tried_again(
    server: ArchiveServer, target: Path, status: int
) -> None:
    server.statuses = [status, status]
    download(server.url + PATH, target, waits=(0, 0))
    assert target.read_bytes() == CONTENT
    assert len(server.requests) == 3


def test_fault_in_mid_transfer_does_not_lose_what_arrived(
    server: ArchiveServer, target: Path, part: Path
) -> None:
    server.break_after = [400_000]
    with pytest.raises(UserError, match="bytes are kept"):
        download(server.url + PATH, target, waits=())
    kept = part.stat().st_size
    server.statuses = [500]
    download(server.url + PATH, target, waits=(0,))
    assert target.read_bytes() == CONTENT
    assert server.ranges() == ["", f"bytes={kept}-", f"bytes={kept}-"]


def test_each_try_waits_as_long_as_asked(
    server: ArchiveServer, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.statuses = [500, 500, 500]
    start = time.monotonic()
    download(server.url + PATH, target, waits=(0.02, 0.04, 0.08))
    assert time.monotonic() - start >= 0.14
    assert [line.rsplit("again in ")[1] for line in caplog.messages if "again in" in line] == [
        "0.02 s.",
        "0.04 s.",
        "0.08 s.",
    ]


def test_error_that_stays_ends_with_a_sentence_after_the_last_try(
    server: ArchiveServer, target: Path
) -> None:
    server.statuses = [500] * 9
    with pytest.raises(UserError, match=r"not received in 3 tries.*500 Server Error.*data\.ncar"):
        download(server.url + PATH, target, waits=(0, 0))
    assert len(server.requests) == 3
    assert not target.exists()


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_status_that_does_not_pass_is_final_at_once(
    server: ArchiveServer, target: Path, status: int
) -> None:
    server.statuses = [status]
    with pytest.raises(UserError, match=f"{PATH}: the server answered {status} .*Check `url`"):
        download(server.url + PATH, target, waits=(0, 0))
    assert len(server.requests) == 1
    assert list(target.parent.iterdir()) == []


def test_server_that_says_nothing_is_given_up(server: ArchiveServer, target: Path) -> None:
    server.stall_after = 400_000
    download(server.url + PATH, target, waits=(0,), timeout=0.2)
    assert target.read_bytes() == CONTENT
    assert start_of(server.ranges()[1]) > 300_000


def test_no_server_ends_with_a_sentence(target: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/archive.tar.gz"
        with pytest.raises(UserError, match=r"not received in 2 tries.*Check the connection"):
            download(url, target, waits=(0,))


def test_address_that_is_none_is_named(target: Path) -> None:
    with pytest.raises(UserError, match=r"gopher://a/b: .*Check `url` in data\.ncar"):
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
def test_secrets_of_an_address_are_neither_logged_nor_told(
    server: ArchiveServer, target: Path, caplog: pytest.LogCaptureFixture, fault: dict[str, Any]
) -> None:
    server.files = {f"{PATH}?token=to-ken": CONTENT}
    for name, value in fault.items():
        setattr(server, name, value)
    url = f"{server.url.replace('//', '//ann:pass-word@')}{PATH}?token=to-ken"
    with (
        caplog.at_level(logging.DEBUG, "stormcnn"),
        pytest.raises(UserError, match=re.escape(f"{server.url}{PATH}?...")) as error,
    ):
        download(url, target, sha256="0" * 64, waits=[0], timeout=1)
    for text in (caplog.text, str(error.value)):
        assert not re.search("ann|pass-word|to-ken", text)


def test_secrets_of_a_proxy_are_neither_logged_nor_told(
    target: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("http_proxy", f"http://ann:pass-word@127.0.0.1:{port}")
    with (
        caplog.at_level(logging.DEBUG, "stormcnn"),
        pytest.raises(UserError, match="roxy") as error,
    ):
        download("http://example.invalid/archive.tar.gz", target, waits=[0], timeout=1)
    assert not re.search("ann|pass-word", caplog.text + str(error.value))


def test_length_that_is_not_kept_is_an_error(
    server: ArchiveServer, target: Path, part: Path
) -> None:
    server.extra_length = 1000
    server.honours_range = False
    with pytest.raises(UserError, match="not received in 2 tries"):
        download(server.url + PATH, target, waits=(0,))
    assert not target.exists()


def test_other_size_than_configured_is_refused_before_the_transfer(
    server: ArchiveServer, target: Path, part: Path
) -> None:
    with pytest.raises(
        UserError, match=r"the server's file has 1000000 bytes, but `bytes` in data\.ncar says 999"
    ):
        download(server.url + PATH, target, size=999)
    assert not part.exists()
    assert len(server.requests) == 1


def test_other_size_than_configured_is_refused_where_no_length_was_told(
    server: ArchiveServer, target: Path, part: Path
) -> None:
    server.chunked = True
    with pytest.raises(UserError, match=r"not kept.*has 1000000 bytes.* says 999"):
        download(server.url + PATH, target, size=999)
    assert list(target.parent.iterdir()) == []


def test_other_sha256_than_configured_is_refused_and_not_kept(
    server: ArchiveServer, target: Path
) -> None:
    with pytest.raises(UserError, match=r"not kept.*SHA-256 [0-9a-f]{64}, but `sha256`"):
        download(server.url + PATH, target, sha256=sha(OTHER_CONTENT))
    assert not target.exists()
    server.files[PATH] = OTHER_CONTENT
    download(server.url + PATH, target, sha256=sha(OTHER_CONTENT))
    assert server.ranges() == ["", ""]


def test_file_too_large_for_the_disk_is_refused_before_the_transfer(
    server: ArchiveServer, target: Path
) -> None:
    server.extra_length = 10**18
    with pytest.raises(UserError, match=r"still to come, but .* has room for \d+"):
        download(server.url + PATH, target, waits=())
    assert list(target.parent.iterdir()) == []


def test_log_tells_how_far_the_transfer_is(
    server: ArchiveServer, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    download(server.url + PATH, target, log_every=0)
    lines = [line for line in caplog.messages if line.startswith("archive.tar.gz:")]
    assert "0%" in lines[0]
    assert any("52%" in line for line in lines)
    assert "100%" in lines[-1]


def test_log_is_not_flooded(
    server: ArchiveServer, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "stormcnn")
    download(server.url + PATH, target)
    assert len(caplog.messages) == 2


# An archive that is already there


def test_archive_on_disk_is_accepted_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path, CONTENT)
    check_archive(path)
    check_archive(path, size=len(CONTENT), sha256=sha(CONTENT).upper())


def test_archive_on_disk_that_is_another_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, CONTENT)
    with pytest.raises(UserError, match=rf"{path} has 1000000 bytes, but .* says 1000001"):
        check_archive(path, size=len(CONTENT) + 1)
    with pytest.raises(UserError, match=rf"{path} has the SHA-256 {sha(CONTENT)}, but"):
        check_archive(path, sha256=sha(OTHER_CONTENT))


def test_archive_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.tar\.gz: there is no such file.*`file`"):
        check_archive(tmp_path / "none.tar.gz")


# Unpack


def test_unpack_writes_exactly_the_files_of_the_run_list(tmp_path: Path) -> None:
    archive = write(tmp_path, make_archive({"track_data/README": b"x"} | RUNS, [folder("a/")]))
    unpack(archive, tmp_path / "runs", NAMES[:2])
    assert contents(tmp_path / "runs") == {name: FILES[name] for name in NAMES[:2]}


def test_unpack_names_what_it_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    extra = {f"track_data/extra_{number}.nc": b"" for number in range(5)}
    unpack(write(tmp_path, make_archive(RUNS | extra)), tmp_path / "runs", NAMES)
    (line,) = [line for line in caplog.messages if "left out" in line]
    assert "'track_data/extra_0.nc'" in line
    assert "and 2 more" in line


def test_unpacked_files_are_as_new_as_the_unpacking(tmp_path: Path) -> None:
    before = time.time() - 1
    unpack(write(tmp_path, make_archive(RUNS)), tmp_path / "runs", NAMES)
    assert (tmp_path / "runs" / NAMES[0]).stat().st_mtime > before


def test_missing_files_are_counted_and_named(tmp_path: Path) -> None:
    archive = write(tmp_path, make_archive({FIRST: RUNS[FIRST]}))
    wanted = [*NAMES, "b.nc", "c.nc", "d.nc"]
    with pytest.raises(UserError, match=rf"lacks 5 of the 6 files.*'{NAMES[1]}'.* and 2 more"):
        unpack(archive, tmp_path / "runs", wanted)
    assert contents(tmp_path / "runs") == {}


@pytest.mark.parametrize(
    ("member", "fault"),
    [
        (header("/etc/evil.nc"), "points outside"),
        (header("../evil.nc"), "points outside"),
        (header("track_data/../../evil.nc"), "points outside"),
        (folder("/etc/evil"), "points outside"),
        (header("track_data/evil.nc", tarfile.SYMTYPE, "/etc/passwd"), "is a link"),
        (header("track_data", tarfile.SYMTYPE, "/tmp"), "is a link"),
        (header("track_data/evil.nc", tarfile.LNKTYPE, FIRST), "is a link"),
        (header("track_data/evil.nc", tarfile.CHRTYPE), "a device"),
        (header("track_data/evil.nc", tarfile.BLKTYPE), "a device"),
        (header("track_data/evil.nc", tarfile.FIFOTYPE), "or the like"),
        (header("track_data/evil.nc", size=10**18), f"claims to have {10**18} bytes"),
    ],
)
def test_hostile_member_is_named_and_nothing_is_unpacked(
    tmp_path: Path, member: tarfile.TarInfo, fault: str
) -> None:
    archive = write(tmp_path, make_archive(RUNS, [member]))
    with pytest.raises(UserError, match=f"the member '{member.name}' .*{fault}.*Do not use"):
        unpack(archive, tmp_path / "runs", NAMES)
    assert contents(tmp_path / "runs") == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "runs"]


@pytest.mark.parametrize("second", [FIRST, f"elsewhere/{NAMES[0]}", f"./{FIRST}"])
def test_file_that_is_in_the_archive_twice_is_refused(tmp_path: Path, second: str) -> None:
    archive = write(tmp_path, make_archive([*RUNS.items(), (second, b"evil")]))
    with pytest.raises(UserError, match=f"{NAMES[0]} is in the archive twice"):
        unpack(archive, tmp_path / "runs", NAMES)
    assert contents(tmp_path / "runs") == {}


def test_folder_with_the_name_of_a_run_file_is_no_run_file(tmp_path: Path) -> None:
    archive = write(tmp_path, make_archive({}, [folder(NAMES[0])]))
    with pytest.raises(UserError, match="lacks 1 of the 1 files"):
        unpack(archive, tmp_path / "runs", NAMES[:1])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>Please log in</html>",
        make_archive(RUNS)[:6000] + b"\xff" * 20 + make_archive(RUNS)[6020:],
        make_archive(RUNS)[:-9],
        make_archive(RUNS)[:7000],
        make_archive(RUNS)[:-8] + b"\0" * 8,
        make_archive(RUNS, mode="w:"),
        gzip.compress(b"no tar archive" * 100),
        gzip.compress(b""),
    ],
    ids=["empty", "page", "hole", "short", "half", "check sum", "not gzip", "not tar", "nothing"],
)
def test_damaged_archive_is_a_sentence_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    archive = write(tmp_path, content)
    with pytest.raises(UserError, match=r"a\.tar\.gz (is damaged|lacks 3 of the 3)"):
        unpack(archive, tmp_path / "runs", NAMES)
    assert contents(tmp_path / "runs") == {}


def test_failed_unpacking_leaves_earlier_files_as_they_were(tmp_path: Path) -> None:
    unpack(write(tmp_path, make_archive(RUNS)), tmp_path / "runs", NAMES)
    before = contents(tmp_path / "runs")
    newer = make_archive(dict.fromkeys(RUNS, b"newer"), [header("../evil.nc")])
    with pytest.raises(UserError, match="points outside"):
        unpack(write(tmp_path, newer), tmp_path / "runs", NAMES)
    assert contents(tmp_path / "runs") == before


def test_what_a_killed_unpacking_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "runs" / ".unpacking").mkdir(parents=True)
    (tmp_path / "runs" / ".unpacking" / NAMES[0]).write_bytes(b"half")
    unpack(write(tmp_path, make_archive(RUNS)), tmp_path / "runs", NAMES)
    assert contents(tmp_path / "runs") == FILES


PACKED = make_archive(RUNS)
PLAIN = make_archive(RUNS, mode="w:")
fuzz = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@fuzz
@given(position=st.integers(0, len(PACKED) - 1), value=st.integers(1, 255), cut=st.booleans())
def test_changed_byte_of_an_archive_never_changes_a_file(
    tmp_path: Path, position: int, value: int, cut: bool
) -> None:
    damaged = bytearray(PACKED[:position] if cut else PACKED)
    if not cut:
        damaged[position] ^= value
    sentence = unpack_anew(write(tmp_path, bytes(damaged)), tmp_path / "runs")
    assert contents(tmp_path / "runs") == ({} if sentence else FILES)
    assert not sentence or "a.tar.gz" in sentence


@fuzz
@given(file=st.integers(0, 2), field=st.integers(0, 511), values=st.binary(min_size=1, max_size=12))
def test_hostile_header_never_writes_elsewhere(
    tmp_path: Path, file: int, field: int, values: bytes
) -> None:
    start = PLAIN.index(f"track_data/{NAMES[file]}".encode())
    header_block = bytearray(PLAIN[start : start + 512])
    header_block[field : field + len(values)] = values[: 512 - field]
    header_block[148:156] = b" " * 8
    header_block[148:156] = b"%06o\0 " % sum(header_block)  # an attacker gets the sum right
    plain = PLAIN[:start] + bytes(header_block) + PLAIN[start + 512 :]
    sentence = unpack_anew(write(tmp_path, gzip.compress(plain, 1)), tmp_path / "runs")
    assert not sentence or "a.tar.gz" in sentence
    assert {path.name for path in tmp_path.iterdir()} == {"a.tar.gz", "runs"}
    assert set(contents(tmp_path / "runs")) == (set() if sentence else set(NAMES))


def test_download_then_unpack(server: ArchiveServer, target: Path, tmp_path: Path) -> None:
    server.files["/runs.tar.gz"] = make_archive(RUNS)
    server.statuses = [503]
    server.break_after = [4000]
    download(server.url + "/runs.tar.gz", target, waits=(0, 0))
    unpack(target, tmp_path / "runs", NAMES)
    assert contents(tmp_path / "runs") == FILES
