"""Unpack the necessary files of one of the archives."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stormcnn.logs import job_log
from stormcnn.storms.archive_check import check_archive
from stormcnn.storms.unpacking import unpack

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def unpack_files(*, archive: str, source: dict[str, Any], files: list[str]) -> None:
    """Unpack `files`, paths in the same folder, after checking the archive."""
    check_archive(archive, size=source["bytes"], sha256=source["sha256"])
    names = [Path(file).name for file in files]
    unpack(archive, Path(files[0]).parent, names, largest=source["unpacked_bytes"])


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        unpack_files(
            archive=snakemake.input.archive,
            source=snakemake.params.source,
            files=snakemake.output.files,
        )
