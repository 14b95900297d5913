"""Draw what the members are worth: spread against error, discard test, entropy, event counts."""

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.axes import Axes

from stormcnn.logs import job_log
from stormcnn.report import figures
from stormcnn.storms.inventory import is_made_up

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def draw_brier_discard(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the discard test of the Brier score."""
    rows = table[table["score"] == "brier_score"]
    figures.draw_discard(axes, rows, "Brier score of the storms that remain")


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
    """Draw one figure for each of the tables, a panel for each model's first seed."""
    made_up = is_made_up(inventory)

    def first_seed(path: str) -> dict[str, pd.DataFrame]:
        table = figures.headline(pd.read_csv(path))
        return {model: rows for model in titles if len(rows := table[table["model"] == model])}

    figure, axes = figures.make_figure(size=(8, 4), made_up=made_up)
    members = figures.headline(pd.read_csv(scores))
    members = members[members["forecast"] == "mc_mean"]
    figures.draw_entropy_split(axes[0, 0], members, titles)
    figures.save(figure, f"{folder}/entropy")

    for name, path, draw, size in (
        ("spread_skill", spread_skill, figures.draw_spread_skill, (7.0, 6.5)),
        ("discard", discard, draw_brier_discard, (7.0, 6.5)),
        ("counts", counts, figures.draw_counts, (11.0, 5.5)),
    ):
        tables = first_seed(path)
        width, height = size
        figure, axes = figures.make_figure(
            len(tables), 1, size=(width, height * len(tables)), made_up=made_up
        )
        for panel, (model, table) in zip(axes[:, 0], tables.items(), strict=True):
            draw(panel, table)
            panel.set_title(f"{panel.get_title(loc='left')}: {titles[model]}", loc="left")
        figures.save(figure, f"{folder}/{name}")


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
