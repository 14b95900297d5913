"""Download one of the two archives of the published data: run files or track files."""

from typing import TYPE_CHECKING, Any

from stormcnn.logs import job_log
from stormcnn.storms.download import download

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def download_archive(*, source: dict[str, Any], archive: str) -> None:
    """Download the archive, resuming an earlier download."""
    download(source["url"], archive, size=source["bytes"], sha256=source["sha256"])


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        download_archive(source=snakemake.params.source, archive=snakemake.output.archive)
