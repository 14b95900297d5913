"""Check the storms of one batch of run files, and write their patches, statistics and inventory."""

from typing import TYPE_CHECKING

from stormcnn.logs import job_log
from stormcnn.storms.preparing import prepare_batch
from stormcnn.storms.run_files import Run

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        prepare_batch(
            [Run(*run) for run in snakemake.params.runs],
            snakemake.output.patches,
            snakemake.output.statistics,
            snakemake.output.inventory,
            **snakemake.params.data,
        )
