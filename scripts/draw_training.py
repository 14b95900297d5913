"""Draw the losses of every network by epoch."""

from typing import TYPE_CHECKING

import pandas as pd

from stormcnn.logs import job_log
from stormcnn.report.figures import draw_training_curves, make_figure, save
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
    """Draw the histories, and the published losses (no file or one) over them."""
    figure, axes = make_figure(made_up=is_made_up(inventory))
    losses = pd.read_csv(published[0]) if published else None
    tables = {network: pd.read_csv(path) for network, path in histories.items()}
    draw_training_curves(axes[0, 0], tables, titles, losses)
    save(figure, stem)


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
