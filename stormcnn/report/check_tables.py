"""Tables of the page of `check_data`."""

from __future__ import annotations

import calendar
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from stormcnn.report.check_figures import GROUP_LABELS
from stormcnn.report.table_cells import MISSING, Cell, Table, number, percentage, text_cell
from stormcnn.storms.event_texts import display_units, name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stormcnn.report.check_summary import DataCheck
    from stormcnn.storms.survey import FieldSurvey, Survey
    from stormcnn.verification.period_choice import Period

MOST_ROWS = 200
"""Most run files that the page lists; `check.csv` has all."""


def _amount(value: float) -> Cell:
    """Return a value with four digits."""
    text = MISSING if pd.isna(value) else f"{value:.4g}".replace("-", "−")
    return Cell(text, float(value))


def _integer(value: float) -> Cell:
    return Cell(MISSING if pd.isna(value) else f"{int(value):,}", float(value))


def _share(value: float) -> Cell:
    return Cell(percentage(value), float(value))


def file_table(files: pd.DataFrame) -> Table:
    """Return the run files: those that cannot be used first, then those with rejected storms."""
    bad = files["fault"] != ""
    order = files.assign(bad=bad).sort_values(["bad", "rejected"], ascending=False, kind="stable")
    rows = [
        [
            text_cell(row.run_date.replace("T", " ")),
            text_cell(Path(row.file).name),
            _integer(row.storms),
            _integer(row.rejected),
            text_cell(row.fault.removeprefix(f"{row.file}: ") or row.reason),
            text_cell(row.corrections),
            Cell(number(row.bytes / 1e6, 1), float(row.bytes)),
        ]
        for row in order.head(MOST_ROWS).itertuples()
    ]
    caption = "Run files; those that cannot be used or have rejected storms come first."
    if len(files) > MOST_ROWS:
        caption += f" Only {MOST_ROWS} of {len(files):,} are shown; check.csv has all."
    return Table(
        caption,
        ["Run date", "File", "Storms", "Rejected", "Reason", "Corrected", "MB"],
        [False, False, True, True, False, False, True],
        rows,
    )


def values_table(fields: Mapping[str, FieldSurvey]) -> Table:
    """Return units and ranges of the fields that are used."""
    rows = [
        [
            text_cell(name),
            text_cell(name_of(name)),
            text_cell(display_units(values.units) or "not stated"),
            _integer(values.files),
            _amount(values.minimum),
            *(
                _amount(np.quantile(values.sample, level) if values.sample.size else np.nan)
                for level in (0.01, 0.5, 0.99)
            ),
            _amount(values.maximum),
            _share(values.share_missing),
        ]
        for name, values in fields.items()
    ]
    return Table(
        "Variables that are used, after conversion of units. Minimum, maximum and missing "
        "values are those of all storms, percentiles those of a sample of valid storms.",
        ["Variable", "Meaning", "Units", "Files", "Minimum", "1 %", "Median", "99 %", "Maximum",
         "Missing"],
        [False, False, False, *[True] * 7],
        rows,
    )  # fmt: skip


def other_variables_table(survey: Survey) -> Table:
    """Return all other variables in the headers of the run files."""
    rows = [
        [
            text_cell(name),
            text_cell(", ".join(one.dimensions)),
            text_cell(one.units),
            text_cell(one.long_name),
            _integer(survey.files_with[name]),
        ]
        for name, one in survey.variables.items()
        if name not in survey.fields
    ]
    return Table(
        "Other variables of the run files. Those with the dimensions p, row, col can be predictors "
        "or the target, those with the dimension p alone the target.",
        ["Variable", "Dimensions", "Units", "Name", "Files"],
        [False, False, False, False, True],
        rows,
    )


def threshold_table(check: DataCheck) -> Table:
    """Return the configured threshold and those that give certain shares of events."""
    thresholds = {"event.threshold": check.threshold} | {
        f"about {100 * aim:g} % of storms": threshold for aim, threshold in check.thresholds.items()
    }
    rows = []
    for name, threshold in thresholds.items():
        share = check.share_above(threshold)
        events = share * check.peak.size
        rows.append([text_cell(name), _amount(threshold), _integer(np.rint(events)), _share(share)])
    units = f" in {check.event.units}" if check.event.units else ""
    return Table(
        f"Thresholds{units}, and the storms that would be events.",
        ["Choice", "Threshold", "Events", "Share"],
        [False, True, True, True],
        rows,
    )


def group_table(groups: pd.DataFrame) -> Table:
    """Return storms and events by year, month and lead time."""
    rows = []
    for row in groups.itertuples():
        name = calendar.month_name[row.group] if row.kind == "month" else str(row.group)
        rows.append(
            [
                Cell(f"{GROUP_LABELS[row.kind]}: {name}", f"{row.kind} {row.group:05}"),
                _integer(row.storms),
                _integer(row.events),
                _share(row.events / row.storms),
            ]
        )
    return Table(
        "Storms and events by year, month and full hour of lead time.",
        ["Group", "Storms", "Events", "Share"],
        [False, True, True, True],
        rows,
    )


def split_table(check: DataCheck) -> Table:
    """Return both periods for the configured and the suggested start of the test period."""
    rows = []
    for kind, split in check.splits.items():
        low, high = check.widths[kind]
        for period, numbers in (("training", split.training), ("test", split.test)):
            width = Cell("", float("nan"))
            if period == "test":
                text = MISSING if pd.isna(low) else f"{number(low, 2)} to {number(high, 2)}"
                width = Cell(text, low)
            rows.append(
                [
                    text_cell(f"{kind}, {period}"),
                    text_cell(f"{'before' if period == 'training' else 'from'} {split.test_start}"),
                    text_cell(split.batch),
                    *_period_cells(numbers),
                    width,
                ]
            )
    return Table(
        "Training and test period: as configured, and as suggested.",
        ["Period", "Run dates", "Batch", "Runs", "Blocks", "Storms", "Events", "Share",
         "Width of interval"],
        [False, False, False, *[True] * 6],
        rows,
    )  # fmt: skip


def _period_cells(numbers: Period) -> list[Cell]:
    events = numbers.events if numbers.events >= 0 else np.nan
    share = events / numbers.storms if numbers.storms else np.nan
    return [
        _integer(numbers.runs),
        _integer(numbers.blocks),
        _integer(numbers.storms),
        _integer(events),
        _share(share),
    ]
