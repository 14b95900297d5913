"""Figures of single storms: the fields of a patch and the probabilities of its MC members."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from stormcnn.report.field_style import REFLECTIVITY, REFLECTIVITY_RANGE, field_label
from stormcnn.report.figure_style import STYLE, WIDE, make_figure
from stormcnn.report.palette import COLORS
from stormcnn.storms.patch_file import GRID_SPACING
from stormcnn.storms.titles import is_made_up_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def case_figure(cases: xr.Dataset) -> Figure:
    """Return a figure with one row per storm of a file `cases.nc`."""
    count = cases.sizes["storm"]
    made_up = is_made_up_title(cases.attrs["title"])
    figure, axes = make_figure(count, 2, size=(WIDE, 2.7 * count), made_up=made_up)
    for index in range(count):
        draw_case(axes[index], cases.isel(storm=index))
    return figure


@matplotlib.rc_context(STYLE)
def draw_case(axes: Sequence[Axes] | np.ndarray, case: xr.Dataset) -> None:
    """Draw one storm: its fields on the first of two axes, the MC probabilities on the second.

    `case` is one storm of a file `cases.nc`: `predictors(y, x, variable)`,
    `probability(mc_member)`, `deterministic`, `label`, optionally its `index` among the test
    storms and `masks(y, x)`, and the coordinates `variable`, `valid_time`, `latitude` and
    `longitude`. Axes are in kilometers if the attribute `grid_spacing_km` is known, or else in grid
    points.
    """
    variables = [str(name) for name in case["variable"].values]
    fields = dict(zip(variables, np.moveaxis(case["predictors"].values, -1, 0), strict=True))
    wind = [fields.get(name) for name in ("U10_curr", "V10_curr")]
    time = f"{pd.Timestamp(case['valid_time'].values):%Y-%m-%d %H} UTC"
    place = f"{_degrees(case['latitude'], 'NS')}, {_degrees(case['longitude'], 'EW')}"
    units = [str(text) for text in case["units"].values] if "units" in case else [""]
    draw_storm(axes[0], variables[0], units[0], fields[variables[0]], *wind)
    if "masks" in case:
        draw_outline(axes[0], case["masks"].values)
    if (spacing := case.attrs.get(GRID_SPACING)) is not None:
        show_kilometers(axes[0], spacing)
    number = f"Test storm {int(case['index'])}, " if "index" in case else ""
    axes[0].set_title(f"{number}{time}\n{place}", fontsize=8.5)
    draw_members(
        axes[1],
        case["probability"].values,
        float(case["deterministic"]),
        bool(case["label"]),
    )


def _degrees(angle: xr.DataArray, sides: str) -> str:
    """Return an angle as on a map: `46.84° N`."""
    return f"{abs(float(angle)):.2f}° {sides[int(float(angle) < 0)]}"


@matplotlib.rc_context(STYLE)
def draw_storm(
    axes: Axes,
    name: str,
    units: str,
    field: np.ndarray,
    eastward: np.ndarray | None = None,
    northward: np.ndarray | None = None,
) -> None:
    """Draw a field of a storm patch, shape (y, x) with south at the bottom, and wind arrows.

    `name` and `units` are those of the variable; reflectivity (`name` begins with REFL) has a fixed
    scale. Wind is in m/s.
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
    bar = axes.figure.colorbar(image, ax=axes)
    bar.set_label(field_label(name, units), size=8)
    bar.ax.tick_params(labelsize=8)
    axes.tick_params(labelsize=8)
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
        axes.quiverkey(
            arrows, 1.25, 1.07, 10, "10 m/s", labelpos="N", coordinates="axes",
            fontproperties={"size": 8},
        )  # fmt: skip
    axes.set_xlabel("Grid points eastward", fontsize=8.5)
    axes.set_ylabel("northward", fontsize=8.5)


def show_kilometers(axes: Axes, spacing: float) -> None:
    """Label the axes of a storm patch in kilometers; `spacing` is that of the grid points."""
    for axis, direction in ((axes.xaxis, "eastward"), (axes.yaxis, "northward")):
        low, high = axis.get_view_interval()
        marks = MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(0, high * spacing)
        marks = [mark for mark in marks if low * spacing <= mark <= high * spacing]
        axis.set_ticks([mark / spacing for mark in marks], [f"{mark:g}" for mark in marks])
        axis.set_label_text(f"km {direction}", fontsize=8.5)


@matplotlib.rc_context(STYLE)
def draw_outline(axes: Axes, mask: np.ndarray) -> None:
    """Draw the outline of a storm; `mask` (y, x) is 1 at its grid points, else 0."""
    # A margin of zeros closes the outline of a storm that reaches the edge of the patch.
    inside = np.pad(mask, 1)
    steps = np.arange(-1, len(mask) + 1), np.arange(-1, mask.shape[1] + 1)
    axes.contour(steps[1], steps[0], inside, levels=[0.5], colors="#d4006a", linewidths=1.5)
    axes.set_xlim(-0.5, mask.shape[1] - 0.5)
    axes.set_ylim(-0.5, len(mask) - 0.5)


@matplotlib.rc_context(STYLE)
def draw_members(axes: Axes, probability: np.ndarray, deterministic: float, event: bool) -> None:
    """Draw the histogram of one storm's MC probabilities, as the AMS lesson does.

    `probability` has shape (mc_member,). Bins are 0.05 wide and the histogram has area 1; lines
    mark the probability without dropout, and the mean and median of the MC members.
    """
    height, _, _ = axes.hist(
        probability,
        bins=np.linspace(0, 1, 21).tolist(),
        density=True,
        color=COLORS[5],
        edgecolor="white",
        label=f"{len(probability)} MC members",
    )
    for value, color, line, label in (
        (deterministic, "red", "-", "Without dropout"),
        (float(np.mean(probability)), "black", "--", "Mean"),
        (float(np.median(probability)), "purple", ":", "Median"),
    ):
        axes.plot(
            [value, value],
            [0, np.max(height)],
            color=color,
            linestyle=line,
            linewidth=2,
            label=f"{label} {value:.2f}",
        )
    axes.set_title("Event observed" if event else "No event observed", fontsize=8.5)
    axes.set_xlim(0, 1)
    axes.set_xlabel("Probability of the event", fontsize=8.5)
    axes.set_ylabel("Density", fontsize=8.5)
    axes.tick_params(labelsize=8)
    axes.legend(loc="best", fontsize=8)
