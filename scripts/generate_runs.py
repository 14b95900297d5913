"""Generate the made-up run files of the demo."""

from typing import TYPE_CHECKING

from stormcnn.demo.writing import write_runs
from stormcnn.io import write_csv
from stormcnn.logs import job_log

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def generate_runs(*, runs: list[str], truth: str, storms: int, seed: int, workers: int) -> None:
    """Write the run files and the table of true probabilities, one row per storm."""
    write_csv(write_runs(runs, storms, seed, workers), truth)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        generate_runs(
            runs=snakemake.output.runs,
            truth=snakemake.output.truth,
            storms=snakemake.params.storms,
            seed=snakemake.params.seed,
            workers=snakemake.threads,
        )
