"""Draw the effect of dropout and of spatial dropout on a field of ones, as in the AMS lesson."""

from typing import TYPE_CHECKING

from stormcnn.logs import job_log
from stormcnn.report.figure_style import save_figure
from stormcnn.report.training_figures import dropout_figure

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        save_figure(dropout_figure(), snakemake.output[0].removesuffix(".png"))
