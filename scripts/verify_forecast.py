"""Verify an issued forecast against a run file that holds the outcome of its storms."""

from pathlib import Path
from typing import TYPE_CHECKING

from stormcnn.forecast.verification import observe, write_verification
from stormcnn.io import read_netcdf
from stormcnn.logs import job_log

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def verify_forecast(
    *,
    record: str,
    run_file: str,
    reject: list[str],
    file_pattern: str,
    memory_mb: float,
    template: str,
    table: str,
    page: str,
) -> None:
    """Write the outcome of each storm of a forecast as a table and as a page."""
    verified = observe(
        read_netcdf(record),
        run_file,
        reject=reject,
        file_pattern=file_pattern,
        memory_mb=memory_mb,
    )
    write_verification(verified, table, page, Path(template))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        verify_forecast(
            record=snakemake.input.record,
            run_file=snakemake.input.run_file,
            reject=snakemake.params.reject,
            file_pattern=snakemake.params.file_pattern,
            memory_mb=snakemake.resources.mem_mb,
            template=snakemake.input.template,
            table=snakemake.output.table,
            page=snakemake.output.page,
        )
