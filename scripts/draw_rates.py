"""Draw the scores of networks with several dropout rates."""

from typing import TYPE_CHECKING

from stormcnn.io import read_netcdf
from stormcnn.logs import job_log
from stormcnn.report.figure_style import save_figure
from stormcnn.report.reading import read_table
from stormcnn.report.training_figures import rate_figure
from stormcnn.storms.titles import is_made_up_title

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def draw_rates(*, scores: str, choice: str, storms: str, stem: str) -> None:
    """Draw the tables `scores` and `choice` to `<stem>.png` and `<stem>.svg`."""
    made_up = is_made_up_title(read_netcdf(storms).attrs["title"])
    save_figure(rate_figure(read_table(scores), read_table(choice), made_up), stem)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        draw_rates(
            scores=snakemake.input.scores,
            choice=snakemake.input.choice,
            storms=snakemake.input.storms,
            stem=snakemake.output[0].removesuffix(".png"),
        )
