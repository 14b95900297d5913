"""Draw the case studies of one network."""

from typing import TYPE_CHECKING

from stormcnn.io import read_netcdf
from stormcnn.logs import job_log
from stormcnn.report.case_figures import case_figure
from stormcnn.report.figure_style import save_figure

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def draw_cases(*, cases: str, stem: str) -> None:
    """Draw the fields and the MC probabilities of each storm to `<stem>.png` and `<stem>.svg`."""
    save_figure(case_figure(read_netcdf(cases)), stem)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        draw_cases(
            cases=snakemake.input.cases,
            stem=snakemake.output[0].removesuffix(".png"),
        )
