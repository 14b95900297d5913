"""Figures of Monte Carlo dropout: spread and error, discard test, entropy and event counts.

Every `draw_...` function takes axes and a table, and draws all rows of the table. Bands and error
bars are the intervals in columns `low` and `high`; if these are missing or empty, none are drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import pandas as pd

from stormcnn.report.figure_style import (
    NARROW,
    STYLE,
    WIDE,
    draw_band,
    error_bars,
    legend_below,
    make_figure,
)
from stormcnn.report.palette import COLORS, GRAY, model_style
from stormcnn.report.series import select_headline, series_of
from stormcnn.vocabulary import MC_MEAN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DISCARD_ORDERS = {
    "spread": "Largest spread first",
    "mutual_information": "Largest mutual information first",
    "spread_given_probability": "Largest spread first within bins of p",
    "total": "Largest p(1 − p) first (control)",
    "random": "Random order (control)",
}
SPREAD_KINDS = {
    "epistemic": "Spread of the MC members",
    "total": "Total spread √(p(1 − p))",
}


def uncertainty_figures(
    scores: pd.DataFrame,
    spread_skill: pd.DataFrame,
    discard: pd.DataFrame,
    counts: pd.DataFrame,
    titles: Mapping[str, str],
    made_up: bool = False,
) -> dict[str, Figure]:
    """Return the figures of the tables of uncertainty, by the name of their file."""
    members = select_headline(scores)
    entropy, axes = make_figure(size=(NARROW[0], 3.4), made_up=made_up)
    draw_entropy_split(axes[0, 0], members[members["forecast"] == MC_MEAN], titles)
    brier = discard[discard["score"] == "brier_score"]
    wide = (WIDE, 4.6)
    return {
        "entropy": entropy,
        "spread_skill": _panels(draw_spread_skill, spread_skill, titles, NARROW, made_up),
        "discard": _panels(draw_discard, brier, titles, NARROW, made_up),
        "counts": _panels(draw_counts, counts, titles, wide, made_up),
    }


def _panels(
    draw: Callable[[Axes, pd.DataFrame], None],
    table: pd.DataFrame,
    titles: Mapping[str, str],
    size: tuple[float, float],
    made_up: bool,
) -> Figure:
    """Return a figure with one panel of `size` inches per model, drawn by `draw`."""
    rows = select_headline(table)
    models = [model for model in titles if (rows["model"] == model).any()]
    width, height = size
    figure, axes = make_figure(len(models), 1, size=(width, height * len(models)), made_up=made_up)
    for panel, model in zip(axes[:, 0], models, strict=True):
        draw(panel, rows[rows["model"] == model])
        panel.set_title(titles[model], loc="left")
    return figure


@matplotlib.rc_context(STYLE)
def draw_spread_skill(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the error of the Monte Carlo mean by its spread, for one network.

    `table` has `kind,bin,spread,error` and may have `low,high`, and `error_truth` if the true
    probabilities are known. Kind `epistemic` is the standard deviation of the MC members, kind
    `total` is sqrt(p(1 - p)); other kinds are not drawn. For reliable forecasts of a binary event
    the points lie on the diagonal for the total spread, and above it for the spread of the MC
    members alone.
    Sources: Delle Monache et al. (2013), Haynes et al. (2023).
    """
    drawn = table[table["kind"].isin(SPREAD_KINDS)].sort_values("spread")
    for index, (kind, label) in enumerate(SPREAD_KINDS.items()):
        rows = drawn[drawn["kind"] == kind]
        if rows.empty:
            continue
        style = model_style(index)
        axes.errorbar(
            rows["spread"],
            rows["error"],
            yerr=error_bars(rows, "error"),
            capsize=3,
            label=label,
            **style,
        )
        if "error_truth" in rows and rows["error_truth"].notna().any():
            axes.plot(
                rows["spread"],
                rows["error_truth"],
                label=f"{label}, error against the truth",
                **(style | {"markerfacecolor": "white", "linewidth": 1.0}),
            )
    limit = 1.05 * float(np.nan_to_num(drawn[["spread", "error"]]).max(initial=0)) or 1.0
    axes.plot([0, limit], [0, limit], color=GRAY, linewidth=1, label="Error = spread")
    axes.set_xlim(0, limit)
    axes.set_ylim(0, None)
    axes.set_xlabel("Spread (root mean square)")
    axes.set_ylabel("Root mean square error")
    axes.grid(True)
    legend_below(axes, columns=1)


@matplotlib.rc_context(STYLE)
def draw_discard(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the Brier score of the storms that remain after discarding the most uncertain ones.

    `table` holds one network: `order,fraction,value` and optionally `low,high`. Only a gain over
    the control p(1 - p) is evidence that the MC members add information.
    Sources: Barnes and Barnes (2021), Haynes et al. (2023).
    """
    for index, (order, name) in enumerate(DISCARD_ORDERS.items()):
        rows = table[table["order"] == order].sort_values("fraction")
        if rows.empty:
            continue
        style = model_style(index)
        if order in ("total", "random"):
            style |= {"color": GRAY if order == "random" else "#333333"}
        draw_band(axes, rows, "fraction", "low", "high", style["color"])
        axes.plot(
            rows["fraction"],
            rows["value"],
            label=name,
            markevery=2,
            **style,
        )
    axes.set_xlabel("Fraction of storms discarded")
    axes.set_ylabel("Brier score of the rest")
    axes.grid(True)
    legend_below(axes, columns=1)


@matplotlib.rc_context(STYLE)
def draw_entropy_split(axes: Axes, table: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Draw the entropy of the Monte Carlo mean as expected entropy plus mutual information.

    `table` has `model,forecast,seed,score,value` with the scores `expected_entropy` and
    `mutual_information`, in nats. Source: Houlsby et al. (2011).
    """
    forecasts = list(series_of(table, titles))
    place = np.arange(len(forecasts))
    agreed, disagreement = (
        np.array([s.rows.loc[s.rows["score"] == score, "value"].iloc[0] for s in forecasts])
        for score in ("expected_entropy", "mutual_information")
    )
    axes.barh(
        place,
        agreed,
        color=COLORS[5],
        edgecolor="black",
        label="What the MC members agree on",
    )
    axes.barh(
        place,
        disagreement,
        left=agreed,
        color=COLORS[1],
        edgecolor="black",
        hatch="///",
        label="Disagreement (mutual information)",
    )
    for position, inner, outer in zip(place, agreed, disagreement, strict=True):
        if np.isnan(outer):  # of a single MC member
            continue
        axes.annotate(
            f"{100 * outer / (inner + outer):.1f} % disagreement",
            (inner + outer, position),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
        )
    # Titles of models are above the bars, which leaves them the width of the figure.
    for position, series in zip(place, forecasts, strict=True):
        axes.annotate(series.label, (0, position - 0.45), va="bottom", fontsize=10)
    axes.set_yticks([])
    axes.set_ylim(len(forecasts) - 0.5, -0.9)
    axes.margins(x=0.4)
    axes.set_xlabel("Entropy (nats), mean over storms")
    axes.set_title("Entropy of the forecast probability")
    legend_below(axes, columns=1)


@matplotlib.rc_context(STYLE)
def draw_counts(axes: Axes, table: pd.DataFrame) -> None:
    """Draw forecast intervals and the observed number of events for each run date.

    `table` holds one network: `run_date,observed,q05,q25,q50,q75,q95,deterministic`.
    """
    rows = table.sort_values("run_date")
    place = np.arange(len(rows))
    for low, high, color, alpha in (
        ("q05", "q95", COLORS[5], 0.6),
        ("q25", "q75", COLORS[0], 1),
    ):
        label = f"MC members, {int(low[1:])} to {int(high[1:])} %"
        axes.vlines(
            place, rows[low], rows[high], color=color, linewidth=4, alpha=alpha, label=label
        )
    axes.plot(
        place, rows["q50"], linestyle="none", marker="_", markersize=9, color="white",
        markeredgecolor="white", markeredgewidth=1.5,
    )  # fmt: skip
    axes.plot(
        place, rows["deterministic"], linestyle="none", marker="D", markersize=4.5,
        color=COLORS[1], markerfacecolor="white", label="Without dropout",
    )  # fmt: skip
    axes.plot(
        place, rows["observed"], linestyle="none", marker="X", markersize=7.5, color="black",
        markeredgecolor="white", markeredgewidth=0.6, label="Observed",
    )  # fmt: skip
    dates = pd.to_datetime(rows["run_date"]).dt.strftime("%Y-%m-%d")
    axes.set_xticks(place, dates, rotation=90, fontsize=8)
    axes.set_xlim(-0.7, len(rows) - 0.3)
    axes.set_ylim(0, None)
    axes.set_ylabel("Number of events")
    axes.grid(True, axis="y")
    legend_below(axes, columns=4, gap=7.5)
