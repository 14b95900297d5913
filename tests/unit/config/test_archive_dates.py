"""Run dates of the demo: those of the archive, in any number."""

import csv
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stormcnn.config.archive_dates import demo_file_name, demo_run_dates
from stormcnn.storms.run_files import parse_run_name

ARCHIVE_RUNS = Path(__file__).parents[3] / "config" / "runs" / "ncar.csv"
RUN_DATE = datetime(2011, 4, 25)


def test_one_hundred_runs_have_the_run_dates_of_the_archive():
    with open(ARCHIVE_RUNS, newline="") as stream:
        archive = [row["run_date"][:10] for row in csv.DictReader(stream)]
    assert [f"{date:%Y-%m-%d}" for date in demo_run_dates(100)] == archive


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 5000))
def test_run_dates_are_different_days_with_64_percent_before_2015(count):
    dates = demo_run_dates(count)
    assert len(set(dates)) == count
    assert dates == sorted(dates)
    assert all(date == datetime(date.year, date.month, date.day) for date in dates)
    early = sum(date < datetime(2015, 1, 1) for date in dates)
    assert 1 <= early < count
    assert abs(early - 0.64 * count) <= 0.5


@pytest.mark.parametrize("count", [20, 100, 500, 5000])
def test_most_runs_are_in_the_warm_season(count):
    warm = sum(4 <= date.month <= 7 for date in demo_run_dates(count))
    assert 0.6 < warm / count < 0.85


def test_run_date_can_be_read_from_the_file_name():
    assert parse_run_name(demo_file_name(RUN_DATE)) == ("NCARSTORM", RUN_DATE, "d01")
