"""Draw the reliability by the event of the NWP model and by the observed event."""

from typing import TYPE_CHECKING

from stormcnn.io import read_netcdf
from stormcnn.logs import job_log
from stormcnn.report.figure_style import save_figure
from stormcnn.report.observed_figures import observed_figure
from stormcnn.report.reading import read_table
from stormcnn.storms.titles import is_made_up_title

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def draw_observed(
    *, reliability: str, observations: str, titles: dict[str, str], stem: str
) -> None:
    """Draw the table `reliability` to `<stem>.png` and `<stem>.svg`."""
    made_up = is_made_up_title(read_netcdf(observations).attrs["title"])
    table = read_table(reliability, seed=str)
    save_figure(observed_figure(table, titles, made_up), stem)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        draw_observed(
            reliability=snakemake.input.reliability,
            observations=snakemake.input.observations,
            titles=snakemake.params.titles,
            stem=snakemake.output[0].removesuffix(".png"),
        )
