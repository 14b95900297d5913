"""Figures of decisions: economic value by cost-loss ratio, and scores at the chosen thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib
import numpy as np

from stormcnn.report.decision_texts import SCORE_LABELS, aim_label
from stormcnn.report.figure_style import (
    STYLE,
    WIDE,
    draw_band,
    error_bars,
    legend_below,
    make_figure,
    marker_spacing,
)
from stormcnn.report.palette import GRAY
from stormcnn.report.score_tables import select_forecasts
from stormcnn.report.series import series_of
from stormcnn.vocabulary import SINGLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DRAWN_SCORES = ("pod", "false_alarm_ratio", "csi")
LOWEST_VALUE = -0.3
"""Lower end of the axis; how much is lost below is of no use to anybody."""


def decision_figures(
    decisions: pd.DataFrame,
    economic_value: pd.DataFrame,
    titles: Mapping[str, str],
    made_up: bool = False,
) -> dict[str, Figure]:
    """Return the figures of the tables of these names by the name of their file."""
    value, panels = make_figure(made_up=made_up)
    draw_economic_value(panels[0, 0], select_forecasts(economic_value, SINGLE), titles)
    chosen = select_forecasts(decisions, SINGLE)
    height = 1.6 + chosen["aim"].nunique() * (0.25 + 0.11 * chosen["model"].nunique())
    figure, axes = make_figure(1, len(DRAWN_SCORES), size=(WIDE, height), made_up=made_up)
    draw_decisions(axes[0], chosen, titles)
    return {"economic_value": value, "decisions": figure}


@matplotlib.rc_context(STYLE)
def draw_economic_value(axes: Axes, table: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Draw the economic value by cost-loss ratio, one line per model, with its interval.

    `table` has `model,forecast,seed,cost_loss,value,low,high`. Source: Richardson (2000).
    """
    axes.axhline(0, color=GRAY, linewidth=1)
    for series in series_of(table, titles):
        draw_band(axes, series.rows, "cost_loss", "low", "high", series.style["color"])
        axes.plot(
            series.rows["cost_loss"],
            series.rows["value"],
            label=series.label,
            markevery=marker_spacing(series.rows["value"]),
            **series.style,
        )
    axes.set_xscale("log")
    ticks = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
    axes.set_xticks(ticks, [f"{100 * tick:g} %" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(0.005, 1)
    axes.set_ylim(LOWEST_VALUE, 1)
    axes.grid(True)
    axes.set_xlabel("Cost of protection, in percent of the loss")
    axes.set_ylabel("Relative economic value")
    axes.set_title("Economic value")
    legend_below(axes)


@matplotlib.rc_context(STYLE)
def draw_decisions(axes: np.ndarray, table: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Draw each of `DRAWN_SCORES` in a panel of `axes`: one line per aim, all models in it.

    `table` has `model,forecast,seed,aim,score,value,low,high`.
    """
    aims = list(table["aim"].unique())
    forecasts = list(series_of(table, titles))
    for number, (panel, score) in enumerate(zip(axes, DRAWN_SCORES, strict=True)):
        for index, series in enumerate(forecasts):
            rows = series.rows[series.rows["score"] == score]
            shift = 0.8 * ((index + 0.5) / len(forecasts) - 0.5)
            panel.errorbar(
                rows["value"],
                rows["aim"].map(aims.index) + shift,
                xerr=error_bars(rows, "value"),
                capsize=2,
                label=series.label,
                **(series.style | {"linestyle": "none", "linewidth": 1.3, "markersize": 4.5}),
            )
        panel.set_yticks(
            range(len(aims)), [aim_label(aim) if number == 0 else "" for aim in aims], fontsize=9
        )
        panel.tick_params(axis="y", length=0)
        for edge in np.arange(0.5, len(aims) - 1):
            panel.axhline(edge, color="#d8d8d8", linewidth=0.8)
        panel.set_ylim(len(aims) - 0.5, -0.5)
        panel.set_xlim(0, 1)
        panel.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        panel.set_title(SCORE_LABELS[score], fontsize=10)
        panel.grid(True, axis="x")
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(handles, labels, loc="outside lower center", ncols=4)
