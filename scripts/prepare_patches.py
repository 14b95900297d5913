"""Check the storms of one batch of run files, and write their patches, statistics and inventory."""

from pathlib import Path
from typing import TYPE_CHECKING

from stormcnn.logs import job_log
from stormcnn.storms.preparing import prepare_batch
from stormcnn.storms.run_files import read_run_list

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        # The list has the modification times, which as params would rerun jobs.
        run_list = Path(snakemake.output.patches).parents[1] / "runs.csv"
        prepare_batch(
            [run for run in read_run_list(run_list) if run.batch == snakemake.params.batch],
            snakemake.output.patches,
            snakemake.output.statistics,
            snakemake.output.inventory,
            **snakemake.params.data,
            skip_bad_files=snakemake.params.skip_bad_files,
            memory_mb=snakemake.resources.mem_mb,
        )
