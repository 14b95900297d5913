"""The map of a forecast as a figure, for e-mail and print."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.patches import Patch, Rectangle
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from stormcnn.forecast.headline import write_headline
from stormcnn.forecast.map_shapes import map_shapes
from stormcnn.forecast.probability_steps import COLORS, step_labels, step_of
from stormcnn.forecast.selection import choose_shown, describe_cut, select_storms
from stormcnn.forecast.storm_texts import window_texts
from stormcnn.report.figure_style import STYLE, make_figure
from stormcnn.report.palette import GRAY
from stormcnn.report.words import percent
from stormcnn.storms.titles import is_made_up_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from stormcnn.forecast.contents import ForecastContents
    from stormcnn.forecast.map_shapes import MapShapes

SIZE = (9.0, 8.2)
"""Size of the figure in inches."""

LABELED = 5
"""Most storms that are labeled with number and probability."""

EDGE = "#3d3226"
"""Color of the edges of storms and tracks."""

QUIET = "#9aa5b1"
"""Color of borders, and of the edges of storms and tracks of the lowest step."""


@matplotlib.rc_context(STYLE)
def draw_forecast_map(contents: ForecastContents) -> Figure:
    """Return a map of all storms of a forecast in the projection of the model grid.

    Storms are outlines, or dots if their grid points have no positions, colored by probability, the
    most probable on top. The headline of the forecast is the title. Without storms, the figure
    consists of the headline only.
    """
    forecast = contents.forecast
    attributes = forecast.attrs
    figure, ((axes,),) = make_figure(size=SIZE, made_up=is_made_up_title(attributes["title"]))
    axes.set_axis_off()
    run = pd.Timestamp(attributes["run_date"])
    issued = pd.Timestamp(attributes["issued"])
    about = f"Run of {run:%a %Y-%m-%d %H:%M} UTC, issued {issued:%Y-%m-%d %H:%M} UTC"
    shown = choose_shown(forecast)
    paragraphs = filter(None, [write_headline(contents), describe_cut(forecast, shown), about])
    axes.set_title("\n".join(textwrap.fill(text, 100) for text in paragraphs), fontsize=10.5)
    if forecast.sizes["storm"]:
        contents = select_storms(contents, shown)
        shapes = map_shapes(contents)
        _draw_base(axes, shapes)
        _draw_tracks(axes, contents, shapes)
        _draw_storms(axes, contents, shapes)
        _label_storms(axes, contents, shapes)
        axes.legend(
            handles=[
                Patch(facecolor=color, edgecolor=EDGE, label=label)
                for color, label in zip(COLORS, step_labels(), strict=True)
            ],
            title=f"Probability of {attributes['event_title']} {attributes['event_lead']}".strip(),
            loc="upper center",
            bbox_to_anchor=(0.5, 0),
            ncols=len(COLORS),
            columnspacing=1.2,
            handlelength=1.4,
        )
    return figure


def _draw_base(axes: Axes, shapes: MapShapes) -> None:
    """Draw borders, a frame and a bar of 100 km or about a fifth of the width."""
    for lines, width in ((shapes.states, 0.6), (shapes.countries, 0.9)):
        axes.add_collection(LineCollection(lines, colors=QUIET, linewidths=width))
    low, high = shapes.low, shapes.high
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_aspect("equal")
    axes.add_patch(
        Rectangle((low[0], low[1]), *(high - low), fill=False, edgecolor=GRAY, linewidth=1.2)
    )
    across = high[0] - low[0]
    power = 10.0 ** np.floor(np.log10(across / 5))
    length = max(times * power for times in (1, 2, 5) if times * power <= across / 5)
    start = low + 0.03 * across
    axes.plot([start[0], start[0] + length], [start[1]] * 2, color="black", linewidth=3)
    axes.text(start[0], start[1] + 0.01 * across, f"{length:g} km", fontsize=9)


def _draw_tracks(axes: Axes, contents: ForecastContents, shapes: MapShapes) -> None:
    """Connect the storms of each track; a part has the color of the storm at its end."""
    forecast = contents.forecast
    order = np.lexsort((forecast["valid_time"].values, forecast["track_id"].values))
    same = np.diff(forecast["track_id"].values[order]) == 0
    starts, ends = order[:-1][same], order[1:][same]
    parts = np.stack([shapes.centers[starts], shapes.centers[ends]], axis=1)
    steps = step_of(forecast["probability"].values[ends])
    likely = steps > 0
    axes.add_collection(LineCollection(list(parts[~likely]), colors=QUIET, linewidths=0.6))
    axes.add_collection(LineCollection(list(parts[likely]), colors=EDGE, linewidths=2.4))
    colors = [COLORS[step] for step in steps[likely]]
    axes.add_collection(LineCollection(list(parts[likely]), colors=colors, linewidths=1.4))


def _draw_storms(axes: Axes, contents: ForecastContents, shapes: MapShapes) -> None:
    steps = step_of(contents.forecast["probability"].values)
    colors = np.array(COLORS)[steps]
    edges = np.where(steps > 0, EDGE, QUIET)
    outlined = [storm for storm, rings in enumerate(shapes.outlines) if rings]
    paths = [Path.make_compound_path(*map(Path, shapes.outlines[storm])) for storm in outlined]
    axes.add_collection(
        PathCollection(
            paths[::-1],
            facecolors=colors[outlined][::-1],
            edgecolors=edges[outlined][::-1],
            linewidths=0.6,
            zorder=3,
        ),
        autolim=False,
    )
    others = [storm for storm, rings in enumerate(shapes.outlines) if not rings]
    axes.scatter(
        shapes.centers[others][::-1, 0],
        shapes.centers[others][::-1, 1],
        c=list(colors[others][::-1]),
        s=36,
        edgecolors=edges[others][::-1].tolist(),
        linewidths=0.6,
        zorder=3,
    )


def _label_storms(axes: Axes, contents: ForecastContents, shapes: MapShapes) -> None:
    """Write number, probability and time above the most probable storms.

    Storms whose texts would overlap with those of more probable ones have none.
    """
    forecast = contents.forecast
    width = shapes.high[0] - shapes.low[0]
    apart = np.array([0.24, 0.03]) * width
    windows = window_texts(forecast)
    labeled: list[np.ndarray] = []
    for storm in range(forecast.sizes["storm"]):
        place = shapes.centers[storm]
        if any((np.abs(place - other) < apart).all() for other in labeled):
            continue
        labeled.append(place)
        share = (place[0] - shapes.low[0]) / width
        number = int(forecast["patch"].values[storm])
        axes.annotate(
            f"{number}: {percent(float(forecast['probability'].values[storm]))}, {windows[storm]}",
            place,
            (0, 7),
            textcoords="offset points",
            ha="left" if share < 0.12 else "right" if share > 0.88 else "center",
            fontsize=8.5,
            fontweight="bold",
            zorder=4,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )
        if len(labeled) == LABELED:
            return
