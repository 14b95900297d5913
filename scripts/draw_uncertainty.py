"""Draw the figures of Monte Carlo dropout."""

from typing import TYPE_CHECKING

from stormcnn.logs import job_log
from stormcnn.report.figure_style import save_figure
from stormcnn.report.reading import read_table
from stormcnn.report.uncertainty_figures import uncertainty_figures
from stormcnn.storms.inventory import is_made_up

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def draw_uncertainty(
    *,
    scores: str,
    spread_skill: str,
    discard: str,
    counts: str,
    titles: dict[str, str],
    inventory: str,
    folder: str,
) -> None:
    """Draw the figures of the tables into `folder`, as PNG and SVG."""
    figures = uncertainty_figures(
        scores=read_table(scores),
        spread_skill=read_table(spread_skill),
        discard=read_table(discard),
        counts=read_table(counts),
        titles=titles,
        made_up=is_made_up(inventory),
    )
    for name, figure in figures.items():
        save_figure(figure, f"{folder}/{name}")


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        draw_uncertainty(
            scores=snakemake.input.scores,
            spread_skill=snakemake.input.spread_skill,
            discard=snakemake.input.discard,
            counts=snakemake.input.counts,
            titles=snakemake.params.titles,
            inventory=snakemake.input.inventory,
            folder=snakemake.output[0].rpartition("/")[0],
        )
