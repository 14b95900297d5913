"""Tables of the plotted cases and of the run files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from stormcnn.io import read_netcdf
from stormcnn.report.table_cells import Cell, Table, number, text_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stormcnn.vocabulary import StrPath

MOST_ROWS = 200
"""Most rows of the inventory that the report shows; the download has all."""


def case_table(cases: Iterable[StrPath], titles: Mapping[str, str]) -> Table | None:
    """Return the distribution of the MC members' probabilities of each case; None without cases."""
    rows = []
    for file in cases:
        data = read_netcdf(file)
        label = f"{titles[data.attrs['model']]}, seed {data.attrs['seed']}"
        low, median, high = np.quantile(data["probability"].values, (0.05, 0.5, 0.95), axis=1)
        means = data["probability"].values.mean(axis=1)
        for storm, mean in enumerate(means):
            one = data.isel(storm=storm)
            deterministic = float(one["deterministic"])
            time = f"{pd.Timestamp(one['valid_time'].values):%Y-%m-%d %H} UTC"
            event = "yes" if int(one["label"]) else "no"
            rows.append(
                [
                    text_cell(label),
                    Cell(str(int(one["index"])), float(one["index"])),
                    text_cell(time),
                    text_cell(event),
                    *(
                        Cell(number(value, 3), float(value))
                        for value in (deterministic, mean, median[storm])
                    ),
                    Cell(
                        f"{number(low[storm], 3)} to {number(high[storm], 3)}",
                        float(high[storm] - low[storm]),
                    ),
                ]
            )
    if not rows:
        return None
    return Table(
        "Cases: probability without dropout, and mean, median and range of the MC members.",
        [
            "Network",
            "Test storm",
            "Valid time",
            "Event",
            "Without dropout",
            "Mean",
            "Median",
            "5 to 95 %",
        ],
        [False, True, False, False, True, True, True, True],
        rows,
    )


def inventory_table(inventory: pd.DataFrame) -> Table:
    """Return the run files, those with rejected storms first; long inventories are cut."""
    ordered = inventory.sort_values("rejected", ascending=False, kind="stable")
    shown = ordered.head(MOST_ROWS)
    rows = [
        [
            text_cell(row.run_date),
            text_cell(Path(row.file).name),
            text_cell(row.batch),
            Cell(f"{row.storms:,}", float(row.storms)),
            Cell(f"{row.rejected:,}", float(row.rejected)),
            text_cell(row.reason),
            Cell(number(row.bytes / 1e6, 1), float(row.bytes)),
        ]
        for row in shown.itertuples()
    ]
    caption = "Run files; files with rejected storms come first."
    if len(inventory) > MOST_ROWS:
        caption += f" Only the first {MOST_ROWS} of {len(inventory):,} are shown."
    return Table(
        caption,
        ["Run date", "File", "Batch", "Storms", "Rejected", "Reason", "MB"],
        [False, False, False, True, True, False, True],
        rows,
    )
