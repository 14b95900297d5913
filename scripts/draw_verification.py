"""Draw how good the networks are: scores, curves and diagrams with their intervals."""

from typing import TYPE_CHECKING

import pandas as pd

from stormcnn.logs import job_log
from stormcnn.report import figures
from stormcnn.storms.inventory import is_made_up
from stormcnn.verification.score_registry import SCORES

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

DRAWN_SCORES = ("auc", "brier_score", "brier_skill_score", "log_score")
STRATA = ("month", "forecast_hour", "region")


def draw_verification(
    *,
    scores: str,
    curves: dict[str, str],
    titles: dict[str, str],
    published: list[str],
    inventory: str,
    folder: str,
) -> None:
    """Draw one figure for each of the tables, into `folder`."""
    made_up = is_made_up(inventory)
    table = pd.read_csv(scores, dtype={"seed": str})
    test = figures.without_variants(table[table["period"] == "test"])
    everywhere = figures.headline(test[test["stratum"] == "all"])
    labels = {name: SCORES[name].axis_label for name in DRAWN_SCORES}
    figure, axes = figures.make_figure(1, len(labels), size=(13, 4.5), made_up=made_up)
    others = pd.read_csv(published[0]) if published else None
    figures.draw_scores(axes[0], everywhere, titles, labels, others)
    figures.save(figure, f"{folder}/scores")

    draw = {
        "roc": figures.draw_roc,
        "reliability": figures.draw_attributes,
        "performance": figures.draw_performance,
    }
    for name, path in curves.items():
        figure, axes = figures.make_figure(made_up=made_up)
        rows = figures.headline(pd.read_csv(path, dtype={"seed": str}))
        draw[name](axes[0, 0], rows[rows["forecast"].isin(["single", "seed_mean"])], titles)
        figures.save(figure, f"{folder}/{name}")

    rows = figures.first_seed(pd.read_csv(curves["reliability"], dtype={"seed": str}))
    recalibrated = rows.loc[rows["forecast"].isin(["isotonic", "logistic"]), "model"].unique()
    across, down = min(3, len(recalibrated)), -(-len(recalibrated) // 3)
    figure, axes = figures.make_figure(
        down, across, size=(4.2 * across + 1, 4.4 * down + 1), made_up=made_up
    )
    figures.draw_recalibration(axes.ravel(), rows[rows["model"].isin(recalibrated)], titles)
    figures.save(figure, f"{folder}/recalibration")

    skill = figures.headline(test[test["score"] == "brier_skill_score"])
    by_kind = [skill[skill["stratum"].str.startswith(f"{kind}=")] for kind in STRATA]
    # A panel of strata that all have too few events would be empty, unless there is no other.
    by_kind = [rows for rows in by_kind if rows["value"].notna().any()] or by_kind[:1]
    figure, axes = figures.make_figure(
        len(by_kind), 1, size=(9, 1 + 3.5 * len(by_kind)), made_up=made_up
    )
    for panel, rows in zip(axes[:, 0], by_kind, strict=True):
        figures.draw_strata(panel, rows, titles, labels["brier_skill_score"])
    figures.save(figure, f"{folder}/strata")


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        draw_verification(
            scores=snakemake.input.scores,
            curves={name: snakemake.input[name] for name in ("roc", "reliability", "performance")},
            titles=snakemake.params.titles,
            published=snakemake.input.published,
            inventory=snakemake.input.inventory,
            folder=snakemake.output[0].rpartition("/")[0],
        )
