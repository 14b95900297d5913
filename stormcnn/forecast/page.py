"""The page of a forecast: one HTML file with map, list and storms that opens anywhere, offline.

Everything that comes from a file is escaped, and the page's content security policy forbids all
requests (`stormcnn.report.templates`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from stormcnn.forecast.contents import ForecastContents
from stormcnn.forecast.headline import describe_record, find_limits, write_headline
from stormcnn.forecast.page_data import page_data
from stormcnn.forecast.selection import choose_shown, describe_cut
from stormcnn.forecast.storm_texts import (
    outer_quantiles,
    spread_text,
    window_texts,
)
from stormcnn.io import write_text
from stormcnn.report.table_cells import Cell, Table, text_cell
from stormcnn.report.templates import open_template
from stormcnn.report.words import RECALIBRATION_WORDS, percent
from stormcnn.storms.event_texts import EventTexts, event_texts
from stormcnn.storms.titles import is_made_up_title
from stormcnn.vocabulary import StrPath

TEMPLATE = Path(__file__).parents[2] / "report" / "forecast.html.jinja"
SCRIPTS = ("tables.js", "field.js", "forecast_storm.js", "forecast.js")
STYLES = ("report.css", "forecast.css")

RADIUS = "neighbourhood_radius_km"
"""Attribute of neighborhood probabilities: the radius of the neighborhood in kilometers."""

MOST_ROWS = 20
"""Rows of the list that a browser without JavaScript shows."""


def write_page(contents: ForecastContents, path: StrPath) -> None:
    """Write the page of a forecast as one HTML file.

    With more than `selection.MOST_STORMS` storms, it has those of the most probable tracks, and
    says so. Without storms, it says that there is no forecast.
    """
    template = open_template(TEMPLATE, SCRIPTS, STYLES)
    write_text(template.render(_page_content(contents)), path)


def _page_content(contents: ForecastContents) -> dict[str, Any]:
    """Return the variables of the template."""
    forecast = contents.forecast
    attributes = forecast.attrs
    event = _event(attributes)
    content: dict[str, Any] = {
        "event": event,
        "run": f"{pd.Timestamp(attributes['run_date']):%a %Y-%m-%d %H:%M} UTC",
        "ensemble_member": attributes["ensemble_member"],
        "run_file": attributes["run_file"],
        "issued": f"{pd.Timestamp(attributes['issued']):%Y-%m-%d %H:%M} UTC",
        "made_up": is_made_up_title(attributes["title"]),
        "headline": write_headline(contents),
        "limits": find_limits(contents),
        "network": _describe_network(attributes),
        "data": None,
    }
    if forecast.sizes["storm"] == 0:
        return content
    shown = choose_shown(forecast)
    data = page_data(contents, shown)
    for threshold in data["thresholds"]:
        threshold["storms"] = int((forecast["probability"].values >= threshold["value"]).sum())
    return content | {
        "data": data,
        "spread": "mc_quantile" in forecast,
        "record": describe_record(contents.track_record),
        "cut": describe_cut(forecast, shown),
        "neighborhood": _neighborhood_label(contents),
        "peak": f"Peak ({event.units})" if event.units else "Peak",
        "recalibrated": _describe_recalibration(attributes),
        "top": _top_table(forecast),
    }


def _event(attributes: dict[str, Any]) -> EventTexts:
    units = attributes.get("event_threshold_units", "")
    return event_texts(
        attributes["event_target"],
        attributes["event_region"],
        float(attributes["event_threshold"]),
        title=attributes["event_title"],
        lead=attributes["event_lead"],
        attributes={"threshold_units": units} if units else None,
    )


def _neighborhood_label(contents: ForecastContents) -> str:
    if contents.neighbourhood is None:
        return ""
    radius = float(contents.neighbourhood.attrs.get(RADIUS, 40))
    return f"Chance of at least one event within {radius:g} km"


def _describe_network(attributes: dict[str, Any]) -> str:
    name = f"{attributes['model']}, seed {attributes['seed']}"
    digest = str(attributes["network_sha256"])[:12]
    trained = attributes.get("trained_on", "")
    version = attributes.get("software", "")
    parts = [
        f"{name} (SHA-256 begins with {digest}).",
        f"Trained on {trained}." if trained else "",
        f"Software: {version}." if version else "",
    ]
    return " ".join(filter(None, parts))


def _describe_recalibration(attributes: dict[str, Any]) -> str:
    stored = attributes.get("recalibration", "none")
    if stored == "none":
        return (
            "The probabilities are those of the network, without recalibration: none was shown to "
            "help."
        )
    method = RECALIBRATION_WORDS.get(json.loads(stored)["method"], "recalibration")
    return (
        f"The probabilities were corrected by {method}, which was fitted to the held-out end of "
        "the training period. The page shows the original ones too."
    )


def _top_table(forecast: xr.Dataset) -> Table:
    top = forecast.isel(storm=slice(MOST_ROWS))
    windows, quantiles = window_texts(top), outer_quantiles(top)
    probability = top["probability"].values
    rows = []
    for storm, window in enumerate(windows):
        spread = "" if quantiles is None else f" ({spread_text(*quantiles[storm])})"
        rows.append(
            [
                text_cell(str(int(top["patch"].values[storm]))),
                Cell(f"{percent(float(probability[storm]))}{spread}", float(probability[storm])),
                text_cell(window),
            ]
        )
    caption = "The most probable storms."
    if quantiles is not None:
        caption += " In parentheses: 90 % of the MC members."
    return Table(caption, ["Storm", "Probability", "Time"], [False, True, False], rows)
