"""The suggested test period, and the expected width of the Brier skill interval."""

from __future__ import annotations

import numpy as np
import pytest

from stormcnn.verification.period_choice import Runs, expected_width, split_runs, suggest_split


def runs_on(first, last, storms=20, events=2):
    dates = np.arange(first, last, dtype="M8[D]").astype("M8[ns]")
    return Runs(dates, np.full(dates.size, storms), np.full(dates.size, events))


def test_periods_count_runs_blocks_storms_and_events():
    run_date = np.array(["2014-05-01T00", "2014-05-01T12", "2015-05-01"], "M8[ns]").repeat(2)
    runs = Runs.of_storms(run_date, np.array([1, 0, 1, 1, 0, 0], bool))
    split = split_runs(runs, "day", "2015-01-01", "year")
    assert split.training == (2, 1, 4, 3)
    assert split.test == (1, 1, 2, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "last", "test_start", "batch"),
    [
        ("2014-01-01", "2017-01-01", "2016-01-01", "year"),
        ("2014-03-01", "2014-09-01", "2014-07-01", "month"),
        ("2014-03-01", "2014-03-31", "2014-03-21", "day"),
    ],
)
def test_suggested_test_period_is_a_third_with_the_largest_batches(first, last, test_start, batch):
    suggested = suggest_split(runs_on(first, last), "day")
    assert (suggested.test_start, suggested.batch) == (test_start, batch)
    assert suggested.is_sufficient


def test_suggestion_prefers_periods_with_enough_events():
    runs = runs_on("2014-01-01", "2014-02-10", events=0)
    runs.events[:20] = 2
    suggested = suggest_split(runs, "day")
    assert suggested.training.events >= 10
    assert suggested.test.events >= 10


def test_no_test_period_is_suggested_for_runs_of_one_day():
    runs = Runs(np.array(["2014-05-01T00", "2014-05-01T12"], "M8[ns]"), np.ones(2), np.ones(2))
    assert suggest_split(runs, "day") is None


def test_width_shrinks_with_the_square_root_of_the_number_of_blocks():
    random = np.random.default_rng(0)
    widths = []
    for blocks in (30, 120):
        days = np.arange(blocks).astype("M8[D]").repeat(40)
        event = random.random(days.size) < 0.05
        widths.append(expected_width(event, days, "day", confidence=0.95))
    assert widths[0] / widths[1] == pytest.approx(2, abs=0.4)


@pytest.mark.slow
def test_width_counts_blocks_and_not_storms():
    random = np.random.default_rng(0)
    event = np.zeros(2400, bool)
    event[random.choice(2400, 120, replace=False)] = True
    many = expected_width(event, np.arange(2400).astype("M8[D]"), "run", confidence=0.95)
    # As many events, all of them on a quarter of 24 days.
    days = np.arange(24).astype("M8[D]").repeat(100)
    event = (np.arange(2400) // 100 % 4 == 0) & (np.arange(2400) % 5 == 0)
    few = expected_width(event, days, "day", confidence=0.95)
    assert few > 1.3 * many


def test_width_is_unknown_without_events_or_with_one_block():
    days = np.arange(20).astype("M8[D]")
    assert np.isnan(expected_width(np.zeros(20, bool), days, "day", confidence=0.95))
    assert np.isnan(
        expected_width(np.arange(20) < 5, days.min().repeat(20), "day", confidence=0.95)
    )
