"""Figures of training: losses by epoch, what dropout does to a field, and dropout rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from stormcnn.report.figure_style import (
    PUBLISHED_MARKERS,
    STYLE,
    WIDE,
    error_bars,
    legend_below,
    make_figure,
)
from stormcnn.report.labels import PUBLISHED_SOURCES
from stormcnn.report.palette import COLORS, GRAY, model_style
from stormcnn.sampling.masks import drop_ones
from stormcnn.verification.score_registry import SCORES
from stormcnn.vocabulary import MC_MEAN, RATE_SCORES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PUBLISHED_LINES = {"lesson": (0, (6, 2)), "course": (0, (1, 1.5))}


def training_figure(
    histories: Mapping[tuple[str, int], pd.DataFrame],
    titles: Mapping[str, str],
    published: pd.DataFrame | None = None,
    made_up: bool = False,
) -> Figure:
    """Return the figure of the training curves; parameters as in `draw_training_curves`."""
    figure, axes = make_figure(made_up=made_up)
    draw_training_curves(axes[0, 0], histories, titles, published)
    return figure


def dropout_figure() -> Figure:
    """Return three channels of ten by ten ones after dropout and after spatial dropout."""
    figure, axes = make_figure(2, 3, size=(WIDE, 4.8))
    draw_dropout_masks(axes, *drop_ones((10, 10, 3), rate=0.5, seed=1))
    return figure


def rate_figure(scores: pd.DataFrame, choice: pd.DataFrame, made_up: bool = False) -> Figure:
    """Return a figure with one panel per score that was computed for each dropout rate.

    `scores` and `choice` are the tables of `verification.tuning.TuningTables`.
    """
    chosen = choice.loc[choice["chosen"], "rate"].iloc[0]
    excess = choice.rename(columns={"difference": "value"}).assign(
        low=choice["difference"] - choice["standard_error"],
        high=choice["difference"] + choice["standard_error"],
    )
    members = scores[scores["forecast"] == MC_MEAN]
    figure, axes = make_figure(2, 2, size=(WIDE, 6.5), made_up=made_up)
    draw_rate_sweep(axes[0, 0], excess, "Log score minus the lowest", chosen)
    for panel, score in zip(axes.flat[1:], RATE_SCORES, strict=True):
        rows = members[members["score"] == score]
        draw_rate_sweep(panel, rows, SCORES[score].axis_label, chosen)
    return figure


@matplotlib.rc_context(STYLE)
def draw_training_curves(
    axes: Axes,
    histories: Mapping[tuple[str, int], pd.DataFrame],
    titles: Mapping[str, str],
    published: pd.DataFrame | None = None,
) -> None:
    """Draw the loss by epoch of each model, its seeds as thin lines, and published losses.

    `histories` gives `epoch,loss` by (model, seed); `published` has `source,model,epoch,loss`,
    models as in `titles`. Losses include the weight penalty and are computed with dropout active.
    """
    for index, (model, title) in enumerate(titles.items()):
        losses = [histories[network] for network in sorted(histories) if network[0] == model]
        style = model_style(index)
        for history in losses if len(losses) > 1 else []:
            axes.plot(
                history["epoch"],
                history["loss"],
                **(style | {"marker": "", "linewidth": 0.7, "alpha": 0.5}),
            )
        if losses:
            mean = pd.concat(losses).groupby("epoch", as_index=False)["loss"].mean()
            axes.plot(mean["epoch"], mean["loss"], label=title, **style)
        if published is None:
            continue
        own = published[published["model"] == model]
        for source, rows in own.groupby("source", sort=False):
            axes.plot(
                rows["epoch"],
                rows["loss"],
                label=f"{title}, {PUBLISHED_SOURCES[str(source)]}",
                color=COLORS[index % len(COLORS)],
                linestyle=PUBLISHED_LINES[str(source)],
                linewidth=1.1,
                marker=PUBLISHED_MARKERS[str(source)],
                markersize=7,
                markerfacecolor="white",
            )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("Epoch")
    axes.set_ylabel("Training loss")
    axes.set_title("Training curves")
    axes.grid(True)
    legend_below(axes)


@matplotlib.rc_context(STYLE)
def draw_dropout_masks(axes: np.ndarray, dropout: np.ndarray, spatial_dropout: np.ndarray) -> None:
    """Draw a field of ones after dropout and after spatial dropout.

    Both arrays have shape (y, x, channel); `axes` has shape (2, channel). Each panel gives the
    number of values kept and the largest value.
    """
    for row, (name, field) in enumerate(
        (("Dropout", dropout), ("SpatialDropout2D", spatial_dropout))
    ):
        axes[row, 0].set_ylabel(name, fontsize=11)
        for channel, panel in enumerate(axes[row]):
            values = field[:, :, channel]
            panel.pcolormesh(
                values,
                cmap="Blues",
                vmin=0,
                vmax=3,
                edgecolors="#cccccc",
                linewidth=0.3,
            )
            panel.set_aspect("equal")
            panel.set_xticks([])
            panel.set_yticks([])
            panel.set_title(f"Channel {channel + 1}")
            panel.text(
                0.5,
                0.5,
                f"Kept: {np.count_nonzero(values)} of {values.size}\nMaximum: {values.max():.2f}",
                transform=panel.transAxes,
                ha="center",
                va="center",
                fontsize=9,
                bbox={"boxstyle": "round", "facecolor": "white", "edgecolor": GRAY},
            )


@matplotlib.rc_context(STYLE)
def draw_rate_sweep(
    axes: Axes, table: pd.DataFrame, label: str, chosen: float | None = None
) -> None:
    """Draw a score by dropout rate, and mark the chosen rate.

    `table` holds one score: `rate,value` and optionally `low,high`. Values and interval ends are
    averaged over seeds; the averaged interval is never too narrow for the averaged score.
    """
    columns = [name for name in ("value", "low", "high") if name in table]
    rows = table.groupby("rate", as_index=False)[columns].mean()
    axes.errorbar(
        rows["rate"],
        rows["value"],
        yerr=error_bars(rows, "value"),
        capsize=3,
        **model_style(0),
    )
    if chosen is not None:
        axes.axvline(
            chosen,
            color=COLORS[1],
            linestyle="--",
            linewidth=1.2,
            label=f"Chosen: {chosen:g}",
        )
    axes.set_xlabel("Dropout rate")
    axes.set_title(label)
    axes.grid(True)
    legend_below(axes)
