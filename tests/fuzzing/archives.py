"""Archives with damaged bytes, and with members that do not belong there."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
from functools import cache
from pathlib import Path

import numpy as np
from fuzzing.outcomes import CHANGED, EQUAL, FAILED, Family, Outcome, damage, refused

from stormcnn.errors import UserError
from stormcnn.storms.unpacking import unpack

NAMES = [f"NCARSTORM_201{year}0524-0000_d01_model_patches.nc" for year in range(3)]
CONTENT = {name: name.encode() * 50 for name in NAMES}
LARGEST = 1_000_000
TYPES = [bytes([kind]) for kind in b"01234567gxLKSVDMNA\x00\xff"]
HOSTILE = (
    *("../escaped", "/tmp/escaped", "a/../../escaped", "a" * 300, "", ".", "..", "\x1b[2J", "é"),
    *NAMES,
)


@cache
def tar() -> bytes:
    return make_tar([])


def make_tar(others: list[tarfile.TarInfo]) -> bytes:
    """Return an archive with the files, and others that may have any header."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in CONTENT.items():
            member = tarfile.TarInfo(f"data/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in others:
            archive.addfile(member, io.BytesIO(bytes(4096)) if member.size <= 4096 else None)
    return stream.getvalue()


def judge(folder: Path, content: bytes) -> Outcome:
    base = folder / "archive"
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir()
    (base / "runs.tar.gz").write_bytes(content)
    try:
        unpack(base / "runs.tar.gz", base / "runs", NAMES, largest=LARGEST)
    except UserError as error:
        outcome = refused(error, "runs.tar.gz")
        return Outcome(FAILED, "refused, but unpacked") if list(base.glob("runs/*")) else outcome
    unpacked = {path.name: path.read_bytes() for path in base.glob("runs/*")}
    if unpacked.keys() != CONTENT.keys() or len(list(base.rglob("*"))) != 2 + len(NAMES):
        return Outcome(FAILED, f"other files were written: {list(base.rglob('*'))}")
    if Path("/tmp/escaped").exists() or (folder / "escaped").exists():
        return Outcome(FAILED, "a file was written elsewhere")
    return Outcome(EQUAL if unpacked == CONTENT else CHANGED)


def damaged_archive(random: np.random.Generator, folder: Path, alone: bool) -> Outcome:
    return judge(folder, damage(random, gzip.compress(tar(), 1, mtime=0)))


def damaged_members(random: np.random.Generator, folder: Path, alone: bool) -> Outcome:
    """Damage what gzip has no checksum of, because it was added later."""
    return judge(folder, gzip.compress(damage(random, tar()), 1))


def hostile_members(random: np.random.Generator, folder: Path, alone: bool) -> Outcome:
    members = []
    for _ in range(int(random.integers(1, 4))):
        member = tarfile.TarInfo(str(random.choice(HOSTILE)))
        member.type = TYPES[random.integers(len(TYPES))]
        member.linkname = str(random.choice(["", "/etc/passwd", "../..", *NAMES]))
        member.size = int(random.choice([0, 1, 4096, 10**6, 10**12]))
        member.mode = 0o777
        if random.integers(2):
            key = str(random.choice(["path", "size", "GNU.sparse.map", "linkpath", "a" * 100]))
            member.pax_headers = {key: str(random.choice(["0", "-1", "9" * 30, "x" * 10**5]))}
        members.append(member)
    return judge(folder, gzip.compress(make_tar(members), 1))


FAMILIES = [
    Family(damaged_archive),
    Family(damaged_members, may_change=True),
    Family(hostile_members, may_change=True),
]
