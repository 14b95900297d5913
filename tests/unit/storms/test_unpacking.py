"""Unpacking an archive that may be incomplete, damaged or hostile."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import stat
import tarfile
import time
import tracemalloc
from pathlib import Path

import pytest
from archive_server import ArchiveServer, make_archive
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stormcnn.errors import UserError
from stormcnn.storms import unpacking
from stormcnn.storms.download import download
from stormcnn.storms.unpacking import unpack

NAMES = [f"NCARSTORM_201{year}0524-0000_d01_model_patches.nc" for year in range(3)]
FILES = {name: bytes(random.Random(name).choices(range(16), k=10_000)) for name in NAMES}
RUNS = {f"track_data/{name}": content for name, content in FILES.items()}
FIRST = f"track_data/{NAMES[0]}"
NO_FILE = "neither a file nor a folder"


def write(folder: Path, content: bytes) -> Path:
    path = folder / "a.tar.gz"
    path.write_bytes(content)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def unpack_anew(archive: Path, folder: Path) -> str:
    """Unpack into an empty folder and return the error message, or an empty text."""
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


def test_exactly_the_files_in_the_run_list_are_unpacked(tmp_path: Path) -> None:
    archive = write(tmp_path, make_archive({"track_data/README": b"x"} | RUNS, [folder("a/")]))
    unpack(archive, tmp_path / "runs", NAMES[:2])
    assert contents(tmp_path / "runs") == {name: FILES[name] for name in NAMES[:2]}


def test_skipped_files_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    extra = {f"track_data/extra_{number}.nc": b"" for number in range(5)}
    unpack(write(tmp_path, make_archive(RUNS | extra)), tmp_path / "runs", NAMES)
    (line,) = [line for line in caplog.messages if "extra" in line]
    assert "'track_data/extra_0.nc'" in line
    assert "and 2 more" in line


def test_unpacked_files_have_the_time_of_unpacking(tmp_path: Path) -> None:
    before = time.time() - 1
    unpack(write(tmp_path, make_archive(RUNS)), tmp_path / "runs", NAMES)
    assert (tmp_path / "runs" / NAMES[0]).stat().st_mtime > before


def test_missing_files_are_counted_and_named(tmp_path: Path) -> None:
    archive = write(tmp_path, make_archive({FIRST: RUNS[FIRST]}))
    files = [*NAMES, "b.nc", "c.nc", "d.nc"]
    with pytest.raises(UserError, match=rf"\b5 of .*6 .*'{NAMES[1]}'.* and 2 more"):
        unpack(archive, tmp_path / "runs", files)
    assert contents(tmp_path / "runs") == {}


@pytest.mark.parametrize(
    ("member", "fault"),
    [
        (header("/etc/evil.nc"), "path outside"),
        (header("../evil.nc"), "path outside"),
        (header("track_data/../../evil.nc"), "path outside"),
        (folder("/etc/evil"), "path outside"),
        (
            header("track_data/evil.nc", tarfile.SYMTYPE, "/etc/passwd"),
            NO_FILE,
        ),
        (header("track_data", tarfile.SYMTYPE, "/tmp"), NO_FILE),
        (header("track_data/evil.nc", tarfile.LNKTYPE, FIRST), NO_FILE),
        (header("track_data/evil.nc", tarfile.CHRTYPE), NO_FILE),
        (header("track_data/evil.nc", tarfile.BLKTYPE), NO_FILE),
        (header("track_data/evil.nc", tarfile.FIFOTYPE), NO_FILE),
        (header("track_data/evil.nc", size=10**18), f"{10**18} bytes"),
    ],
)
def test_hostile_member_is_named_and_nothing_is_unpacked(
    tmp_path: Path, member: tarfile.TarInfo, fault: str
) -> None:
    archive = write(tmp_path, make_archive(RUNS, [member]))
    with pytest.raises(UserError, match=f"'{member.name}'.*{fault}"):
        unpack(archive, tmp_path / "runs", NAMES)
    assert contents(tmp_path / "runs") == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "runs"]


@pytest.mark.parametrize("second", [FIRST, f"elsewhere/{NAMES[0]}", f"./{FIRST}"])
def test_file_that_is_twice_in_the_archive_is_named(tmp_path: Path, second: str) -> None:
    archive = write(tmp_path, make_archive([*RUNS.items(), (second, b"evil")]))
    with pytest.raises(UserError, match=NAMES[0]):
        unpack(archive, tmp_path / "runs", NAMES)
    assert contents(tmp_path / "runs") == {}


def test_folder_with_the_name_of_a_run_file_is_not_unpacked(tmp_path: Path) -> None:
    archive = write(tmp_path, make_archive({}, [folder(NAMES[0])]))
    with pytest.raises(UserError, match=NAMES[0]):
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
        make_archive(RUNS, compressed=False),
        gzip.compress(b"no tar archive" * 100),
        gzip.compress(b""),
    ],
    ids=["empty", "page", "hole", "short", "half", "checksum", "not gzip", "not tar", "nothing"],
)
def test_damaged_archive_is_named_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    archive = write(tmp_path, content)
    with pytest.raises(UserError, match=r"a\.tar\.gz"):
        unpack(archive, tmp_path / "runs", NAMES)
    assert contents(tmp_path / "runs") == {}


def test_failed_unpacking_keeps_earlier_files(tmp_path: Path) -> None:
    unpack(write(tmp_path, make_archive(RUNS)), tmp_path / "runs", NAMES)
    before = contents(tmp_path / "runs")
    newer = make_archive(dict.fromkeys(RUNS, b"newer"), [header("../evil.nc")])
    with pytest.raises(UserError, match="path outside"):
        unpack(write(tmp_path, newer), tmp_path / "runs", NAMES)
    assert contents(tmp_path / "runs") == before


def test_leftovers_of_a_killed_job_are_removed(tmp_path: Path) -> None:
    (tmp_path / "runs" / ".unpacking").mkdir(parents=True)
    (tmp_path / "runs" / ".unpacking" / NAMES[0]).write_bytes(b"half")
    unpack(write(tmp_path, make_archive(RUNS)), tmp_path / "runs", NAMES)
    assert contents(tmp_path / "runs") == FILES


PACKED = make_archive(RUNS)
PLAIN = make_archive(RUNS, compressed=False)
fuzz = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.slow
@fuzz
@given(position=st.integers(0, len(PACKED) - 1), value=st.integers(1, 255), cut=st.booleans())
def test_damaged_archive_never_changes_a_file(
    tmp_path: Path, position: int, value: int, cut: bool
) -> None:
    damaged = bytearray(PACKED[:position] if cut else PACKED)
    if not cut:
        damaged[position] ^= value
    message = unpack_anew(write(tmp_path, bytes(damaged)), tmp_path / "runs")
    assert contents(tmp_path / "runs") == ({} if message else FILES)
    assert not message or "a.tar.gz" in message


@pytest.mark.slow
@fuzz
@given(file=st.integers(0, 2), field=st.integers(0, 511), values=st.binary(min_size=1, max_size=12))
def test_hostile_header_never_writes_elsewhere(
    tmp_path: Path, file: int, field: int, values: bytes
) -> None:
    start = PLAIN.index(f"track_data/{NAMES[file]}".encode())
    header_block = bytearray(PLAIN[start : start + 512])
    header_block[field : field + len(values)] = values[: 512 - field]
    header_block[148:156] = b" " * 8
    header_block[148:156] = b"%06o\0 " % sum(header_block)  # a valid checksum, as in an attack
    plain = PLAIN[:start] + bytes(header_block) + PLAIN[start + 512 :]
    message = unpack_anew(write(tmp_path, gzip.compress(plain, 1)), tmp_path / "runs")
    assert not message or "a.tar.gz" in message
    assert {path.name for path in tmp_path.iterdir()} == {"a.tar.gz", "runs"}
    assert set(contents(tmp_path / "runs")) == (set() if message else set(NAMES))


def pax(headers: dict[str, str], size: int = 0) -> bytes:
    """Return the header of a member with extended attributes, which may be invalid."""
    member = header("track_data/evil.nc", size=size)
    records = b""
    for name, value in headers.items():
        record = f" {name}={value}\n".encode()
        length = len(record)
        while length != len(record) + len(str(length)):
            length = len(record) + len(str(length))
        records += str(length).encode() + record
    extended = header("pax", tarfile.XHDTYPE, size=len(records))
    return extended.tobuf() + records + bytes(-len(records) % 512) + member.tobuf()


def long_name(name: bytes) -> bytes:
    extended = header("././@LongLink", tarfile.GNUTYPE_LONGNAME, size=len(name))
    return extended.tobuf() + name + bytes(-len(name) % 512)


SPARSE_MAP = b"9999999\n" + b"1\n" * 500_000
HOSTILE_STREAMS = {
    "long name": (long_name(b"a" * 300) + header("a").tobuf(), "255"),
    "very long name": (long_name(bytes(10**7)), "headers"),
    "very long attributes": (pax({"comment": "a" * 10**6}), "headers"),
    "chained attributes": (pax({"a": "b"})[:-512] * 5000 + header("a").tobuf(), "a.tar.gz"),
    "negative size": (pax({"size": "-5"}), "a.tar.gz"),
    "checksum": (b"a" * 512, "a.tar.gz"),
    "record": (header("pax", tarfile.XHDTYPE, size=512).tobuf() + b"\xff" * 512, "a.tar.gz"),
    "sparse 0.1": (
        pax({"GNU.sparse.map": "0,512", "GNU.sparse.size": "10000000000"}, 512) + bytes(512),
        "sparse",
    ),
    "sparse 1.0": (
        pax(
            {
                "GNU.sparse.major": "1",
                "GNU.sparse.minor": "0",
                "GNU.sparse.realsize": "9",
            },
            len(SPARSE_MAP),
        )
        + SPARSE_MAP,
        "a.tar.gz",
    ),
    "old sparse": (header("a", tarfile.GNUTYPE_SPARSE).tobuf(), "a.tar.gz"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("blocks", "named"), HOSTILE_STREAMS.values(), ids=HOSTILE_STREAMS)
def test_hostile_headers_are_refused_with_little_memory(
    tmp_path: Path, blocks: bytes, named: str
) -> None:
    plain = make_archive(RUNS, compressed=False)[: -2 * tarfile.BLOCKSIZE]
    archive = write(tmp_path, gzip.compress(plain + blocks + bytes(1024)))
    tracemalloc.start()
    try:
        message = unpack_anew(archive, tmp_path / "runs")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert named in message
    assert message.isprintable()
    assert len(message) < 1000
    assert peak < 5_000_000
    assert contents(tmp_path / "runs") == {}


@pytest.mark.parametrize("place", ["member", "other member", "end"])
def test_archive_that_is_much_larger_unpacked_is_refused(tmp_path: Path, place: str) -> None:
    zeros = bytes(2_000_000)
    files = {
        "member": RUNS | {FIRST: zeros},
        "other member": RUNS | {"track_data/README": zeros},
        "end": RUNS,
    }[place]
    content = make_archive(files) + (gzip.compress(zeros) if place == "end" else b"")
    archive = write(tmp_path, content)
    with pytest.raises(UserError, match=r"1000000.*unpacked_bytes"):
        unpack(archive, tmp_path / "runs", NAMES, largest=1_000_000)
    assert contents(tmp_path / "runs") == {}


def test_default_limit_follows_the_size_of_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "SMALL_BYTES", 1)
    archive = write(tmp_path, make_archive(RUNS | {"track_data/README": bytes(2_000_000)}))
    with pytest.raises(UserError, match=rf"{20 * archive.stat().st_size} bytes.* 20 times"):
        unpack(archive, tmp_path / "runs", NAMES)


def test_archive_with_too_many_members_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "MOST_MEMBERS", 50)
    archive = write(tmp_path, make_archive(RUNS, [folder(f"a{number}") for number in range(60)]))
    with pytest.raises(UserError, match=r"a47.*\b50\b"):
        unpack(archive, tmp_path / "runs", NAMES)


def test_control_characters_of_names_are_not_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    unpack(write(tmp_path, make_archive(RUNS | {"\x1b[2J": b""})), tmp_path / "runs", NAMES)
    assert "\\x1b[2J" in caplog.text
    assert "\x1b" not in caplog.text


def test_unpacked_files_are_never_world_writable(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        unpack(write(tmp_path, make_archive(RUNS)), tmp_path / "runs", NAMES)
    finally:
        os.umask(mask)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "runs").iterdir()} == {0o664}


def test_downloaded_archive_can_be_unpacked(tmp_path: Path) -> None:
    archive = tmp_path / "runs.tar.gz"
    with ArchiveServer({"/runs.tar.gz": make_archive(RUNS)}) as server:
        server.statuses = [503]
        server.break_after = [4000]
        download(f"{server.url}/runs.tar.gz", archive, delays=(0, 0))
    unpack(archive, tmp_path / "runs", NAMES)
    assert contents(tmp_path / "runs") == FILES
