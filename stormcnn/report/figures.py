"""Figures from tidy tables, in one style that can be read without colour.

Every `draw_...` function takes axes and a table and returns nothing; which rows of the table are
drawn is the caller's choice. `titles` gives the models' titles in the order of the legend: a
model keeps its colour, line and marker in every figure. Bands and bars are the intervals of the
tables' columns that end in `low` and `high`; a column that is missing or empty draws none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from stormcnn.errors import UserError
from stormcnn.io import replacing
from stormcnn.report.labels import stratum_name

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    import xarray as xr
    from matplotlib.axes import Axes

STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    "font.size": 11.0,
    "axes.titlesize": 12.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "grid.color": "#d8d8d8",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 10.0,
    "lines.linewidth": 1.8,
    "lines.markersize": 6.0,
    "svg.fonttype": "none",
    "svg.hashsalt": "stormcnn",
    "figure.constrained_layout.use": True,
}
MOST_PIXELS = 1600
MADE_UP_NOTE = "Made-up data: generated storms, not real ones"

# Okabe and Ito (2008): told apart by people with any of the common colour vision deficiencies.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#333333")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#666666"

FORECASTS = {
    "single": "",
    "seed_mean": "mean of the seeds",
    "mc_mean": "Monte Carlo mean",
    "seed_mc_mean": "Monte Carlo mean of the seeds",
}
VARIANTS = {
    "isotonic": "isotonic recalibration",
    "logistic": "logistic recalibration",
    "own_scaling": "storms scaled by their own statistics",
}
RECALIBRATION_STYLES: dict[str, dict[str, Any]] = {
    "single": {"color": GREY, "linestyle": "-", "marker": "o"},
    "isotonic": {"color": COLOURS[0], "linestyle": ":", "marker": "s"},
    "logistic": {"color": COLOURS[1], "linestyle": "--", "marker": "^"},
}
DISCARD_ORDERS = {
    "spread": "largest spread first",
    "mutual_information": "largest mutual information first",
    "spread_given_probability": "largest spread first, among like probabilities",
    "total": "largest p(1 − p) first (control)",
    "random": "at random (control)",
}
SPREAD_KINDS = {
    "epistemic": "spread of the members",
    "total": "total spread √(p(1 − p))",
}
PUBLISHED_LINES = {"lesson": (0, (6, 2)), "course": (0, (1, 1.5))}
PUBLISHED_MARKERS = {"lesson": "*", "course": "d"}
PUBLISHED_SCORE: dict[str, Any] = {
    "linestyle": "none",
    "color": GREY,
    "markerfacecolor": "white",
    "markersize": 9,
}

# From light to dark all the way, so that it prints in grey; no storm stays white.
REFLECTIVITY = LinearSegmentedColormap.from_list(
    "reflectivity",
    ["#ffffff", "#d3e6f3", "#8fc1dd", "#5a9e6f", "#e0a030", "#b23a1e", "#4a0d2f"],
)
REFLECTIVITY_RANGE = (0.0, 75.0)


class Series(NamedTuple):
    """One forecast of one model: its label, its rows, and how it is drawn."""

    model: str
    label: str
    rows: pd.DataFrame
    style: dict[str, Any]


def make_figure(
    rows: int = 1,
    columns: int = 1,
    size: tuple[float, float] = (7.0, 6.5),
    made_up: bool = False,
) -> tuple[Figure, np.ndarray]:
    """An empty figure of `size` inches and its axes, shape (rows, columns).

    With `made_up` the figure says that its data are not real.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False)
        if made_up:
            figure.suptitle(
                MADE_UP_NOTE,
                x=0.985,
                ha="right",
                fontsize=9,
                style="italic",
                bbox={
                    "boxstyle": "round,pad=0.3",
                    "facecolor": "#fff3c4",
                    "edgecolor": GREY,
                },
            )
    return figure, axes


def save(figure: Figure, stem: str | os.PathLike[str]) -> None:
    """Write `<stem>.png`, at most 1600 pixels wide, and `<stem>.svg`, with text as text.

    Equal figures give equal files: no time stamp, no random names.
    """
    dots_per_inch = min(200.0, MOST_PIXELS / figure.get_figwidth())
    with matplotlib.rc_context(STYLE):
        with replacing(Path(f"{stem}.png")) as temporary:
            figure.savefig(temporary, dpi=dots_per_inch, metadata={"Software": None})
        with replacing(Path(f"{stem}.svg")) as temporary:
            figure.savefig(temporary, metadata={"Date": None, "Creator": None})


def headline(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that stand for a model: of all its seeds where there are such, else of the first.

    `table` has the columns `model` and `seed`; with one seed all rows are kept.
    """
    seed = table["seed"].astype(str)
    joint = table["model"].isin(table.loc[seed == "all", "model"])
    return table[(seed == "all") | (~joint & _is_first_seed(table))]


def first_seed(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that are of the first seed of their model."""
    return table[_is_first_seed(table)]


def _is_first_seed(table: pd.DataFrame) -> pd.Series:
    numbers = pd.to_numeric(table["seed"].astype(str), errors="coerce")
    return numbers == numbers.groupby(table["model"]).transform("min")


def without_variants(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of forecasts as the models give them: not recalibrated, not scaled otherwise."""
    return table[table["forecast"].isin(FORECASTS)]


def series_of(table: pd.DataFrame, titles: Mapping[str, str]) -> Iterator[Series]:
    """The table's forecasts, one for each model, forecast and seed, in the order of `titles`.

    Raises `UserError` where the table holds a model without a title.
    """
    unknown = set(table["model"]) - set(titles)
    if unknown:
        raise UserError(f"The table holds models without a title: {', '.join(sorted(unknown))}.")
    labels = FORECASTS | VARIANTS
    for index, (model, title) in enumerate(titles.items()):
        own = table[table["model"] == model]
        for forecast in (name for name in labels if (own["forecast"] == name).any()):
            of_forecast = own[own["forecast"] == forecast]
            seeds = of_forecast["seed"].astype(str)
            for seed in seeds.unique():
                label = ", ".join(
                    part
                    for part in (
                        title,
                        labels[forecast],
                        f"seed {seed}" if seeds.nunique() > 1 and seed != "all" else "",
                    )
                    if part
                )
                style = _model_style(index)
                if forecast.endswith("mc_mean"):
                    style |= {"markerfacecolor": "white", "linewidth": 1.2}
                yield Series(model, label, of_forecast[seeds == seed], style)


def _model_style(index: int) -> dict[str, Any]:
    """Colour, line and marker of a model by its place in the list of models."""
    return {
        "color": COLOURS[index % len(COLOURS)],
        "linestyle": LINES[(index + 2 * (index // len(COLOURS))) % len(LINES)],
        "marker": MARKERS[index % len(MARKERS)],
    }


def _legend_below(axes: Axes, columns: int = 2, gap: float = 4.3) -> None:
    """The legend under the axes, `gap` font sizes below them, where it hides no data."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, 0),
            borderaxespad=gap,
            ncols=columns,
        )


def _unit_axes(axes: Axes) -> None:
    """Both axes from 0 to 1, square."""
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")


def _label_end(axes: Axes, text: str, end: tuple[float, float]) -> None:
    """Label of a line that ends on the upper or the right edge of the unit square."""
    above = end[1] == 1 and end[0] < 1
    axes.annotate(
        text,
        end,
        xytext=(0, 3) if above else (4, 0),
        textcoords="offset points",
        va="bottom" if above else "center",
        ha="center" if above else "left",
        fontsize=9,
        color=GREY,
        annotation_clip=False,
    )


def _band(axes: Axes, rows: pd.DataFrame, x: str, low: str, high: str, colour: str) -> None:
    """The interval of a curve as a shaded band, where the table gives one."""
    if {low, high} <= set(rows.columns) and rows[low].notna().any():
        given = rows.dropna(subset=[x, low, high])
        axes.fill_between(given[x], given[low], given[high], color=colour, alpha=0.18, linewidth=0)


def _half_widths(rows: pd.DataFrame, value: str) -> np.ndarray | None:
    """Lengths of error bars below and above `value`, shape (2, row); None where there are none."""
    if not {"low", "high"} <= set(rows.columns) or rows["low"].isna().all():
        return None
    lengths = np.array([rows[value] - rows["low"], rows["high"] - rows[value]], dtype=float)
    return np.clip(np.nan_to_num(lengths), 0, None)


@matplotlib.rc_context(STYLE)
def draw_training_curves(
    axes: Axes,
    histories: Mapping[tuple[str, int], pd.DataFrame],
    titles: Mapping[str, str],
    published: pd.DataFrame | None = None,
) -> None:
    """Loss by epoch of each model and seed, with published losses over them.

    `histories` gives `epoch,loss` by (model, seed); `published` has `source,model,epoch,loss`,
    models as in `titles`. Losses hold the weight penalty, and are taken with dropout at work.
    """
    for index, (model, title) in enumerate(titles.items()):
        seeds = sorted(seed for name, seed in histories if name == model)
        for seed in seeds:
            history = histories[model, seed]
            axes.plot(
                history["epoch"],
                history["loss"],
                label=title if seed == seeds[0] else None,
                alpha=1.0 if seed == seeds[0] else 0.4,
                **_model_style(index),
            )
        if published is None:
            continue
        for source, losses in published[published["model"] == model].groupby("source", sort=False):
            axes.plot(
                losses["epoch"],
                losses["loss"],
                label=f"{title}, {source} (printed)",
                color=COLOURS[index % len(COLOURS)],
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
    _legend_below(axes)


@matplotlib.rc_context(STYLE)
def draw_roc(axes: Axes, table: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Relative operating characteristic with contours of the Peirce skill score.

    `table` has `model,forecast,seed,threshold,pofd,pod` and may have `pod_low,pod_high`, the
    interval of pod at that pofd. Sources: Mason (1982), Peirce (1884).
    """
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="No skill")
    for score in (0.2, 0.4, 0.6, 0.8):
        axes.plot([0, 1 - score], [score, 1], color="#aaaaaa", linewidth=0.8)
        _label_end(axes, f"{score:.1f}", (1 - score, 1))
    for series in series_of(table, titles):
        rows = series.rows.sort_values(["pofd", "pod"])
        _band(axes, rows, "pofd", "pod_low", "pod_high", series.style["color"])
        axes.plot(
            rows["pofd"],
            rows["pod"],
            label=series.label,
            markevery=0.12,
            **series.style,
        )
    _unit_axes(axes)
    axes.set_xlabel("Probability of false detection")
    axes.set_ylabel("Probability of detection")
    axes.set_title("Relative operating characteristic\ngrey lines: Peirce skill score", pad=18)
    _legend_below(axes)


@matplotlib.rc_context(STYLE)
def draw_performance(axes: Axes, table: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Performance diagram with contours of critical success index and frequency bias.

    `table` has `model,forecast,seed,threshold,success_ratio,pod` and may have `pod_low,pod_high`,
    the interval of pod at that success ratio. Source: Roebber (2009).
    """
    ratio, pod = np.meshgrid(np.linspace(0.005, 1, 200), np.linspace(0.005, 1, 200))
    csi = 1 / (1 / ratio + 1 / pod - 1)
    levels = np.arange(0, 1.01, 0.1)
    axes.contourf(ratio, pod, csi, levels, cmap="Greys", vmin=-0.1, vmax=2.2)
    lines = axes.contour(ratio, pod, csi, levels[1:-1], colors="#999999", linewidths=0.7)
    axes.clabel(lines, fmt="%.1f", fontsize=9, colors=GREY)
    for bias in (0.25, 0.5, 1.0, 2.0, 4.0):
        end = (1.0, bias) if bias <= 1 else (1 / bias, 1.0)
        axes.plot([0, end[0]], [0, end[1]], color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
        _label_end(axes, f"{bias:g}", end)
    for series in series_of(table, titles):
        # Thresholds without a hit say nothing and would pull the line to the corner.
        rows = series.rows[series.rows["pod"] > 0].sort_values("threshold")
        _band(axes, rows, "success_ratio", "pod_low", "pod_high", series.style["color"])
        axes.plot(
            rows["success_ratio"],
            rows["pod"],
            label=series.label,
            markevery=0.12,
            **series.style,
        )
    _unit_axes(axes)
    axes.set_xlabel("Success ratio (1 − false alarm ratio)")
    axes.set_ylabel("Probability of detection")
    axes.set_title(
        "Performance diagram\ngrey levels: critical success index; dashed: frequency bias",
        pad=18,
    )
    _legend_below(axes)


@matplotlib.rc_context(STYLE)
def draw_attributes(axes: Axes, table: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Attributes diagram: observed frequency by forecast probability, and where it adds skill.

    `table` has `model,forecast,seed,bin,forecast_mean,observed_frequency,storms,events` and may
    have `low,high`. The shaded area adds to the Brier skill; the inset counts the storms of each
    bin on a logarithmic scale. Source: Hsu and Murphy (1986).
    """
    forecasts = list(series_of(table, titles))
    # Every forecast is of the same storms, so the first one's counts give the climatology.
    climatology = float(forecasts[0].rows["events"].sum() / forecasts[0].rows["storms"].sum())
    c = climatology
    axes.fill([0, c, c, 0], [0, 0, c, c / 2], color="#e9e9e9", linewidth=0)
    axes.fill([c, 1, 1, c], [c, (1 + c) / 2, 1, 1], color="#e9e9e9", linewidth=0)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, label="Perfect reliability")
    axes.plot(
        [0, 1],
        [c / 2, (1 + c) / 2],
        color=GREY,
        linewidth=1,
        linestyle=":",
        label="No skill",
    )
    for number, draw_line in enumerate((axes.axhline, axes.axvline)):
        label = f"No resolution (climatology {c:.3f})" if number == 0 else None
        draw_line(c, color=GREY, linewidth=1, linestyle="--", label=label)
    inset = axes.inset_axes((0.10, 0.66, 0.34, 0.29))
    for series in forecasts:
        rows = series.rows[series.rows["storms"] > 0].sort_values("forecast_mean")
        _band(axes, rows, "forecast_mean", "low", "high", series.style["color"])
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
    _unit_axes(axes)
    axes.set_xlabel("Forecast probability")
    axes.set_ylabel("Observed frequency")
    axes.set_title("Attributes diagram")
    _legend_below(axes)


@matplotlib.rc_context(STYLE)
def draw_recalibration(
    axes: Sequence[Axes] | np.ndarray, table: pd.DataFrame, titles: Mapping[str, str]
) -> None:
    """Observed frequency by probability, as it is and recalibrated: one of `axes` a model.

    `table` has the columns of an attributes diagram, and a model's forecasts are of one seed.
    Axes without a model are left empty. Source: Hsu and Murphy (1986).
    """
    for panel in axes:
        panel.set_axis_off()
    for panel, (model, rows) in zip(axes, table.groupby("model", sort=False), strict=False):
        panel.set_axis_on()
        panel.plot([0, 1], [0, 1], color=GREY, linewidth=1, label="Perfect reliability")
        for forecast, style in RECALIBRATION_STYLES.items():
            drawn = rows[(rows["forecast"] == forecast) & (rows["storms"] > 0)]
            panel.errorbar(
                drawn["forecast_mean"],
                drawn["observed_frequency"],
                yerr=_half_widths(drawn, "observed_frequency"),
                capsize=2,
                label=VARIANTS.get(forecast, "as it is").capitalize(),
                **style,
            )
        _unit_axes(panel)
        panel.set_title(titles[str(model)])
        panel.set_xlabel("Forecast probability")
        panel.set_ylabel("Observed frequency")
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(handles, labels, loc="outside lower center", ncols=2)


@matplotlib.rc_context(STYLE)
def draw_scores(
    axes: Sequence[Axes] | np.ndarray,
    table: pd.DataFrame,
    titles: Mapping[str, str],
    scores: Mapping[str, str],
    published: pd.DataFrame | None = None,
) -> None:
    """Scores with their intervals side by side: one of `axes` a score, one line a forecast.

    `table` has `model,forecast,seed,score,value,low,high`; `scores` gives the scores' labels;
    `published` has `source,model,score,value` and is drawn in open symbols.
    """
    forecasts = list(series_of(table, titles))
    for number, (panel, (score, label)) in enumerate(zip(axes, scores.items(), strict=True)):
        for position, series in enumerate(forecasts):
            rows = series.rows[series.rows["score"] == score]
            panel.errorbar(
                rows["value"],
                np.full(len(rows), position),
                xerr=_half_widths(rows, "value"),
                capsize=3,
                **(series.style | {"linestyle": "none", "linewidth": 1.8}),
            )
        if published is not None:
            _draw_published_scores(panel, forecasts, published[published["score"] == score])
        panel.set_yticks(
            range(len(forecasts)),
            [series.label for series in forecasts] if number == 0 else [""] * len(forecasts),
        )
        panel.set_ylim(len(forecasts) - 0.5, -0.5)
        panel.set_title(label)
        panel.grid(True, axis="x")
        panel.margins(x=0.1)
        panel.locator_params(axis="x", nbins=5)
    if published is not None:
        handles = [
            Line2D(
                [],
                [],
                marker=marker,
                label=f"Printed in the {source}",
                **PUBLISHED_SCORE,
            )
            for source, marker in PUBLISHED_MARKERS.items()
        ]
        axes[0].figure.legend(handles=handles, loc="outside lower center", ncols=2)


def _draw_published_scores(
    axes: Axes, forecasts: Sequence[Series], published: pd.DataFrame
) -> None:
    """Published values of a score on the line of the model's first forecast."""
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
def draw_strata(axes: Axes, table: pd.DataFrame, titles: Mapping[str, str], label: str) -> None:
    """One score by stratum (month, forecast hour, region), each forecast beside the others.

    `table` holds one score and one kind of stratum such as `month=5`, at least one:
    `model,forecast,seed,stratum,value,low,high,events`. Strata keep the table's order and show
    their number of events; an empty value is a stratum with too few.
    """
    strata = table.drop_duplicates("stratum")
    place = {stratum: number for number, stratum in enumerate(strata["stratum"])}
    forecasts = list(series_of(table, titles))
    for number, series in enumerate(forecasts):
        shift = 0.16 * (number - (len(forecasts) - 1) / 2)
        axes.errorbar(
            series.rows["stratum"].map(place) + shift,
            series.rows["value"],
            yerr=_half_widths(series.rows, "value"),
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
    _legend_below(axes, gap=5.8)


@matplotlib.rc_context(STYLE)
def draw_spread_skill(axes: Axes, table: pd.DataFrame) -> None:
    """Error of the Monte Carlo mean by its spread, for one network.

    `table` has `kind,bin,spread,error` and may have `low,high`, and `error_truth` where the true
    probabilities are known. Kind `epistemic` is the members' standard deviation, kind `total` is
    sqrt(p(1 - p)), others are not drawn. Reliable forecasts of a yes/no event lie on the line by
    their total spread; by the members' spread alone they lie above it.
    Sources: Delle Monache et al. (2013), Haynes et al. (2023).
    """
    drawn = table[table["kind"].isin(SPREAD_KINDS)].sort_values("spread")
    for index, (kind, label) in enumerate(SPREAD_KINDS.items()):
        rows = drawn[drawn["kind"] == kind]
        if rows.empty:
            continue
        style = _model_style(index)
        axes.errorbar(
            rows["spread"],
            rows["error"],
            yerr=_half_widths(rows, "error"),
            capsize=3,
            label=label.capitalize(),
            **style,
        )
        if "error_truth" in rows and rows["error_truth"].notna().any():
            axes.plot(
                rows["spread"],
                rows["error_truth"],
                label=f"{label.capitalize()}, error against the truth",
                **(style | {"markerfacecolor": "white", "linewidth": 1.0}),
            )
    limit = 1.05 * float(np.nan_to_num(drawn[["spread", "error"]]).max(initial=0)) or 1.0
    axes.plot([0, limit], [0, limit], color=GREY, linewidth=1, label="Error = spread")
    axes.set_xlim(0, limit)
    axes.set_ylim(0, None)
    axes.set_xlabel("Spread (root mean square)")
    axes.set_ylabel("Root mean square error of the mean")
    axes.set_title("Spread and error")
    axes.grid(True)
    _legend_below(axes)


@matplotlib.rc_context(STYLE)
def draw_discard(axes: Axes, table: pd.DataFrame, label: str) -> None:
    """Score of the storms that remain when the most uncertain are set aside, with two controls.

    `table` holds one network and one score: `order,fraction,value` and maybe `low,high`. Only
    what a spread gains over the control p(1 - p) is evidence that the members add something.
    Sources: Barnes and Barnes (2021), Haynes et al. (2023).
    """
    for index, (order, name) in enumerate(DISCARD_ORDERS.items()):
        rows = table[table["order"] == order].sort_values("fraction")
        if rows.empty:
            continue
        style = _model_style(index)
        if order in ("total", "random"):
            style |= {"color": GREY if order == "random" else "#333333"}
        _band(axes, rows, "fraction", "low", "high", style["color"])
        axes.plot(
            rows["fraction"],
            rows["value"],
            label=name.capitalize(),
            markevery=2,
            **style,
        )
    axes.set_xlabel("Share of storms set aside")
    axes.set_ylabel(label)
    axes.set_title("Discard test")
    axes.grid(True)
    _legend_below(axes)


@matplotlib.rc_context(STYLE)
def draw_entropy_split(axes: Axes, table: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """Entropy of the Monte Carlo mean split into what the members share and where they differ.

    `table` has `model,forecast,seed,score,value` with the scores `expected_entropy` and
    `mutual_information`, in nats. Source: Houlsby et al. (2011).
    """
    forecasts = list(series_of(table, titles))
    place = np.arange(len(forecasts))
    aleatoric, epistemic = (
        np.array([s.rows.loc[s.rows["score"] == score, "value"].iloc[0] for s in forecasts])
        for score in ("expected_entropy", "mutual_information")
    )
    axes.barh(
        place,
        aleatoric,
        color=COLOURS[5],
        edgecolor="black",
        label="Mean entropy of the members (cannot be told from these fields)",
    )
    axes.barh(
        place,
        epistemic,
        left=aleatoric,
        color=COLOURS[1],
        edgecolor="black",
        hatch="///",
        label="Mutual information (the members disagree)",
    )
    for position, inner, outer in zip(place, aleatoric, epistemic, strict=True):
        axes.annotate(
            f"{100 * outer / (inner + outer):.1f} % disagreement",
            (inner + outer, position),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set_yticks(place, [series.label for series in forecasts])
    axes.invert_yaxis()
    axes.margins(x=0.25)
    axes.set_xlabel("Entropy (nats), mean over storms")
    axes.set_title("Entropy of the forecast probability")
    _legend_below(axes, columns=1)


@matplotlib.rc_context(STYLE)
def draw_counts(axes: Axes, table: pd.DataFrame) -> None:
    """Forecast number of events of each run date, as a fan of intervals, and what happened.

    `table` holds one network: `run_date,observed,q05,q25,q50,q75,q95,deterministic`.
    """
    rows = table.sort_values("run_date")
    place = np.arange(len(rows))
    axes.vlines(
        place, rows["q05"], rows["q95"], color=COLOURS[5], linewidth=5, alpha=0.6,
        label="Members, 5 to 95 %",
    )  # fmt: skip
    axes.vlines(
        place,
        rows["q25"],
        rows["q75"],
        color=COLOURS[0],
        linewidth=5,
        label="Members, 25 to 75 %",
    )
    axes.plot(
        place, rows["q50"], linestyle="none", marker="_", markersize=9, color="white",
        markeredgecolor="white", markeredgewidth=1.5,
    )  # fmt: skip
    axes.plot(
        place, rows["deterministic"], linestyle="none", marker="D", markersize=4.5,
        color=COLOURS[1], markerfacecolor="white", label="Without dropout",
    )  # fmt: skip
    axes.plot(
        place, rows["observed"], linestyle="none", marker="X", markersize=7.5, color="black",
        markeredgecolor="white", markeredgewidth=0.6, label="Observed",
    )  # fmt: skip
    dates = pd.to_datetime(rows["run_date"]).dt.strftime("%Y-%m-%d")
    axes.set_xticks(place, dates, rotation=90, fontsize=9)
    axes.set_xlim(-0.7, len(rows) - 0.3)
    axes.set_ylim(0, None)
    axes.set_ylabel("Storms with strong rotation")
    axes.set_title("Events of each run: forecast and observed")
    axes.grid(True, axis="y")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


@matplotlib.rc_context(STYLE)
def draw_case(axes: Sequence[Axes] | np.ndarray, case: xr.Dataset) -> None:
    """One storm: its fields on the first of two axes, its members' probabilities on the second.

    `case` is one storm of a file of cases: `predictors(y, x, variable)`, `probability(member)`,
    `deterministic`, `label`, maybe its `index` among the test storms, coordinate `variable`, and
    those that say where and when it is.
    """
    variables = [str(name) for name in case["variable"].values]
    fields = dict(zip(variables, np.moveaxis(case["predictors"].values, -1, 0), strict=True))
    wind = [fields.get(name) for name in ("U10_curr", "V10_curr")]
    where = f"{pd.Timestamp(case['valid_time'].values):%Y-%m-%d %H} UTC"
    place = f"{_degrees(case['latitude'], 'NS')}, {_degrees(case['longitude'], 'EW')}"
    draw_storm(axes[0], variables[0], fields[variables[0]], *wind)
    number = f"Test storm {int(case['index'])}, " if "index" in case else ""
    axes[0].set_title(f"{number}{where}\n{place}")
    draw_members(
        axes[1],
        case["probability"].values,
        float(case["deterministic"]),
        bool(case["label"]),
    )


def _degrees(angle: xr.DataArray, sides: str) -> str:
    """An angle as on a map: `46.84° N`."""
    return f"{abs(float(angle)):.2f}° {sides[int(float(angle) < 0)]}"


@matplotlib.rc_context(STYLE)
def draw_storm(
    axes: Axes,
    name: str,
    field: np.ndarray,
    eastward: np.ndarray | None = None,
    northward: np.ndarray | None = None,
) -> None:
    """A field of a storm patch, shape (y, x) with south at the bottom, and arrows of the wind.

    Reflectivity (`name` begins with REFL) is in dBZ on a fixed scale, the wind in m/s.
    """
    reflectivity = name.startswith("REFL")
    low, high = REFLECTIVITY_RANGE if reflectivity else (np.nanmin(field), np.nanmax(field))
    image = axes.imshow(
        field,
        origin="lower",
        cmap=REFLECTIVITY if reflectivity else "cividis",
        vmin=low,
        vmax=high,
    )
    label = "Composite reflectivity (dBZ)" if reflectivity else name
    axes.figure.colorbar(image, ax=axes, label=label, shrink=0.85)
    if eastward is not None and northward is not None:
        step = max(1, field.shape[0] // 11)
        rows, columns = np.mgrid[
            step // 2 : field.shape[0] : step, step // 2 : field.shape[1] : step
        ]
        arrows = axes.quiver(
            columns,
            rows,
            eastward[rows, columns],
            northward[rows, columns],
            color="black",
            width=0.006,
            scale=150,
            path_effects=[withStroke(linewidth=1.6, foreground="white")],
        )
        axes.quiverkey(arrows, 0.88, 1.05, 10, "10 m/s", labelpos="W", coordinates="axes")
    axes.set_xlabel("Grid points to the east")
    axes.set_ylabel("Grid points to the north")


@matplotlib.rc_context(STYLE)
def draw_members(
    axes: Axes, probability: np.ndarray, deterministic: float, event: bool | None
) -> None:
    """Distribution of the members' probabilities of one storm, as in the lesson.

    `probability` has shape (member,). Bins are 0.05 wide and their area is 1; lines mark the
    probability without dropout, the members' mean and their median.
    """
    height, _, _ = axes.hist(
        probability,
        bins=np.linspace(0, 1, 21).tolist(),
        density=True,
        color=COLOURS[5],
        edgecolor="white",
        label=f"{len(probability)} members",
    )
    for value, colour, line, label in (
        (deterministic, "red", "-", "Deterministic"),
        (float(np.mean(probability)), "black", "--", "Mean"),
        (float(np.median(probability)), "purple", ":", "Median"),
    ):
        axes.plot(
            [value, value],
            [0, np.max(height)],
            color=colour,
            linestyle=line,
            linewidth=2.5,
            label=f"{label} {value:.2f}",
        )
    outcome = {
        None: "future unknown",
        True: "event observed",
        False: "no event observed",
    }[event]
    axes.set_title(f"Strong rotation: {outcome}")
    axes.set_xlim(0, 1)
    axes.set_xlabel("Probability of strong rotation")
    axes.set_ylabel("Frequency (density)")
    axes.legend(loc="best")


@matplotlib.rc_context(STYLE)
def draw_dropout_masks(axes: np.ndarray, dropout: np.ndarray, spatial_dropout: np.ndarray) -> None:
    """What dropout and spatial dropout make of a field of ones.

    Both arrays have shape (y, x, channel); `axes` has shape (2, channel). Each panel says how
    many values were kept and how large the largest is.
    """
    for row, (name, field) in enumerate(
        (("Dropout", dropout), ("SpatialDropout2D", spatial_dropout))
    ):
        axes[row, 0].set_ylabel(name, fontsize=13)
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
                bbox={"boxstyle": "round", "facecolor": "white", "edgecolor": GREY},
            )


@matplotlib.rc_context(STYLE)
def draw_rate_sweep(
    axes: Axes, table: pd.DataFrame, label: str, chosen: float | None = None
) -> None:
    """A score by dropout rate, with the chosen rate marked.

    `table` holds one score: `rate,value` and maybe `low,high`. Seeds of a rate are averaged; the
    averaged ends of their intervals are never too close together for the averaged score.
    """
    columns = [name for name in ("value", "low", "high") if name in table]
    rows = table.groupby("rate", as_index=False)[columns].mean()
    axes.errorbar(
        rows["rate"],
        rows["value"],
        yerr=_half_widths(rows, "value"),
        capsize=3,
        **_model_style(0),
    )
    if chosen is not None:
        axes.axvline(
            chosen,
            color=COLOURS[1],
            linestyle="--",
            linewidth=1.2,
            label=f"Chosen: {chosen:g}",
        )
    axes.set_xlabel("Dropout rate")
    axes.set_ylabel(label)
    axes.set_title(f"{label} by dropout rate")
    axes.grid(True)
    _legend_below(axes)


@matplotlib.rc_context(STYLE)
def draw_map(
    axes: Axes, longitude: np.ndarray, latitude: np.ndarray, probability: np.ndarray
) -> None:
    """Storms at their longitude and latitude (degrees), coloured and sized by probability.

    The largest probabilities are drawn last. There are no borders: only what is installed is used.
    """
    order = np.argsort(probability, kind="stable")
    colours = matplotlib.colormaps["YlOrRd"]
    scale = Normalize(0, 1)
    axes.scatter(
        longitude[order],
        latitude[order],
        c=probability[order],
        s=12 + 110 * probability[order],
        cmap=colours,
        norm=scale,
        edgecolors="black",
        linewidths=0.4,
    )
    axes.figure.colorbar(
        ScalarMappable(scale, colours),
        ax=axes,
        label="Probability of strong rotation",
        shrink=0.8,
    )
    if len(latitude):
        axes.set_aspect(1 / np.cos(np.radians(np.mean(latitude))))
    axes.margins(0.08)
    axes.grid(True)
    axes.set_xlabel("Longitude (°E)")
    axes.set_ylabel("Latitude (°N)")
    axes.set_title("Probability of strong rotation in the next hour")
