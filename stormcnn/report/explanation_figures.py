"""Figures of explanations: permutation importance, and attributions of single storms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import pandas as pd

from stormcnn.explanation.importance import MULTI_PASS, SINGLE_PASS
from stormcnn.report.case_figures import draw_outline, draw_storm, show_kilometers
from stormcnn.report.figure_style import STYLE, WIDE, make_figure
from stormcnn.report.palette import GRAY, model_style
from stormcnn.report.predictor_names import predictor_name
from stormcnn.report.series import select_headline, select_seeds
from stormcnn.report.words import percent
from stormcnn.storms.patch_file import GRID_SPACING
from stormcnn.storms.titles import is_made_up_title
from stormcnn.verification.score_registry import score_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_MAPS = 2
"""Most maps of attributions next to the fields of a storm."""


def importance_figure(
    importance: pd.DataFrame, titles: Mapping[str, str], score: str, made_up: bool = False
) -> Figure:
    """Return the figure of the loss of one score by permuted predictors.

    `importance` is the table `permutation.csv`; `titles` gives the models' titles in the order of
    the config.
    """
    rows = importance[importance["score"] == score]
    counts = [
        rows.loc[rows["pass"] == name, "predictors"].nunique() for name in (SINGLE_PASS, MULTI_PASS)
    ]
    models = rows["model"].nunique()
    height = 2.0 + 0.24 * sum(counts) * (models + 1)
    figure, axes = make_figure(2, 1, size=(5.2, height), made_up=made_up)
    axes[0, 0].get_gridspec().set_height_ratios([max(count, 1) for count in counts])
    label = f"Loss of {score_text(score).label}"
    for axis, name, title in (
        (axes[0, 0], SINGLE_PASS, "Each alone"),
        (axes[1, 0], MULTI_PASS, "One after the other"),
    ):
        draw_importance(axis, rows[rows["pass"] == name], titles, title)
    limits = [axis.get_xlim() for axis in axes[:, 0]]
    for axis in axes[:, 0]:
        axis.set_xlim(min(low for low, _ in limits), max(high for _, high in limits))
    axes[1, 0].set_xlabel(label)
    return figure


@matplotlib.rc_context(STYLE)
def draw_importance(axes: Axes, table: pd.DataFrame, titles: Mapping[str, str], title: str) -> None:
    """Draw the losses of one score and pass: mean over seeds with interval, a circle per seed.

    `table` has the columns `model`, `seed`, `predictors`, `loss`, `low` and `high`.
    """
    axes.axvline(0, color=GRAY, linewidth=1)
    sets = list(dict.fromkeys(table["predictors"]))
    order = [model for model in titles if model in set(table["model"])]
    for number, model in enumerate(order):
        style = model_style(list(titles).index(model))
        shift = 0.5 * ((number + 0.5) / len(order) - 0.5)
        for place, predictors in enumerate(sets):
            rows = table[(table["model"] == model) & (table["predictors"] == predictors)]
            whole = select_headline(rows)
            y = np.full(len(whole), place + shift)
            axes.hlines(y, whole["low"], whole["high"], color=style["color"], linewidth=1.5)
            axes.plot(
                whole["loss"], y, color=style["color"], marker=style["marker"], markersize=9,
                linestyle="none", markeredgecolor="white",
                label=titles[model] if place == 0 else None,
            )  # fmt: skip
            seeds = select_seeds(rows)
            if len(seeds) > 1:
                below = np.full(len(seeds), place + shift + 0.5 / (2 * len(order)))
                axes.plot(
                    seeds["loss"], below, linestyle="none", marker="o", markersize=4,
                    color="black", markerfacecolor="white", markeredgewidth=0.9,
                )  # fmt: skip
    axes.set_title(title)
    axes.set_ylim(len(sets) - 0.5, -0.5)
    axes.set_yticks(range(len(sets)), _row_names(sets))
    axes.tick_params(axis="y", length=0, labelsize=9.5)
    axes.grid(True, axis="x")
    if len(order) > 1:
        axes.legend(loc="best")


def _row_names(sets: list[str]) -> list[str]:
    """Return a name for each set; one that extends the set before is named by what it adds."""
    names = []
    for number, predictors in enumerate(sets):
        before = f"{sets[number - 1]}+" if number else ""
        added = bool(before) and predictors.startswith(before)
        name = predictor_name(predictors.removeprefix(before) if added else predictors)
        names.append(f"and {name}" if added else name[:1].upper() + name[1:])
    return names


def attribution_figure(storms: xr.Dataset) -> Figure:
    """Return a figure with one row per case study of a file `storms.nc`, or of its first storms.

    Each row has the first field with the wind, and the attributions to the sets of predictors that
    matter most in these storms.
    """
    cases = storms.isel(storm=storms["case"].values == 1)
    shown = cases if cases.sizes["storm"] else storms.isel(storm=slice(6))
    count = shown.sizes["storm"]
    sets = main_sets(shown)
    made_up = is_made_up_title(storms.attrs["title"])
    figure, axes = make_figure(count, 1 + len(sets), size=(WIDE, 2.15 * count), made_up=made_up)
    for index in range(count):
        draw_attribution(axes[index], shown.isel(storm=index), sets)
    return figure


def main_sets(storms: xr.Dataset) -> list[str]:
    """Return the sets of predictors with the largest attributions, at most `MOST_MAPS`.

    Sets are those that are flattened in the counterfactuals, in their order.
    """
    sets = [str(name) for name in storms["flattened"].values]
    sizes = [float(np.abs(attribution_to(storms, name)).mean()) for name in sets]
    largest = np.argsort(sizes)[::-1][:MOST_MAPS]
    return [name for number, name in enumerate(sets) if number in largest]


def attribution_to(storms: xr.Dataset, predictors: str) -> np.ndarray:
    """Return the attribution (..., y, x) to some predictors, whose names are joined by `+`."""
    return storms["attribution"].sel(variable=predictors.split("+")).sum("variable").values


@matplotlib.rc_context(STYLE)
def draw_attribution(axes: np.ndarray, storm: xr.Dataset, sets: list[str]) -> None:
    """Draw one storm: its first field and wind, then a map for each set of predictors.

    `storm` is one storm of a file `storms.nc`. A map that fails its test says so.
    """
    variables = [str(name) for name in storm["variable"].values]
    fields = dict(zip(variables, np.moveaxis(storm["predictors"].values, -1, 0), strict=True))
    wind = [fields.get(name) for name in ("U10_curr", "V10_curr")]
    units = str(storm["units"].values[0])
    draw_storm(axes[0], variables[0], units, fields[variables[0]], *wind)
    event = "event" if int(storm["label"]) else "no event"
    probability = percent(float(storm["probability"]))
    axes[0].set_title(f"Test storm {int(storm['index'])}\n{probability}, {event}", fontsize=8.5)
    maps = [attribution_to(storm, name) for name in sets]
    limit = max(float(np.abs(values).max()) for values in maps) or 1.0
    colors = matplotlib.colormaps["PuOr_r"]
    failed = "" if int(storm["passed"]) else "FAILS ITS TEST: "
    for axis, name, values in zip(axes[1:], sets, maps, strict=True):
        image = axis.imshow(values, origin="lower", cmap=colors, vmin=-limit, vmax=limit)
        flat = float(storm["flattened_probability"].sel(flattened=name))
        axis.set_title(
            f"{failed}{predictor_name(name)}\n{percent(flat)} if flat",
            fontsize=8.5,
            color="#b30000" if failed else "black",
        )
        axis.tick_params(labelsize=8)
        axis.set_xlabel("Grid points eastward", fontsize=8.5)
    bar = axes[0].figure.colorbar(image, ax=axes[-1])
    bar.set_label("log odds per grid point", size=8)
    bar.ax.tick_params(labelsize=8)
    for axis in axes:
        if "masks" in storm:
            draw_outline(axis, storm["masks"].values)
        if (spacing := storm.attrs.get(GRID_SPACING)) is not None:
            show_kilometers(axis, spacing)
    for axis in axes[1:]:
        axis.set_ylabel("")
