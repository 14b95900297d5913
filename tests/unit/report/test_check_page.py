"""The page of `check_data` and its table, from run files to warnings and numbers."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from run_files import FIRST_RUN, run_values, write_run_file

from scripts.check_data import check_data
from stormcnn.name_pattern import DEFAULT_PATTERN
from stormcnn.report.check_summary import make_check
from stormcnn.report.check_warnings import NOTE, STOPS, WARNING, find_warnings, texts_of
from stormcnn.storms.run_files import format_run_list, list_folder

pytestmark = pytest.mark.slow

TEMPLATE = Path(__file__).parents[3] / "report" / "check.html.jinja"
SETTINGS = {
    "predictors": ["REFL_COM_curr", "U10_curr"],
    "target": "RVORT1_MAX_future",
    "region": "storm",
    "skip_bad_files": False,
    "reject": ["duplicate", "padded", "constant"],
    "lead_hours": None,
    "file_pattern": DEFAULT_PATTERN,
}


def settings(test_start="2010-11-01", threshold=0.005, **changes):
    data = SETTINGS | changes
    event = {"target": data["target"], "region": data["region"], "threshold": threshold}
    return {
        "data": data,
        "event": event | {"title": None, "units": None, "lead": None},
        "split": {"test_start": test_start, "batch": "month"},
        "verification": {"block": "day", "confidence": 0.95},
    }


def check(folder, *arguments, **changes):
    """Check the run files in a folder; return the table by topic, item and quantity."""
    runs = list_folder(folder / "runs", "month")
    found = make_check(runs, folder / "runs", "spring", **settings(*arguments, **changes))
    table = found.table(texts_of(find_warnings(found)))
    assert list(table) == ["topic", "item", "quantity", "value"]
    return table.set_index(["topic", "item", "quantity"])["value"].sort_index()


def write_page(folder, *arguments):
    """Write the page of the run files in a folder, and return its text."""
    page, run_list = folder / "check.html", folder / "runs.csv"
    run_list.write_text(format_run_list(list_folder(folder / "runs", "month")))
    check_data(
        run_list=str(run_list),
        folder=str(folder / "runs"),
        name="spring",
        settings=settings(*arguments),
        template=TEMPLATE,
        page=str(page),
        table=str(folder / "check.csv"),
    )
    return page.read_text()


def write_runs(folder, days, change=None):
    """Write a run file with 6 storms on each of these days after the first run."""
    for day in days:
        values = run_values(seed=day)
        if change is not None:
            change(values, day)
        write_run_file(folder / "runs", values, run_date=FIRST_RUN + timedelta(day))


def warnings_of(values, kind):
    return [text for text in values.get("warning", []) if text.startswith(f"{kind}: ")]


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """The check of 24 daily runs from 24 October to 16 November 2010."""
    folder = tmp_path_factory.mktemp("data")
    write_runs(folder, range(24))
    return check(folder)


def test_numbers_are_those_of_the_run_files(checked):
    values = checked
    # Of six storms with peaks from 0.001 to 0.009 s-1 in equal steps, three exceed 0.005.
    assert float(values["event", "configured", "share"]) == 0.5
    assert float(values["year", "2010", "storms"]) == 144
    assert float(values["month", "10", "events"]) == 8 * 3
    assert float(values["lead_hour", "12", "storms"]) == 24
    assert float(values["day", "2010-10-24", "runs"]) == 1
    assert values["variable", "U10_curr", "units"] == "m s-1"
    assert values["grid", "all", "patch_size"] == "8 x 8"


def test_target_with_one_value_per_storm_is_checked(tmp_path):
    def add_sizes(values, day):
        values["Max_Hail_Size"] = np.float32([0, 0, 0, 5, 10, 40 + day])

    write_runs(tmp_path, range(3), add_sizes)
    values = check(tmp_path, threshold=8, target="Max_Hail_Size")
    assert float(values["event", "configured", "share"]) == pytest.approx(1 / 3)
    assert float(values["variable", "Max_Hail_Size", "maximum"]) == 42


def test_files_without_any_observation_are_a_warning(tmp_path):
    def add_sizes(values, day):
        values["Max_Hail_Size"] = np.float32([0, 0, 0, 5, 10, 40]) * (day != 1)

    write_runs(tmp_path, range(3), add_sizes)
    (warned,) = [
        text
        for text in warnings_of(check(tmp_path, threshold=8, target="Max_Hail_Size"), WARNING)
        if "no observations" in text
    ]
    assert "1 run file" in warned
    assert "20101025" in warned
    # A field of zeros is a storm that has vanished.
    assert not any("no observations" in text for text in check(tmp_path)["warning"])


def test_thresholds_give_the_shares_that_they_are_for(tmp_path):
    write_run_file(tmp_path / "runs", run_values(storms=200))
    values = check(tmp_path)
    for aim in (0.01, 0.05, 0.1):
        assert values["event", f"{aim:g}", "share"] == pytest.approx(aim, abs=0.003)


def test_periods_of_the_config_and_the_suggestion_are_counted(checked):
    values = checked
    configured, suggested = (values["split", kind] for kind in ("configured", "suggested"))
    assert (configured["test_start"], configured["test_blocks"]) == ("2010-11-01", 16)
    assert (suggested["test_start"], suggested["batch"]) == ("2010-11-07", "day")
    assert (suggested["training_blocks"], suggested["test_blocks"]) == (14, 10)
    low, high = (suggested[f"skill_interval_width_{end}"] for end in ("low", "high"))
    assert 0 < low < high < 1


def test_usable_files_give_only_notes(checked):
    values = checked
    assert warnings_of(values, STOPS) == warnings_of(values, WARNING) == []
    (note,) = warnings_of(values, NOTE)
    assert "U10_curr in m s⁻¹" in note


def test_what_stops_the_workflow_comes_first(tmp_path):
    def spoil(values, day):
        if day == 1:
            del values["RVORT1_MAX_future"]
        values["REFL_COM_curr"][:] = 20
        values["U10_curr"][0, 0, 0] = np.nan

    write_runs(tmp_path, range(4), spoil)
    bad = next((tmp_path / "runs").glob("*20101027*"))
    bad.write_bytes(bad.read_bytes()[:2000])
    (tmp_path / "runs" / f"{bad.name}.gz").touch()
    values = check(tmp_path, "2015-01-01", reject=[])
    texts = list(values["warning"])
    kinds = [text.partition(":")[0] for text in texts]
    assert kinds == sorted(kinds, key=[STOPS, WARNING, NOTE].index)
    stopping = " ".join(warnings_of(values, STOPS))
    for part in ("1 of 4 run files", bad.name, "RVORT1_MAX_future is missing from 1 of 3",
                 "REFL_COM_curr has the value 20", "2015-01-01"):  # fmt: skip
        assert part in stopping
    warned = " ".join(warnings_of(values, WARNING))
    for part in (f"{bad.name}.gz", "NaN in U10_curr (3)", "constant"):
        assert part in warned


@pytest.mark.parametrize("number", [1, 2])
def test_one_bad_file_or_storm_is_in_the_singular(tmp_path, number):
    def spoil(values, day):
        if day < number:
            del values["RVORT1_MAX_future"]
        if day == 2:
            values["U10_curr"][:number, 0, 0] = np.nan

    write_runs(tmp_path, range(5), spoil)
    for bad in sorted((tmp_path / "runs").iterdir())[-number:]:
        bad.write_bytes(bad.read_bytes()[:2000])
    values = check(tmp_path, "2010-10-25")
    warned = " ".join(values["warning"])
    singular = ("It is: ", "Correct it,", "of its storms", "this file to", "%) is rejected")
    plural = ("They are: ", "Correct them,", "of their storms", "these files to", "%) are rejected")
    assert [text in warned for text in singular] == [number == 1] * 5
    assert [text in warned for text in plural] == [number == 2] * 5


def test_files_without_positions_are_noted(tmp_path):
    def forget(values, day):
        for name in ("lat", "lon", "i", "j", "x", "y"):
            del values[name]

    write_runs(tmp_path, range(3), forget)
    values = check(tmp_path, "2010-10-25")
    assert any("no positions" in text for text in warnings_of(values, NOTE))
    assert np.isnan(values["grid", "all", "grid_spacing_km"])


def test_storms_of_both_periods_are_a_warning(tmp_path):
    for day, later in ((0, 24), (1, 0)):
        values = run_values()
        values["time"] += later
        write_run_file(tmp_path / "runs", values, run_date=FIRST_RUN + timedelta(day))
    values = check(tmp_path, "2010-10-25")
    assert float(values["split", "configured", "test_storms_shared_with_training"]) == 6
    assert float(values["split", "configured", "test_storms_shared_by_blocks"]) == 0
    assert any("runs of the training period" in text for text in warnings_of(values, WARNING))


def test_one_run_cannot_be_split(tmp_path):
    write_runs(tmp_path, [0])
    values = check(tmp_path)
    assert "2010-10-24" in warnings_of(values, STOPS)[0]
    assert ("split", "suggested", "test_start") not in values.index


def test_events_are_needed_in_each_period_and_not_on_each_day(tmp_path):
    write_runs(tmp_path, range(3))
    warned = warnings_of(check(tmp_path, "2010-10-25"), WARNING)
    assert any("10 days and 10 events each" in text for text in warned)


def test_corrections_are_noted(tmp_path):
    write_runs(tmp_path, range(3))
    first = min((tmp_path / "runs").iterdir())
    with netCDF4.Dataset(first, "a") as file:
        file["U10_curr"].units = "km h-1"
    values = check(tmp_path, "2010-10-25")
    assert any("U10_curr converted from km h-1" in text for text in warnings_of(values, NOTE))


# The page


def test_page_is_complete_and_loads_nothing(tmp_path):
    write_runs(tmp_path, range(3))
    first = min((tmp_path / "runs").iterdir())
    with netCDF4.Dataset(first, "a") as file:
        file["T2_curr"].long_name = '"><img src=x>'
    page = write_page(tmp_path, "2010-10-26")
    for section in ("warnings", "files", "variables", "storms", "dates", "events", "periods"):
        assert f'id="{section}"' in page
    # Values, calendar, events, thresholds, and one picture per predictor.
    assert page.count("<img ") == 6
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page) == []
    assert page.index('id="warnings"') < page.index('id="files"')


def test_files_without_truth_have_a_page_without_events(tmp_path):
    def forget(values, day):
        del values["RVORT1_MAX_future"]

    write_runs(tmp_path, range(3), forget)
    page = write_page(tmp_path, "2010-10-25")
    values = check(tmp_path, "2010-10-25")
    assert "RVORT1_MAX_future is missing from 3 of 3" in warnings_of(values, STOPS)[0]
    assert np.isnan(values["year", "2010", "events"])
    # Without events there are no thresholds.
    assert page.count("<img ") == 5
