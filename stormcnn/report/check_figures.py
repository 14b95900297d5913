"""Figures of the page of `check_data`: values, run dates, events and fields of storms."""

from __future__ import annotations

import calendar
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PatchCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from stormcnn.report.case_figures import draw_outline
from stormcnn.report.field_style import REFLECTIVITY, REFLECTIVITY_RANGE, field_label
from stormcnn.report.figure_style import NARROW, STYLE, WIDE, make_figure
from stormcnn.report.palette import COLORS, GRAY
from stormcnn.storms.event_texts import name_of
from stormcnn.storms.events import exceeds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from stormcnn.report.check_summary import DataCheck
    from stormcnn.storms.survey import FieldSurvey

MOST_YEARS = 12
"""Most years that the calendar shows: the last ones with runs."""

MOST_LABELED = 16
"""Most bars whose numbers are written above them."""

GROUP_LABELS = {"year": "Year", "month": "Month", "lead_hour": "Lead time (h)"}

# Light to dark, so that days with few storms are still visible on white.
STORM_COLORS = LinearSegmentedColormap.from_list("storms", ["#bfdcee", "#0072b2", "#062a44"])


def values_figure(fields: Mapping[str, FieldSurvey], made_up: bool) -> Figure:
    """Return a histogram of each field."""
    rows = -(-len(fields) // 2)
    figure, axes = make_figure(rows, 2, size=(WIDE, 2.4 * rows), made_up=made_up)
    for place, (name, values) in zip(axes.flat, fields.items(), strict=False):
        with matplotlib.rc_context(STYLE):
            sample = values.sample
            share = np.full(sample.size, 100 / max(sample.size, 1))
            place.hist(sample, bins=50, weights=share, color=COLORS[0])
            place.set_title(name, fontsize=10)
            place.set_xlabel(field_label(name, values.units), fontsize=9)
            place.set_ylabel("Values (%)", fontsize=9)
            place.tick_params(labelsize=9)
            place.xaxis.set_major_locator(MaxNLocator(5))
    for unused in axes.flat[len(fields) :]:
        unused.set_axis_off()
    return figure


def calendar_figure(days: pd.DataFrame, test_start: str, made_up: bool) -> Figure:
    """Return a calendar with the number of storms per day; `days` is `DataCheck.days`.

    A line marks the start of the test period.
    """
    years = sorted(set(days.index.year))[-MOST_YEARS:]
    size = (WIDE, 1.0 + 1.05 * len(years))
    figure, axes = make_figure(len(years), 1, size=size, made_up=made_up)
    norm = Normalize(0, max(int(days["storms"].max()), 1))
    for place, year in zip(axes[:, 0], years, strict=True):
        _draw_year(place, year, days[days.index.year == year], norm, pd.Timestamp(test_start))
    with matplotlib.rc_context(STYLE):
        bar = figure.colorbar(
            ScalarMappable(norm, STORM_COLORS),
            ax=axes[:, 0],
            orientation="horizontal",
            fraction=0.12 / len(years),
            pad=0.02,
            aspect=40,
        )
        bar.set_label("Storms per day", size=9)
        bar.ax.tick_params(labelsize=9)
        bar.ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return figure


@matplotlib.rc_context(STYLE)
def _draw_year(
    axes: Axes, year: int, days: pd.DataFrame, norm: Normalize, test_start: pd.Timestamp
) -> None:
    """Draw a year with a column per week and a row per weekday, Monday at the top."""
    every = pd.date_range(f"{year}-01-01", f"{year}-12-31")
    first = every[0].weekday()

    def cell(day: pd.Timestamp) -> tuple[float, float]:
        place = day.day_of_year - 1 + first
        return place // 7 + 0.08, place % 7 + 0.08

    empty = [Rectangle(cell(day), 0.84, 0.84) for day in every]
    axes.add_collection(PatchCollection(empty, facecolor="#e9ecef", linewidth=0))
    filled = [Rectangle(cell(day), 0.84, 0.84) for day in days.index]
    colors = STORM_COLORS(norm(days["storms"].to_numpy()))
    axes.add_collection(PatchCollection(filled, facecolor=colors, linewidth=0))
    if test_start.year == year:
        place = test_start.day_of_year - 1 + first
        week, weekday = divmod(place, 7)
        axes.plot(
            [week + 1, week + 1, week, week],
            [0, weekday, weekday, 7],
            color=COLORS[1],
            linewidth=1.8,
        )
    axes.set_xlim(0, 54)
    axes.set_ylim(7, 0)
    axes.set_yticks([0.5, 2.5, 4.5, 6.5], ["Mon", "Wed", "Fri", "Sun"], fontsize=8)
    middle = pd.to_datetime([f"{year}-{month:02}-15" for month in range(1, 13)])
    ticks = [(day.day_of_year + first) / 7 for day in middle]
    axes.set_xticks(ticks, [f"{day:%b}" for day in middle], fontsize=8)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_title(str(year), fontsize=9.5, pad=3)


def groups_figure(groups: pd.DataFrame, made_up: bool) -> Figure:
    """Return events by year, month and lead time; `groups` is `DataCheck.groups`.

    Storms are shown if the events are unknown.
    """
    figure, axes = make_figure(3, 1, size=(NARROW[0], 7.0), made_up=made_up)
    for place, (kind, label) in zip(axes[:, 0], GROUP_LABELS.items(), strict=True):
        _draw_groups(place, groups[groups["kind"] == kind], label)
    return figure


@matplotlib.rc_context(STYLE)
def _draw_groups(axes: Axes, rows: pd.DataFrame, label: str) -> None:
    known = rows["events"].notna().all()
    height = 100 * rows["events"] / rows["storms"] if known else rows["storms"]
    # Gaps between groups, such as months without storms, are kept.
    bars = axes.bar(rows["group"], height, color=COLORS[0] if known else GRAY, width=0.8)
    if len(rows) <= MOST_LABELED:
        numbers = rows["events"] if known else rows["storms"]
        axes.bar_label(bars, [f"{int(number):,}" for number in numbers], fontsize=8, padding=1)
        axes.margins(y=0.15)
    first, last = int(rows["group"].min()), int(rows["group"].max())
    axes.set_xlim(first - 1.5, last + 1.5)
    axes.xaxis.set_major_locator(MaxNLocator(12, integer=True, min_n_ticks=1))
    if label == GROUP_LABELS["month"]:
        months = range(first, last + 1)
        axes.set_xticks(months, [calendar.month_abbr[month] for month in months])
    elif len(rows) <= MOST_LABELED:
        axes.set_xticks(rows["group"])
    axes.set_xlabel(label, fontsize=9.5)
    axes.set_ylabel("Events (%)" if known else "Storms", fontsize=9.5)
    axes.tick_params(labelsize=9)


def thresholds_figure(check: DataCheck) -> Figure:
    """Return the share of storms above each threshold, with those of the table marked."""
    figure, axes = make_figure(size=(NARROW[0], 3.8), made_up=check.made_up)
    _draw_thresholds(axes[0, 0], check)
    return figure


@matplotlib.rc_context(STYLE)
def _draw_thresholds(axes: Axes, check: DataCheck) -> None:
    peak = np.sort(check.peak)
    # At each peak, the share of storms whose peak is larger.
    share = 100 * (1 - np.arange(1, peak.size + 1) / peak.size)
    few = np.unique(np.linspace(0, peak.size - 1, 1000).round().astype(int))
    axes.step(peak[few], share[few], where="post", color=COLORS[0])
    axes.axvline(check.threshold, color=COLORS[1], linestyle="--", label="event.threshold")
    for aim, threshold in check.thresholds.items():
        axes.plot(threshold, 100 * check.share_above(threshold), "o", color="black", markersize=5)
        axes.annotate(
            f"{100 * aim:g} %",
            (threshold, 100 * check.share_above(threshold)),
            textcoords="offset points",
            xytext=(6, 4),
            fontsize=9,
        )
    axes.set_yscale("log")
    axes.set_ylim(max(100 / peak.size, 1e-3) * 0.7, 130)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    units = f" ({check.event.units})" if check.event.units else ""
    name = name_of(check.target)
    axes.set_xlabel(f"Threshold of {name}{units}", fontsize=9.5)
    axes.set_ylabel("Storms above it (%)", fontsize=9.5)
    axes.tick_params(labelsize=9)
    axes.grid(True)
    axes.legend(fontsize=9)


def storms_figure(
    storms: Sequence[xr.Dataset], variable: str, check: DataCheck, columns: int = 3
) -> Figure:
    """Return a field of some storms with the outlines of their masks, on a common scale."""
    rows = -(-len(storms) // columns)
    size = (WIDE, 0.7 + 2.45 * rows)
    figure, axes = make_figure(rows, columns, size=size, made_up=check.made_up)
    fields = [storm["predictors"].sel(variable=variable).values for storm in storms]
    reflectivity = variable.startswith("REFL")
    low, high = (
        REFLECTIVITY_RANGE
        if reflectivity
        else (min(field.min() for field in fields), max(field.max() for field in fields))
    )
    scale = {"vmin": low, "vmax": high, "cmap": REFLECTIVITY if reflectivity else "cividis"}
    with matplotlib.rc_context(STYLE):
        for place, field, storm in zip(axes.flat, fields, storms, strict=False):
            image = place.imshow(field, origin="lower", interpolation="nearest", **scale)
            if "masks" in storm:
                draw_outline(place, storm["masks"].values)
            place.set_xticks([])
            place.set_yticks([])
            place.set_title(_title(storm, check), fontsize=8)
        for unused in axes.flat[len(storms) :]:
            unused.set_axis_off()
        bar = figure.colorbar(
            image, ax=axes, orientation="horizontal", fraction=0.05 / rows, pad=0.01, aspect=40
        )
        bar.set_label(field_label(variable, check.survey.fields[variable].units), size=9)
        bar.ax.tick_params(labelsize=9)
    return figure


def _title(storm: xr.Dataset, check: DataCheck) -> str:
    """Return when and where a storm is, and whether it is an event."""
    time = f"{pd.Timestamp(storm['valid_time'].values):%Y-%m-%d %H:%M} UTC"
    latitude, longitude = float(storm["latitude"]), float(storm["longitude"])
    place = (
        f"{abs(latitude):.1f}° {'NS'[latitude < 0]}, {abs(longitude):.1f}° {'EW'[longitude < 0]}"
    )
    lines = [time, f"{place}, +{float(storm['forecast_hour']):g} h"]
    if "peak" in storm:
        event = exceeds(storm["peak"].values, check.threshold)
        peak = f"{float(storm['peak']):.4g} {check.event.units}"
        lines.append(f"{'event' if event else 'no event'}: {peak}")
    return "\n".join(lines)
