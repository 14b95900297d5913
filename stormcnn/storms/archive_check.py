"""Check that an archive is complete and the expected one."""

from __future__ import annotations

from pathlib import Path

from stormcnn.errors import UserError
from stormcnn.provenance import sha256_of
from stormcnn.vocabulary import StrPath


def check_archive(path: StrPath, *, size: int | None = None, sha256: str | None = None) -> None:
    """Raise `UserError` if a file is missing or does not have this size (bytes) and SHA-256."""
    if not Path(path).is_file():
        raise UserError(
            f"{path}: the archive is missing. Set `file` in data.ncar to the path of an archive on "
            "this machine, or remove `file` to download it."
        )
    actual_size = Path(path).stat().st_size
    if size is not None and actual_size != size:
        raise UserError(
            f"{path}: the archive has {actual_size} bytes, but `bytes` in data.ncar is {size}. The "
            "file is incomplete or another one. Download it again, or correct `bytes`."
        )
    if sha256 is not None and (actual := sha256_of(path)) != sha256.lower():
        raise UserError(
            f"{path}: the archive has the SHA-256 {actual}, but `sha256` in data.ncar is {sha256}. "
            "The file is damaged or another one. Download it again, or correct `sha256`."
        )
