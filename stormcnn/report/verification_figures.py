"""Figures of the verification: scores, curves and diagrams with their confidence intervals.

Every `draw_...` function takes axes and a table, and draws all rows of the table. `titles` gives
the models' titles in the order of the legend. Bands and error bars are the intervals in columns
whose names end in `low` and `high`; if such a column is missing or empty, none are drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from stormcnn.report.difference_figures import difference_figure
from stormcnn.report.figure_style import (
    PUBLISHED_MARKERS,
    STYLE,
    WIDE,
    draw_band,
    error_bars,
    legend_below,
    make_figure,
    marker_spacing,
    set_unit_square,
)
from stormcnn.report.palette import COLORS, GRAY
from stormcnn.report.series import (
    VARIANT_NAMES,
    drop_variants,
    network_curves,
    select_first_seed,
    select_headline,
    series_of,
    thin_line,
)
from stormcnn.report.words import stratum_name
from stormcnn.verification.score_registry import SCORES
from stormcnn.vocabulary import INTERCEPT, ISOTONIC, LOGISTIC, RECALIBRATIONS, SINGLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from stormcnn.report.series import Series

COMPARED_SCORE = "brier_skill_score"
DRAWN_SCORES = ("auc", "brier_score", "brier_skill_score", "log_score")
STRATIFICATIONS = ("month", "forecast_hour", "region")
RECALIBRATION_STYLES: dict[str, dict[str, Any]] = {
    SINGLE: {"color": GRAY, "linestyle": "-", "marker": "o"},
    INTERCEPT: {"color": COLORS[2], "linestyle": "-.", "marker": "D"},
    ISOTONIC: {"color": COLORS[0], "linestyle": ":", "marker": "s"},
    LOGISTIC: {"color": COLORS[1], "linestyle": "--", "marker": "^"},
}
PUBLISHED_SCORE: dict[str, Any] = {
    "linestyle": "none",
    "color": GRAY,
    "markerfacecolor": "white",
    "markersize": 9,
}


def verification_figures(
    scores: pd.DataFrame,
    differences: pd.DataFrame,
    curves: Mapping[str, pd.DataFrame],
    titles: Mapping[str, str],
    published: pd.DataFrame | None = None,
    made_up: bool = False,
) -> dict[str, Figure]:
    """Return the figures of the test period by the name of their file.

    `scores` and `differences` are the tables of these names; `curves` holds the tables `roc`,
    `reliability` and `performance`. All have seeds as text.
    """
    test = drop_variants(scores[scores["period"] == "test"])
    skill = select_headline(test[test["score"] == "brier_skill_score"])
    figures = {"scores": _scores_figure(test, titles, published, made_up)}
    figures["differences"] = difference_figure(differences, titles, COMPARED_SCORE, made_up)
    diagrams = {"roc": draw_roc, "reliability": draw_attributes, "performance": draw_performance}
    for name, draw in diagrams.items():
        rows = curves[name]
        figures[name], axes = make_figure(made_up=made_up)
        draw(axes[0, 0], rows[rows["forecast"] == SINGLE], titles)
    figures["recalibration"] = _recalibration_figure(curves["reliability"], titles, made_up)
    figures["strata"] = _strata_figure(skill, titles, made_up)
    return figures


def _scores_figure(
    test: pd.DataFrame, titles: Mapping[str, str], published: pd.DataFrame | None, made_up: bool
) -> Figure:
    """Return one panel per score of the whole test period."""
    whole = select_headline(test[test["stratum"] == "all"])
    lines = len(list(series_of(whole, titles)))
    size = (WIDE, 2.6 + 0.7 * lines)
    figure, axes = make_figure(2, len(DRAWN_SCORES) // 2, size=size, made_up=made_up)
    draw_scores(axes, whole, titles, DRAWN_SCORES, published)
    return figure


def _recalibration_figure(
    reliability: pd.DataFrame, titles: Mapping[str, str], made_up: bool
) -> Figure:
    """Return one panel per model whose network of the first seed was recalibrated.

    If none was, all networks are shown as they are.
    """
    rows = select_first_seed(reliability)
    recalibrated = rows["forecast"].isin(RECALIBRATIONS)
    models = rows.loc[recalibrated if recalibrated.any() else slice(None), "model"].unique()
    across, down = min(2, len(models)), -(-len(models) // 2)
    figure, axes = make_figure(down, across, size=(WIDE, 3.6 * down + 0.8), made_up=made_up)
    draw_recalibration(axes.ravel(), rows[rows["model"].isin(models)], titles)
    return figure


def _strata_figure(skill: pd.DataFrame, titles: Mapping[str, str], made_up: bool) -> Figure:
    """Return one panel per kind of stratum: month, forecast hour and region."""
    by_kind = [skill[skill["stratum"].str.startswith(f"{kind}=")] for kind in STRATIFICATIONS]
    # A panel is dropped if most of its strata have too few events, unless all panels would be.
    by_kind = [rows for rows in by_kind if rows["value"].notna().mean() > 0.5] or by_kind[:1]
    size = (WIDE, 1 + 3.5 * len(by_kind))
    figure, axes = make_figure(len(by_kind), 1, size=size, made_up=made_up)
    for panel, rows in zip(axes[:, 0], by_kind, strict=True):
        draw_strata(panel, rows, titles, SCORES["brier_skill_score"].axis_label)
    return figure


@matplotlib.rc_context(STYLE)
def draw_scores(
    axes: np.ndarray,
    table: pd.DataFrame,
    titles: Mapping[str, str],
    scores: Sequence[str],
    published: pd.DataFrame | None = None,
) -> None:
    """Draw scores with their intervals: one panel of `axes` per score, one line per forecast.

    `axes` has the shape (row, column). `table` has `model,forecast,seed,score,value,low,high`;
    `scores` names the scores; `published` has `source,model,score,value` and is drawn in open
    symbols.
    """
    forecasts = list(series_of(table, titles))
    for number, (panel, score) in enumerate(zip(axes.flat, scores, strict=True)):
        for position, series in enumerate(forecasts):
            rows = series.rows[series.rows["score"] == score]
            panel.errorbar(
                rows["value"],
                np.full(len(rows), position),
                xerr=error_bars(rows, "value"),
                capsize=3,
                **(series.style | {"linestyle": "none", "linewidth": 1.8}),
            )
        if published is not None:
            _draw_published_scores(panel, forecasts, published[published["score"] == score])
        first = number % axes.shape[1] == 0
        panel.set_yticks(
            range(len(forecasts)),
            [series.label if first else "" for series in forecasts],
        )
        panel.set_ylim(len(forecasts) - 0.5, -0.5)
        panel.set_title(SCORES[score].axis_label)
        panel.grid(True, axis="x")
        panel.margins(x=0.1)
        panel.locator_params(axis="x", nbins=4)
    if published is not None:
        handles = [
            Line2D([], [], marker=marker, label=f"Published ({source})", **PUBLISHED_SCORE)
            for source, marker in PUBLISHED_MARKERS.items()
        ]
        axes.flat[0].figure.legend(handles=handles, loc="outside lower center", ncols=2)


def _draw_published_scores(
    axes: Axes, forecasts: Sequence[Series], published: pd.DataFrame
) -> None:
    """Draw published values of a score on the line of the model's first forecast."""
    positions = {series.model: len(forecasts) - 1 - i for i, series in enumerate(forecasts[::-1])}
    for row in published.itertuples():
        if row.model in positions:
            axes.plot(
                row.value,
                positions[row.model] + 0.25,
                marker=PUBLISHED_MARKERS[row.source],
                **PUBLISHED_SCORE,
            )


@matplotlib.rc_context(STYLE)
def draw_roc(axes: Axes, table: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Draw relative operating characteristic (ROC) curves over contours of the Peirce skill score.

    `table` has `model,forecast,seed,threshold,pofd,pod` and may have `pod_low,pod_high`, the
    interval of POD at that POFD. Sources: Mason (1982), Peirce (1884).
    """
    axes.plot([0, 1], [0, 1], color=GRAY, linewidth=1, linestyle="--", label="No skill")
    for score in (0.2, 0.4, 0.6, 0.8):
        axes.plot([0, 1 - score], [score, 1], color="#aaaaaa", linewidth=0.8)
        _label_end(axes, f"{score:.1f}", (1 - score, 1))
    for series in network_curves(table, titles):
        _draw_detection(axes, series, series.rows.sort_values(["pofd", "pod"]), "pofd")
    set_unit_square(axes)
    axes.set_xlabel("Probability of false detection")
    axes.set_ylabel("Probability of detection")
    axes.set_title("ROC curve", pad=18)
    legend_below(axes)


@matplotlib.rc_context(STYLE)
def draw_performance(axes: Axes, table: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Draw a performance diagram with contours of critical success index and frequency bias.

    `table` has `model,forecast,seed,threshold,success_ratio,pod` and may have `pod_low,pod_high`,
    the interval of POD at that success ratio. Source: Roebber (2009).
    """
    ratio, pod = np.meshgrid(np.linspace(0.005, 1, 200), np.linspace(0.005, 1, 200))
    csi = 1 / (1 / ratio + 1 / pod - 1)
    levels = np.arange(0, 1.01, 0.1)
    axes.contourf(ratio, pod, csi, levels, cmap="Greys", vmin=-0.1, vmax=2.2)
    lines = axes.contour(ratio, pod, csi, levels[1:-1], colors="#999999", linewidths=0.7)
    axes.clabel(lines, fmt="%.1f", fontsize=9, colors=GRAY)
    for bias in (0.25, 0.5, 1.0, 2.0, 4.0):
        end = (1.0, bias) if bias <= 1 else (1 / bias, 1.0)
        axes.plot([0, end[0]], [0, end[1]], color=GRAY, linewidth=0.9, linestyle=(0, (4, 3)))
        _label_end(axes, f"{bias:g}", end)
    for series in network_curves(table, titles):
        # The success ratio is 0 or undefined without hits, which would pull the line to the corner.
        rows = series.rows[series.rows["pod"] > 0].sort_values("threshold")
        _draw_detection(axes, series, rows, "success_ratio")
    set_unit_square(axes)
    axes.set_xlabel("Success ratio (1 − false alarm ratio)")
    axes.set_ylabel("Probability of detection")
    axes.set_title("Performance diagram", pad=18)
    legend_below(axes)


def _draw_detection(axes: Axes, series: Series, rows: pd.DataFrame, x: str) -> None:
    """Draw the probability of detection of one forecast, and its interval, by column `x`."""
    if series.thin:
        axes.plot(rows[x], rows["pod"], **thin_line(series))
        return
    draw_band(axes, rows, x, "pod_low", "pod_high", series.style["color"])
    spacing = marker_spacing(rows["pod"])
    axes.plot(rows[x], rows["pod"], label=series.label, markevery=spacing, **series.style)


def _label_end(axes: Axes, text: str, end: tuple[float, float]) -> None:
    """Label a line that ends on the upper or the right edge of the unit square."""
    above = end[1] == 1 and end[0] < 1
    axes.annotate(
        text,
        end,
        xytext=(0, 3) if above else (4, 0),
        textcoords="offset points",
        va="bottom" if above else "center",
        ha="center" if above else "left",
        fontsize=9,
        color=GRAY,
        annotation_clip=False,
    )


@matplotlib.rc_context(STYLE)
def draw_attributes(axes: Axes, table: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Draw an attributes diagram: observed frequency by forecast probability.

    `table` has `model,forecast,seed,bin,forecast_mean,observed_frequency,storms,events` and may
    have `low,high`. Points in the shaded area contribute to Brier skill; the inset shows the
    number of storms per bin on a logarithmic scale. Source: Hsu and Murphy (1986).
    """
    draw_reliability(axes, table, titles)
    axes.set_title("Attributes diagram")
    legend_below(axes)


def draw_reliability(axes: Axes, table: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Draw what `draw_attributes` draws, without title and legend."""
    forecasts = list(network_curves(table, titles))
    # All forecasts are for the same storms, so the counts of any give the climatology.
    climatology = float(forecasts[0].rows["events"].sum() / forecasts[0].rows["storms"].sum())
    c = climatology
    axes.fill([0, c, c, 0], [0, 0, c, c / 2], color="#e9e9e9", linewidth=0)
    axes.fill([c, 1, 1, c], [c, (1 + c) / 2, 1, 1], color="#e9e9e9", linewidth=0)
    axes.plot([0, 1], [0, 1], color=GRAY, linewidth=1, label="Perfect reliability")
    axes.plot(
        [0, 1],
        [c / 2, (1 + c) / 2],
        color=GRAY,
        linewidth=1,
        linestyle=":",
        label="No skill",
    )
    for number, draw_line in enumerate((axes.axhline, axes.axvline)):
        label = f"No resolution (climatology {c:.3f})" if number == 0 else None
        draw_line(c, color=GRAY, linewidth=1, linestyle="--", label=label)
    inset = axes.inset_axes((0.10, 0.66, 0.34, 0.29))
    for series in forecasts:
        rows = series.rows[series.rows["storms"] > 0].sort_values("forecast_mean")
        if series.thin:
            axes.plot(rows["forecast_mean"], rows["observed_frequency"], **thin_line(series))
            continue
        draw_band(axes, rows, "forecast_mean", "low", "high", series.style["color"])
        axes.plot(
            rows["forecast_mean"],
            rows["observed_frequency"],
            label=series.label,
            **series.style,
        )
        inset.plot(
            rows["forecast_mean"],
            rows["storms"],
            drawstyle="steps-mid",
            color=series.style["color"],
            linestyle=series.style["linestyle"],
            linewidth=1.2,
        )
    inset.set_yscale("log")
    inset.set_xlim(0, 1)
    inset.tick_params(labelsize=8)
    inset.set_title("Storms by forecast probability", fontsize=8)
    inset.patch.set_alpha(0.9)
    set_unit_square(axes)
    axes.set_xlabel("Forecast probability")
    axes.set_ylabel("Observed frequency")


@matplotlib.rc_context(STYLE)
def draw_recalibration(
    axes: Sequence[Axes] | np.ndarray, table: pd.DataFrame, titles: Mapping[str, str]
) -> None:
    """Draw original and recalibrated reliability curves: one panel of `axes` per model.

    `table` has the columns of an attributes diagram, for one seed per model. Panels without a
    model stay empty. Source: Hsu and Murphy (1986).
    """
    for panel in axes:
        panel.set_axis_off()
    for panel, (model, rows) in zip(axes, table.groupby("model", sort=False), strict=False):
        panel.set_axis_on()
        panel.plot([0, 1], [0, 1], color=GRAY, linewidth=1, label="Perfect reliability")
        for forecast, style in RECALIBRATION_STYLES.items():
            drawn = rows[(rows["forecast"] == forecast) & (rows["storms"] > 0)]
            if drawn.empty:
                continue
            panel.errorbar(
                drawn["forecast_mean"],
                drawn["observed_frequency"],
                yerr=error_bars(drawn, "observed_frequency"),
                capsize=2,
                label=VARIANT_NAMES.get(forecast, "original").capitalize(),
                **style,
            )
        set_unit_square(panel)
        panel.set_title(titles[str(model)])
        panel.set_xlabel("Forecast probability")
        panel.set_ylabel("Observed frequency")
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(handles, labels, loc="outside lower center", ncols=2)


@matplotlib.rc_context(STYLE)
def draw_strata(axes: Axes, table: pd.DataFrame, titles: Mapping[str, str], label: str) -> None:
    """Draw one score by stratum (month, forecast hour or region), with all forecasts side by side.

    `table` holds one score and one kind of stratum, such as `month=5`, with at least one row:
    `model,forecast,seed,stratum,value,low,high,events`. Strata keep the order of the table and
    show their number of events; strata with too few events have no value.
    """
    strata = table.drop_duplicates("stratum")
    place = {stratum: number for number, stratum in enumerate(strata["stratum"])}
    forecasts = list(series_of(table, titles))
    for number, series in enumerate(forecasts):
        shift = 0.16 * (number - (len(forecasts) - 1) / 2)
        axes.errorbar(
            series.rows["stratum"].map(place) + shift,
            series.rows["value"],
            yerr=error_bars(series.rows, "value"),
            capsize=2,
            label=series.label,
            **(series.style | {"linestyle": "none"}),
        )
    names = strata["stratum"].map(stratum_name)
    kind = str(strata["stratum"].iloc[0]).partition("=")[0].replace("_", " ")
    axes.set_xticks(
        range(len(place)),
        [f"{name}\n({int(n)})" for name, n in zip(names, strata["events"], strict=True)],
    )
    axes.set_xlim(-0.5, len(place) - 0.5)
    axes.set_xlabel(f"{kind.capitalize()} (number of events)")
    axes.set_title(f"{label} by {kind}")
    axes.grid(True, axis="y")
    legend_below(axes, gap=5.8)
