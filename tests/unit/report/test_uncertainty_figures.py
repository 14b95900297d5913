from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from report_files import TITLES, curve_rows, drawn_line

from stormcnn.report.figure_style import make_figure
from stormcnn.report.uncertainty_figures import (
    draw_counts,
    draw_discard,
    draw_entropy_split,
    draw_spread_skill,
)


@pytest.fixture
def axes():
    _, panels = make_figure()
    return panels[0, 0]


def test_only_the_two_kinds_of_spread_are_drawn(axes):
    table = pd.DataFrame(
        {
            "kind": ["epistemic", "epistemic", "total", "epistemic_equal_width"],
            "bin": [1, 2, 1, 1],
            "spread": [0.02, 0.01, 0.2, 5.0],
            "error": [0.3, 0.1, 0.21, 5.0],
            "error_truth": [0.05, 0.02, np.nan, 5.0],
        }
    )
    draw_spread_skill(axes, table)
    members, total = (each.lines[0] for each in axes.containers)
    assert members.get_xdata().tolist() == [0.01, 0.02]
    assert members.get_ydata().tolist() == [0.1, 0.3]
    assert total.get_ydata().tolist() == [0.21]
    truth = drawn_line(axes, "Spread of the MC members, error against the truth")
    assert truth.get_ydata().tolist() == [0.02, 0.05]
    assert drawn_line(axes, "Error = spread").get_xdata()[1] < 1


def test_discard_test_shows_the_spread_and_both_controls(axes):
    table = pd.concat(
        pd.DataFrame({"order": order, "fraction": [0.5, 0.0], "value": [value, 0.04]})
        for order, value in {"spread": 0.02, "total": 0.021, "random": 0.04}.items()
    )
    draw_discard(axes, table)
    assert drawn_line(axes, "Largest spread first").get_ydata().tolist() == [0.04, 0.02]
    assert drawn_line(axes, "Largest p(1 − p) first (control)").get_ydata().tolist() == [
        0.04,
        0.021,
    ]
    assert drawn_line(axes, "Random order (control)").get_ydata().tolist() == [0.04, 0.04]


def test_entropy_figure_gives_the_share_of_disagreement(axes):
    table = curve_rows(score=["expected_entropy", "mutual_information"], value=[0.09, 0.01])
    draw_entropy_split(axes, table, TITLES)
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == pytest.approx([0.09, 0.01])
    assert [bar.get_x() for bar in axes.patches] == pytest.approx([0, 0.09])
    assert axes.texts[0].get_text() == "10.0 % disagreement"


def test_entropy_of_one_member_has_no_share(axes):
    table = curve_rows(score=["expected_entropy", "mutual_information"], value=np.nan)
    draw_entropy_split(axes, table, TITLES)
    assert [text.get_text() for text in axes.texts] == ["Baseline"]


def test_event_counts_are_drawn_by_run_date(axes):
    table = pd.DataFrame(
        {
            "run_date": ["2015-05-02T00:00", "2015-05-01T00:00"],
            "observed": [4, 1],
            "q05": [2.0, 0.0],
            "q25": [3.0, 0.5],
            "q50": [5.0, 1.0],
            "q75": [6.0, 2.0],
            "q95": [9.0, 3.0],
            "deterministic": [4.4, 1.1],
        }
    )
    draw_counts(axes, table)
    wide, narrow = (each.get_segments() for each in axes.collections)
    assert [segment[:, 1].tolist() for segment in wide] == [[0.0, 3.0], [2.0, 9.0]]
    assert [segment[:, 1].tolist() for segment in narrow] == [[0.5, 2.0], [3.0, 6.0]]
    assert drawn_line(axes, "Observed").get_ydata().tolist() == [1, 4]
    assert [each.get_text() for each in axes.get_xticklabels()] == ["2015-05-01", "2015-05-02"]
