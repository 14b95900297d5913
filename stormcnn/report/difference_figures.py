"""The figure of the differences between models: intervals, and one dot per seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import pandas as pd

from stormcnn.report.figure_style import STYLE, make_figure
from stormcnn.report.palette import GRAY, model_style
from stormcnn.report.series import compared_names, drop_variants, select_headline, select_seeds
from stormcnn.report.table_cells import signed
from stormcnn.verification.score_registry import score_text
from stormcnn.vocabulary import MC_MEAN, OPPONENTS, SINGLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE_HEIGHT = 0.62  # inches per comparison


def difference_figure(
    differences: pd.DataFrame, titles: Mapping[str, str], score: str, made_up: bool = False
) -> Figure:
    """Return the figure of the differences in one score in the test period.

    `differences` is the table `differences.csv`; `titles` gives the models' titles in the order of
    the config.
    """
    rows = select_compared(differences, score)
    count = len(rows.drop_duplicates(["model", "reference", "forecast", "reference_forecast"]))
    height = 1.1 + LINE_HEIGHT * max(count, 1)
    figure, axes = make_figure(size=(5.2, height), made_up=made_up)
    draw_differences(axes[0, 0], rows, titles, score_text(score).label)
    return figure


def select_compared(differences: pd.DataFrame, score: str) -> pd.DataFrame:
    """Return the differences of one score in the test period between networks or their MC means.

    Of the networks that are compared with an opponent, only the best one is kept.
    """
    test = drop_variants(differences[differences["period"] == "test"])
    rows = test[(test["score"] == score) & test["forecast"].isin([SINGLE, MC_MEAN])]
    against = rows["reference"].isin(OPPONENTS) & (rows["model"] != rows["reference"])
    whole = select_headline(rows[against]).sort_values("difference", ascending=False)
    best = dict(zip(whole["reference"][::-1], whole["model"][::-1], strict=True))
    return rows[~against | (rows["reference"].map(best) == rows["model"])]


@matplotlib.rc_context(STYLE)
def draw_differences(
    axes: Axes, table: pd.DataFrame, titles: Mapping[str, str], label: str
) -> None:
    """Draw a bar per comparison for the interval, and a dot per seed.

    `table` holds one score: `model,reference,forecast,reference_forecast,seed,difference,low,high`.
    Intervals of means over seeds are over blocks and seeds, those of single seeds over blocks.
    """
    axes.axvline(0, color=GRAY, linewidth=1)
    pairs = ["model", "reference", "forecast", "reference_forecast"]
    order = {model: index for index, model in enumerate(titles)}
    compared = [rows for _, rows in table.groupby(pairs, sort=False)]
    compared.sort(
        key=lambda rows: (rows["reference"].iloc[0] in OPPONENTS, order[rows["model"].iloc[0]])
    )
    for place, rows in enumerate(compared):
        first = rows.iloc[0].to_dict()
        _draw_line(axes, place, rows, model_style(order[first["model"]]))
        subject, other = compared_names(first, titles)
        whole = select_headline(rows).iloc[0]
        for x, text, side in (
            (0.0, f"{subject} − {other}", "left"),
            (1.0, signed(whole["difference"], 3), "right"),
        ):
            axes.text(
                x, place - 0.28, text, ha=side, va="center", fontsize=9.5,
                transform=axes.get_yaxis_transform(),
            )  # fmt: skip
    axes.set_ylim(len(compared) - 0.5, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.06)
    axes.grid(True, axis="x")
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel(f"worse ← difference in {label} → better")


def _draw_line(axes: Axes, place: int, rows: pd.DataFrame, style: dict[str, Any]) -> None:
    """Draw the intervals and the dots of one comparison at height `place`."""
    color = style["color"]
    seeds = select_seeds(rows)
    whole = select_headline(rows).iloc[0]
    axes.hlines(place + 0.12, whole["low"], whole["high"], color=color, linewidth=6.0, alpha=0.35)
    axes.plot(
        whole["difference"], place + 0.12, marker=style["marker"], color=color, markersize=9,
        linestyle="none", markeredgecolor="white",
    )  # fmt: skip
    if len(seeds) > 1:
        shift = np.linspace(-0.07, 0.07, len(seeds))
        axes.plot(
            seeds["difference"], place + 0.12 + shift, linestyle="none", marker="o", markersize=4,
            color="black", markerfacecolor="white", markeredgewidth=0.9,
        )  # fmt: skip
