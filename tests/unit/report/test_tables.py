from __future__ import annotations

import numpy as np
import pandas as pd
from report_files import TITLES, score_rows

from stormcnn.report.score_tables import all_score_table, strata_table
from stormcnn.report.storm_tables import MOST_ROWS, inventory_table
from stormcnn.report.table_cells import number


def test_long_inventory_is_cut():
    inventory = pd.DataFrame(
        {
            "run_date": "2015-05-01T00:00",
            "file": "a.nc",
            "batch": "2015",
            "storms": 12,
            "rejected": 0,
            "reason": "",
            "bytes": 100,
        },
        index=range(MOST_ROWS + 1),
    )
    table = inventory_table(inventory)
    assert len(table.rows) == MOST_ROWS
    assert f"{MOST_ROWS + 1}" in table.caption


def test_rounded_zero_has_no_minus_sign():
    assert number(-5e-17, 3) == "0.000"
    assert number(-0.0012, 3) == "−0.001"


def test_strata_with_too_few_events_show_a_dash():
    scores = pd.concat(
        [
            score_rows(stratum="month=5"),
            score_rows(stratum="month=12", value=np.nan, low=np.nan, high=np.nan, events=3),
        ]
    )
    table = strata_table(scores, TITLES)
    assert [row[0].text for row in table.rows] == ["May", "December"]
    assert [row[-1].text for row in table.rows] == ["0.400 (0.390 to 0.410)", "–"]


def test_scores_against_the_truth_follow_the_other_scores():
    rows = score_rows().head(2)
    table = all_score_table(
        rows.assign(score=["brier_score_truth", "brier_score"]), TITLES, "All scores"
    )
    shown = [row[0].text for row in table.rows]
    assert shown[0] == "Brier score"
    assert shown[1].startswith("Brier score,")
