"""Draw how good the networks of several dropout rates are."""

from typing import TYPE_CHECKING

import pandas as pd

from stormcnn.io import read_netcdf
from stormcnn.logs import job_log
from stormcnn.report import figures
from stormcnn.storms.inventory import is_made_up_title
from stormcnn.verification.score_registry import SCORES

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

DRAWN_SCORES = ("count_crps", "count_coverage_90", "spread_skill_ratio")


def draw_rates(*, scores: str, choice: str, storms: str, stem: str) -> None:
    """Draw a panel for each score that the choice looks at, and one for the spread-skill ratio."""
    made_up = is_made_up_title(read_netcdf(storms).attrs["title"])
    rates = pd.read_csv(choice)
    chosen = rates.loc[rates["chosen"], "rate"].iloc[0]
    above = rates.rename(columns={"difference": "value"}).assign(
        low=rates["difference"] - rates["standard_error"],
        high=rates["difference"] + rates["standard_error"],
    )
    figure, axes = figures.make_figure(2, 2, size=(12, 10), made_up=made_up)
    figures.draw_rate_sweep(axes[0, 0], above, "Log score above the lowest", chosen)
    table = pd.read_csv(scores)
    members = table[table["forecast"] == "mc_mean"]
    for panel, score in zip(axes.flat[1:], DRAWN_SCORES, strict=True):
        label = SCORES[score].axis_label
        figures.draw_rate_sweep(panel, members[members["score"] == score], label, chosen)
    figures.save(figure, stem)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        draw_rates(
            scores=snakemake.input.scores,
            choice=snakemake.input.choice,
            storms=snakemake.input.storms,
            stem=snakemake.output[0].removesuffix(".png"),
        )
