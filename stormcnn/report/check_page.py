"""The page of `check_data`: what was understood of the run files, before any training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stormcnn.io import write_text
from stormcnn.report.check_figures import (
    MOST_YEARS,
    calendar_figure,
    groups_figure,
    storms_figure,
    thresholds_figure,
    values_figure,
)
from stormcnn.report.check_tables import (
    file_table,
    group_table,
    other_variables_table,
    split_table,
    threshold_table,
    values_table,
)
from stormcnn.report.downloads import data_uri
from stormcnn.report.figure_style import png_of, svg_of
from stormcnn.report.table_cells import percentage
from stormcnn.report.templates import open_template
from stormcnn.report.words import block_name
from stormcnn.verification.period_choice import ASSUMED_SKILL

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from matplotlib.figure import Figure

    from stormcnn.report.check_summary import DataCheck
    from stormcnn.report.check_warnings import DataWarning
    from stormcnn.vocabulary import StrPath

DOTS_PER_INCH = 130
"""Resolution of the fields of storms."""

MOST_VARIABLES = 8
"""Most predictors whose fields are shown."""


def write_check(
    path: StrPath,
    template: StrPath,
    check: DataCheck,
    warnings: Sequence[DataWarning],
    storms: Sequence[xr.Dataset],
) -> None:
    """Write the page; `storms` are those whose fields are shown."""
    content = _collect_content(check, warnings, storms)
    write_text(open_template(Path(template), ("tables.js",)).render(content), path)


def _collect_content(
    check: DataCheck, warnings: Sequence[DataWarning], storms: Sequence[xr.Dataset]
) -> dict[str, Any]:
    """Return the variables of the template."""
    survey = check.survey
    usable = survey.usable
    days = check.days
    per_day = days["runs"].value_counts().sort_index()
    hours = sorted({text[11:16] for text in usable["run_date"]})
    return {
        "name": check.name,
        "made_up": check.made_up,
        "event": check.event,
        "event_known": check.peak.size > 0,
        "warnings": warnings,
        "files": {"found": len(survey.files), "usable": len(usable)},
        "storms": survey.storms.sizes["storm"],
        "events": int(check.event_or_unknown.sum()) if check.event_or_unknown is not None else None,
        "event_share": percentage(check.event_share),
        "dates": [f"{days.index.min():%Y-%m-%d}", f"{days.index.max():%Y-%m-%d}"],
        "days": len(days),
        "runs_per_day": [
            f"{runs} {'run' if runs == 1 else 'runs'} on {number:,} "
            f"{'day' if number == 1 else 'days'}"
            for runs, number in per_day.items()
        ],
        "hours": hours,
        "lead": _range(survey.storms["forecast_hour"].values),
        "longitude": _range(survey.storms["longitude"].values),
        "latitude": _range(survey.storms["latitude"].values),
        "patch_sizes": check.patch_sizes,
        "spacing": survey.grid_spacing_km,
        "oriented": survey.oriented,
        "block": block_name(check.block),
        "confidence": f"{100 * check.confidence:g}",
        "skill": ASSUMED_SKILL,
        "suggested": check.suggested,
        "suggestion_suffices": check.suggested is not None and check.suggested.is_sufficient,
        "outlined": "masks" in storms[0],
        "not_taken": check.not_taken,
        "file_table": file_table(survey.files),
        "values_table": values_table(survey.fields),
        "other_variables": other_variables_table(survey),
        "thresholds": threshold_table(check),
        "groups": group_table(check.groups),
        "splits": split_table(check),
        "figures": _figures(check, storms),
    }


def _range(values: np.ndarray) -> list[str]:
    """Return the smallest and the largest value."""
    return [f"{value:.4g}".replace("-", "−") for value in (values.min(), values.max())]


def _figures(check: DataCheck, storms: Sequence[xr.Dataset]) -> dict[str, list[dict[str, str]]]:
    """Return the figures of each section for the macro `figures_of`."""
    years = sorted(set(check.days.index.year))
    notes = " The orange line is split.test_start." if int(check.test_start[:4]) in years else ""
    if len(years) > MOST_YEARS:
        notes += f" Only the last {MOST_YEARS} years are shown."
    known = check.peak.size > 0
    pictures = [
        _storm_picture(check, storms, variable)
        for variable in list(check.predictors)[:MOST_VARIABLES]
    ]
    sections = {
        "variables": [
            _as_svg(
                values_figure(check.survey.fields, check.made_up),
                "Values",
                "Histograms of values at grid points of valid storms, drawn at random: up to 2,000 "
                "per file. The ranges in the table are those of all values.",
                "wide",
            )
        ],
        "dates": [
            _as_svg(
                calendar_figure(check.days, check.test_start, check.made_up),
                "Run dates",
                "Each square is a day, each column a week that begins on Monday. Days with runs "
                f"are colored by their number of storms.{notes}",
                "wide",
            )
        ],
        "events": [
            _as_svg(
                groups_figure(check.groups, check.made_up),
                "Events by year, month and lead time" if known else "Storms",
                (
                    "Share of events among the storms of each year, month (of the valid time) and "
                    "full hour of lead time. Numbers at the bars are events."
                    if known
                    else "Storms of each year, month (of the valid time) and hour of lead time."
                ),
                "narrow",
            )
        ],
        "storms": pictures[:1],
        "more_storms": pictures[1:],
        "thresholds": [],
    }
    if known:
        sections["thresholds"].append(
            _as_svg(
                thresholds_figure(check),
                "Thresholds",
                "Share of storms that would be events, by threshold. Dots are the thresholds of "
                "the table.",
                "narrow",
            )
        )
    return sections


def _as_svg(figure: Figure, title: str, caption: str, shape: str) -> dict[str, str]:
    return _entry(data_uri(svg_of(figure), "image/svg+xml"), title, caption, shape)


def _storm_picture(check: DataCheck, storms: Sequence[xr.Dataset], variable: str) -> dict[str, str]:
    """Return the fields of storms, whose colors stay the same on a dark page."""
    size = check.patch_sizes.split(", ")[0]
    spacing = check.survey.grid_spacing_km
    scale = f", {spacing:.2g} km apart" if np.isfinite(spacing) else ""
    outline = " The line is the outline of the storm (masks)." if "masks" in storms[0] else ""
    return _entry(
        data_uri(png_of(storms_figure(storms, variable, check), DOTS_PER_INCH), "image/png"),
        variable,
        f"{len(storms)} storms with {size} grid points{scale}; north is at the top.{outline}",
        "fields",
    )


def _entry(source: str, title: str, caption: str, shape: str) -> dict[str, str]:
    return {
        "source": source,
        "title": title,
        "shape": shape,
        "caption": caption,
        "finding": f"{title}. {caption}",
    }
