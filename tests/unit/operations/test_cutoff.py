"""The cutoff leaves enough runs for evaluation that were never used before."""

from datetime import UTC, datetime

import numpy as np
import pytest

from stormcnn.errors import UserError
from stormcnn.operations.cutoff import (
    Least,
    TooFew,
    check_enough,
    choose_cutoff,
    count_events,
    count_since,
    earliest_cutoff,
    start_of_window,
)
from stormcnn.operations.registry import Champion, Entry


def run_dates(month, runs):
    return [f"2015-{month:02d}-{day:02d}T00:00" for day in range(1, runs + 1)]


def with_events(*months, events=3):
    """Ten runs in each month."""
    return {run_date: events for month in months for run_date in run_dates(month, 10)}


def test_cutoff_is_the_latest_that_leaves_enough_runs_and_events():
    events = with_events(4, 5, 6)
    assert choose_cutoff(events, "month", "", "day") == "2015-06-01"
    assert choose_cutoff(events, "day", "", "day") == "2015-06-01"
    assert (
        choose_cutoff(events | dict.fromkeys(run_dates(7, 4), 3), "day", "", "day") == "2015-06-05"
    )


def test_runs_without_enough_events_move_the_cutoff_back():
    few = dict.fromkeys(run_dates(6, 10), 1)
    assert choose_cutoff(with_events(4, 5) | few, "month", "", "day") == "2015-05-01"
    enough = dict.fromkeys(run_dates(6, 10), 2)
    assert choose_cutoff(with_events(4, 5) | enough, "month", "", "day") == "2015-06-01"


def test_too_few_runs_are_counted():
    events = with_events(4, 5) | dict.fromkeys(run_dates(6, 9), 5)
    with pytest.raises(TooFew, match="9 runs in 9 blocks with 45 events since 2015-06-01"):
        choose_cutoff(events, "month", "2015-05-11", "day")


def test_too_few_events_are_counted():
    events = with_events(4, 5) | dict.fromkeys(run_dates(6, 15), 1)
    with pytest.raises(TooFew, match="15 runs in 15 blocks with 15 events since 2015-06-01"):
        choose_cutoff(events, "month", "2015-05-11", "day")


def test_policy_may_ask_for_more_blocks_and_events():
    events = with_events(4, 5, 6)
    assert choose_cutoff(events, "month", "", "day", Least(20, 20)) == "2015-05-01"
    assert choose_cutoff(events, "month", "", "day", Least(10, 31)) == "2015-05-01"
    with pytest.raises(TooFew, match="20 blocks of runs with 20 events"):
        choose_cutoff(events, "month", "2015-06-01", "day", Least(20, 20))


def test_one_run_is_counted_in_the_singular():
    with pytest.raises(TooFew, match=r"^1 run in 1 block with 1 event since .* is too few"):
        choose_cutoff(with_events(4) | {"2015-05-01T00:00": 1}, "month", "2015-05-01", "day")


def test_window_of_training_has_whole_batches_and_at_least_one():
    runs = [*run_dates(3, 5), *run_dates(4, 5), *run_dates(5, 5)]
    assert start_of_window(runs, "month", "2015-05-01", None) is None
    assert start_of_window(runs, "month", "2015-05-01", 61) == "2015-03-01"
    assert start_of_window(runs, "month", "2015-05-01", 60) == "2015-04-01"
    assert start_of_window(runs, "month", "2015-05-01", 1) == "2015-04-01"
    assert start_of_window(runs, "day", "2015-05-01", 28) == "2015-04-03"


def test_unused_rest_of_a_batch_waits_for_the_next_batch():
    events = with_events(4) | dict.fromkeys(run_dates(5, 30), 5)
    named = "20 runs in 20 blocks with 100 events since 2015-05-11 must wait for the next month"
    with pytest.raises(TooFew, match=named):
        choose_cutoff(events, "month", "2015-05-11", "day")
    assert choose_cutoff(events, "day", "2015-05-11", "day") == "2015-05-21"


def test_one_batch_is_left_for_training():
    with pytest.raises(TooFew):
        choose_cutoff(with_events(4), "month", "", "day")


def last_entry(champion=None):
    return Entry(
        number=2,
        time=datetime(2026, 5, 1, tzinfo=UTC),
        event="kept",
        why="The champion is better.",
        champion=champion,
        scored_until="2015-05-31T12:00",
        experiment="storms-2015-05-01",
        decision=None,
    )


CHAMPION = Champion(
    network="network.keras",
    sha256="0" * 64,
    model="dropout",
    seed=0,
    cutoff="2015-04-01",
    event={},
    predictors=[],
    scores={},
    experiment="storms-2015-04-01",
    since=datetime(2026, 4, 1, tzinfo=UTC),
    why="It is better.",
    entry=1,
    replaced=None,
)


def test_cutoff_follows_the_runs_of_the_last_decision():
    assert earliest_cutoff(None, trial=False) == ""
    assert earliest_cutoff(last_entry(CHAMPION), trial=False) == "2015-06-01"


def test_trial_may_use_the_runs_since_the_cutoff_of_the_champion():
    assert earliest_cutoff(None, trial=True) == ""
    assert earliest_cutoff(last_entry(), trial=True) == ""
    assert earliest_cutoff(last_entry(CHAMPION), trial=True) == "2015-04-01"


def test_events_are_counted_by_run():
    run_date = np.array(["2015-05-01T12:00", "2015-05-02", "2015-05-01T12:00"], "datetime64[ns]")
    assert count_events(run_date, np.array([1, 0, 1])) == {
        "2015-05-01T12:00": 2,
        "2015-05-02T00:00": 0,
    }


@pytest.mark.parametrize(("runs", "events"), [(9, 5), (10, 1)])
def test_evaluation_on_too_few_runs_or_events_is_refused(runs, events):
    assert check_enough(dict.fromkeys(run_dates(5, 10), 2), "day")[:3] == (10, 10, 20)
    named = rf"{runs} runs in {runs} blocks with {runs * events} events.*split\.test"
    with pytest.raises(UserError, match=named):
        check_enough(dict.fromkeys(run_dates(5, runs), events), "day")


def test_runs_of_a_day_are_one_block():
    hourly = {f"2015-05-{day:02d}T{hour:02d}:00": 1 for day in (1, 2) for hour in range(24)}
    assert count_since(hourly, "2015-05-02", "day") == (1, 24, 24, "day")
    assert count_since(hourly, "", 2).blocks == 1
    with pytest.raises(TooFew, match="24 runs in 1 block with"):
        choose_cutoff(hourly, "day", "", "day")
    assert choose_cutoff(hourly, "day", "", "run") == "2015-05-02"
