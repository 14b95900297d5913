"""The section of the report on observed events, and its figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from report_files import TITLES, write_experiment, write_observed, write_storms

from stormcnn.report.observed_figures import observed_figure
from stormcnn.report.observed_section import observed_content
from stormcnn.report.page import ReportInputs, write_report
from stormcnn.report.verdicts import Wording

WORDING = Wording(TITLES, 0.95, 1000, "day", {}, frozenset())
OBSERVED = np.repeat([1, 0], [57, 725])


def cells(table):
    """Return the texts of a table by row and column."""
    rows = [[cell.text for cell in row] for row in table.rows]
    return pd.DataFrame(rows, columns=table.columns).set_index(table.columns[0])


def content(folder, observed=OBSERVED, **settings):
    return observed_content(write_observed(folder, observed, **settings), WORDING)


def test_facts_have_the_numbers_of_storms_and_reports(tmp_path):
    facts = " ".join(content(tmp_path)["facts"])
    for number in ("hail or wind", "40 km", "30 minutes", "0 to 60 minutes", "123 of the 321"):
        assert number in facts
    assert "57 of 782 storms" in facts
    assert "7.3 %" in facts
    # Of the storms with the NWP event, 30 of 40 by day and 5 of 20 at night have a report.
    assert "75.0 %" in facts
    assert "25.0 %" in facts
    assert "do not cover" not in facts
    assert "may have had one" in facts


def test_storms_without_reports_of_their_month_are_counted(tmp_path):
    facts = " ".join(content(tmp_path, np.append(OBSERVED, np.full(218, -1)), kinds="")["facts"])
    assert "57 of 782 storms" in facts
    assert "218 other storms" in facts
    assert "a report is" in facts


def test_a_single_observed_event_is_in_the_singular(tmp_path):
    observed = np.repeat([1, 0, -1], [1, 780, 1])
    files = content(tmp_path, observed, scored=False, reports_in_time=1, reports_matched=1)
    facts = " ".join(files["facts"])
    assert "1 of 781 storms has one" in facts
    assert "1 of the 1 report at the time of a storm is near one" in facts
    assert "1 other storm, which is left out" in facts


def test_truths_are_compared_in_a_table(tmp_path):
    table = cells(content(tmp_path)["truths"])
    assert list(table.loc["All storms"]) == ["782", "35", "22", "25", "700", "58.3 %"]
    assert list(table.loc["At night"])[:5] == ["322", "5", "2", "15", "300"]


def test_scores_and_differences_stand_side_by_side(tmp_path):
    found = content(tmp_path)
    scores = cells(found["scores"]).loc["Baseline"]
    label = "Area under the ROC curve"
    assert scores[f"{label}, NWP event"].startswith("0.900")
    assert scores[f"{label}, observed event"].startswith("0.600")
    differences = cells(found["differences"]).loc["Spatial dropout"]
    assert differences["Difference, NWP event"].startswith("+0.020")
    assert differences["Difference, observed event"].startswith("−0.010")
    assert any("−0.010" in claim.text for claim in found["claims"])


def test_too_few_observed_events_give_no_scores(tmp_path):
    found = content(tmp_path, np.repeat([1, 0], [9, 773]), scored=False)
    assert "no scores" in " ".join(found["facts"])
    assert found["scores"] is None
    assert found["claims"] == []


@pytest.mark.slow
def test_page_has_the_section_only_with_reports(tmp_path):
    files = write_experiment(tmp_path) | write_storms(tmp_path)
    observed = write_observed(tmp_path, OBSERVED)
    page = tmp_path / "report.html"
    for given, expected in (({}, False), (observed, True)):
        for made_up in (False, True):
            inputs = ReportInputs(**(files | {"observed": given, "made_up": made_up}))
            write_report(page, inputs)
            text = page.read_text(encoding="utf-8")
            assert ('<h2 id="observed">' in text) == expected
            assert ("No report can be about made-up storms" in text) == (expected and made_up)
            assert ("observed-scores.csv" in text) == expected


def reliability(truth, frequency):
    bins = np.arange(10)
    return pd.DataFrame(
        {
            "model": "baseline",
            "forecast": "single",
            "seed": "0",
            "bin": bins,
            "forecast_mean": 0.05 + 0.1 * bins,
            "observed_frequency": frequency,
            "low": np.nan,
            "high": np.nan,
            "storms": 100,
            "events": 100 * frequency,
            "truth": truth,
        }
    )


def test_figure_has_a_panel_for_each_truth():
    table = pd.concat([reliability("nwp", 0.5), reliability("observed", 0.25)])
    figure = observed_figure(table, TITLES)
    drawn = [
        line.get_ydata()
        for axes in figure.axes
        for line in axes.get_lines()
        if line.get_label() == "Baseline"
    ]
    np.testing.assert_array_equal(drawn, [np.full(10, 0.5), np.full(10, 0.25)])


def test_figure_without_scores_says_why():
    figure = observed_figure(reliability("nwp", 0.5).head(0), TITLES)
    (text,) = figure.axes[0].texts
    assert "few" in text.get_text()


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ([0, 0], "at the valid time"),
        ([-60, -60], "60 minutes before"),
        ([-60, 0], "−60 to 0"),
    ],
)
def test_window_is_named(tmp_path, window, words):
    assert words in " ".join(content(tmp_path, window=window)["facts"])
