"""Draw the training loss of every network by epoch."""

from typing import TYPE_CHECKING

import pandas as pd

from stormcnn.logs import job_log
from stormcnn.report.figure_style import save_figure
from stormcnn.report.training_figures import training_figure
from stormcnn.storms.inventory import is_made_up

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def draw_training(
    *,
    histories: dict[tuple[str, int], str],
    titles: dict[str, str],
    published: list[str],
    inventory: str,
    stem: str,
) -> None:
    """Draw the histories, and the published losses if there are any, to PNG and SVG."""
    figure = training_figure(
        {network: pd.read_csv(path) for network, path in histories.items()},
        titles,
        published=pd.read_csv(published[0]) if published else None,
        made_up=is_made_up(inventory),
    )
    save_figure(figure, stem)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        networks = map(tuple, snakemake.params.networks)
        draw_training(
            histories=dict(zip(networks, snakemake.input.histories, strict=True)),
            titles=snakemake.params.titles,
            published=snakemake.input.published,
            inventory=snakemake.input.inventory,
            stem=snakemake.output[0].removesuffix(".png"),
        )
