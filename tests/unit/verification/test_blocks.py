"""Forecast runs are grouped by day (UTC), by several days, or not at all."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from stormcnn.errors import UserError
from stormcnn.verification.blocks import block_of


def days(*text):
    return np.array(text, "datetime64[D]").tolist()


@pytest.mark.parametrize(
    "run_date",
    [
        ["20110427-0000", "20110427-230000", "20110428-0000"],
        ["2011-04-27T00:00", "2011-04-27 23:00:00", "2011-04-28"],
        ["20110427", "20110427T23", "20110428T0000"],
        np.array(["2011-04-27T00", "2011-04-27T23", "2011-04-28T00"], "datetime64[ns]"),
        pd.to_datetime(["2011-04-27 00:00", "2011-04-27 23:59", "2011-04-28 00:00"]),
        [datetime(2011, 4, 27), datetime(2011, 4, 27, 23), datetime(2011, 4, 28)],
        np.array(["2011-04-27T00:00", "2011-04-27T23:00", "2011-04-28T00:00"], object),
    ],
)
def test_day_of_every_form_of_a_run_date(run_date):
    assert block_of(run_date, "day").tolist() == days("2011-04-27", "2011-04-27", "2011-04-28")


def test_days_are_those_of_utc():
    central = timezone(timedelta(hours=-6))
    run_date = ["2011-04-27T20:00-06:00", "2011-04-27T23:00Z"]
    assert block_of(run_date, "day").tolist() == days("2011-04-28", "2011-04-27")
    times = [datetime(2011, 4, 27, 20, tzinfo=central), datetime(2011, 4, 27, 23, tzinfo=UTC)]
    assert block_of(times, "day").tolist() == days("2011-04-28", "2011-04-27")


def test_hourly_runs_across_midnight_belong_to_two_days_in_any_order():
    hours = np.datetime64("2020-05-01T20") + np.arange(8)
    order = np.random.default_rng(0).permutation(8)
    blocks = block_of(hours[order], "day")
    assert (blocks == hours[order].astype("datetime64[D]")).all()
    assert np.unique(blocks).size == 2
    assert np.unique(block_of(hours, "run")).size == 8


def test_several_days_begin_at_the_same_days_for_any_storms():
    day = np.datetime64("2020-05-01") + np.arange(12)
    blocks = block_of(day, 3)
    assert np.unique(blocks, return_counts=True)[1].max() == 3
    assert (block_of(day[5:], 3) == blocks[5:]).all()
    assert (
        block_of(["1969-12-31", "1970-01-01"], 7)
        == np.array(days("1969-12-25", "1970-01-01"), "datetime64[D]")
    ).all()


def test_runs_may_have_any_sortable_type():
    assert block_of([3, 1, 3], "run").tolist() == [3, 1, 3]


@pytest.mark.parametrize("run_date", [["1 May"], [20110427], ["2011-13-01"], [""], [1.5]])
def test_run_date_that_is_no_date_is_named(run_date):
    with pytest.raises(UserError) as error:
        block_of(run_date, "day")
    assert "run_date" in str(error.value)
    assert repr(run_date[0]) in str(error.value) or str(run_date[0]) in str(error.value)


def test_missing_run_date_is_named():
    with pytest.raises(UserError, match="storm 1"):
        block_of(np.array(["2011-04-27", "NaT"], "datetime64[D]"), "day")


@pytest.mark.parametrize("block", ["week", 0, -1, 1.5, True])
def test_block_that_is_no_block_is_named(block):
    with pytest.raises(UserError, match=r"verification\.block"):
        block_of(["2011-04-27"], block)
