"""Verify an issued forecast when its outcome is known, and sum up what became of earlier ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.forecast.contents import TrackRecordRow
from stormcnn.forecast.files import tabulate_forecast
from stormcnn.forecast.outcomes import check_unseen, match_outcome
from stormcnn.forecast.records import FORECASTS, find_records, verification_path
from stormcnn.forecast.run_inputs import read_for_network
from stormcnn.forecast.summary import name_run
from stormcnn.io import read_netcdf, read_rows, write_csv, write_text
from stormcnn.report.table_cells import Cell, Table, number, percentage, text_cell
from stormcnn.report.templates import open_template
from stormcnn.storms.events import exceeds
from stormcnn.storms.titles import is_made_up_title
from stormcnn.vocabulary import Array, StrPath

CLASSES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Limits of the classes of probability in a track record."""

MOST_ROWS = 500
"""Most storms that the page of a verification lists."""


def observe(
    forecast: xr.Dataset,
    run_file: StrPath,
    *,
    reject: Sequence[str],
    file_pattern: str,
    memory_mb: float,
) -> xr.Dataset:
    """Return the storms of a forecast whose outcome is known, with `peak` and `label` (0 or 1).

    `run_file` is a file of the same forecast run with the target; the other parameters are those of
    `storms.reading.read_run`. The event is the one that was forecast. Raises `UserError` if the
    network may have been trained on the run, or if the file is not of the run that was forecast.
    """
    check_unseen(forecast)
    attributes = forecast.attrs
    if not forecast.sizes["storm"]:
        return _with_outcome(forecast, np.empty(0, np.float32), np.empty(0, bool))
    target = attributes["event_target"]
    outcome = read_for_network(
        run_file,
        predictors=attributes["predictors"].split(","),
        target=target,
        region=attributes["event_region"],
        units=json.loads(attributes["predictor_units"])
        | {target: attributes["event_threshold_units"]},
        reject=reject,
        file_pattern=file_pattern,
        memory_mb=memory_mb,
    )
    peak = match_outcome(forecast, outcome)
    known = np.isfinite(peak)
    event = exceeds(peak[known], attributes["event_threshold"])
    return _with_outcome(forecast.isel(storm=known), peak[known], event)


def _with_outcome(forecast: xr.Dataset, peak: Array, event: Array) -> xr.Dataset:
    return forecast.assign(peak=("storm", peak), label=("storm", event.astype("int8")))


def read_verified(record: StrPath, table: StrPath) -> xr.Dataset:
    """Return a record with its outcomes from the table of its verification.

    The MC members are left out.
    """
    forecast, rows = read_netcdf(record), pd.read_csv(table)
    order = pd.Index(forecast["patch"].values).get_indexer(rows["patch"])
    known = forecast.drop_dims("mc_member", errors="ignore").isel(storm=order)
    return _with_outcome(known, rows["peak"].to_numpy(), rows["label"].to_numpy())


def write_verification(verified: xr.Dataset, table: StrPath, page: StrPath, template: Path) -> None:
    """Write the outcome of each storm, the result of `observe`, as a table and as a page."""
    content = _collect_content(verified)
    write_text(open_template(template, ("tables.js",)).render(content), page)
    issued = verified.attrs["issued"].removesuffix("Z").replace("T", " ")
    write_csv(tabulate_forecast(verified).assign(issued=issued), table)


def count_by_class(probability: Array, event: Array) -> list[TrackRecordRow]:
    """Return how many storms of each class of probability had the event, without empty classes.

    A probability at the limit of two classes belongs to the upper one.

    >>> count_by_class(np.array([0.1, 0.85, 1.0]), np.array([0, 0, 1]))[-1]
    TrackRecordRow(low=0.8, high=1.0, storms=2, events=1)
    """
    number_of_class = np.digitize(probability, CLASSES[1:-1])
    return [
        TrackRecordRow(low, high, int(inside.sum()), int(event[inside].sum()))
        for place, (low, high) in enumerate(pairwise(CLASSES))
        if (inside := number_of_class == place).any()
    ]


def read_track_record(network: str, folder: StrPath = FORECASTS) -> list[TrackRecordRow]:
    """Return what became of all verified forecasts of a network, given by the name of its records.

    Only storms whose event could not have happened before the forecast was issued count: a later
    forecast is no proof of what a forecaster could have known. `folder` is that of the forecasts.
    """
    tables = [
        table
        for record in find_records(folder)
        if record.stem == network and (table := verification_path(record)).exists()
    ]
    rows = [row for table in tables for row in read_rows([table])]
    rows = [row for row in rows if np.datetime64(row["issued"]) <= np.datetime64(row["valid_from"])]
    probability, event = (
        np.array([float(row[name]) for row in rows]) for name in ("probability", "label")
    )
    return count_by_class(probability, event)


def _collect_content(verified: xr.Dataset) -> dict[str, Any]:
    """Return the variables of the template."""
    attributes = verified.attrs
    probability, event = (
        verified[name].values.astype(np.float64) for name in ("probability", "label")
    )
    climatology = attributes["training_event_frequency"]
    empty = not event.size
    return {
        "run": name_run(verified),
        "event": f"{attributes['event_title']} {attributes['event_lead']}".strip(),
        "made_up": is_made_up_title(attributes["title"]),
        "issued": attributes["issued"].replace("T", " ").replace("Z", " UTC"),
        "network": attributes["network_sha256"],
        "warnings": [text for text in attributes["warnings"].split("\n") if text],
        "storms": event.size,
        "events": int(event.sum()),
        "expected": number(probability.sum(), 1),
        "brier_score": number(np.nan if empty else np.square(probability - event).mean(), 4),
        "of_climatology": number(np.nan if empty else np.square(climatology - event).mean(), 4),
        "climatology": percentage(climatology),
        "classes": _class_table(count_by_class(probability, event)),
        "list": _storm_table(verified.isel(storm=slice(MOST_ROWS))),
        "shown": min(event.size, MOST_ROWS),
    }


def _class_table(rows: Iterable[TrackRecordRow]) -> Table:
    return Table(
        "Storms by the probability that they were given.",
        ["Probability", "Storms", "With the event", "Share"],
        [True] * 4,
        [
            [
                Cell(f"{100 * row.low:.0f} to {100 * row.high:.0f} %", row.low),
                Cell(f"{row.storms:,}", row.storms),
                Cell(f"{row.events:,}", row.events),
                Cell(percentage(row.events / row.storms), row.events / row.storms),
            ]
            for row in rows
        ],
    )


def _storm_table(verified: xr.Dataset) -> Table:
    units = verified.attrs["event_units"]
    return Table(
        "Storms by decreasing probability.",
        ["Storm", "Track", "Step", "Valid time (UTC)", "Probability", f"Peak ({units})", "Event"],
        [True, True, True, False, True, True, False],
        [
            [
                # The number that the page of the forecast shows.
                Cell(str(int(storm["patch"])), int(storm["patch"])),
                Cell(str(int(storm["track_id"])), int(storm["track_id"])),
                Cell(str(int(storm["track_step"])), int(storm["track_step"])),
                text_cell(str(storm["valid_time"].values.astype("M8[m]")).replace("T", " ")),
                Cell(percentage(float(storm["probability"])), float(storm["probability"])),
                Cell(f"{float(storm['peak']):.4g}", float(storm["peak"])),
                text_cell("yes" if storm["label"] else "no"),
            ]
            for number_of_storm in range(verified.sizes["storm"])
            for storm in [verified.isel(storm=number_of_storm)]
        ],
    )
