"""When a challenger is promoted, and by which runs that is judged."""

import hashlib
import json
import math

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from scripts.judge_challenger import judge_challenger
from stormcnn.errors import UserError
from stormcnn.operations.promotion import (
    Estimate,
    TooFew,
    check_enough,
    check_same_question,
    check_unseen,
    choose_cutoff,
    count_events,
    judge_challenge,
    judge_first,
)

NAN = math.nan


# The rule


def test_surely_lower_brier_score_promotes_the_challenger():
    verdict = judge_challenge(Estimate(-0.02, -0.03, -0.01), 0.95)
    assert verdict.promote
    assert verdict.why == (
        "The challenger is better (Brier score of the challenger minus the champion's -0.0200, "
        "95 % interval -0.0300 to -0.0100)."
    )


def test_higher_brier_score_keeps_the_champion():
    verdict = judge_challenge(Estimate(0.02, 0.01, 0.03), 0.95)
    assert not verdict.promote
    assert "The champion is better" in verdict.why


@pytest.mark.parametrize("ends", [(-0.03, 0.001), (-0.001, 0.03), (-0.03, 0.0), (NAN, NAN)])
def test_tie_keeps_the_champion(ends):
    verdict = judge_challenge(Estimate(-0.01, *ends), 0.95)
    assert not verdict.promote
    assert "A tie keeps the champion" in verdict.why


@pytest.mark.parametrize(
    ("low", "promoted"), [(0.01, True), (0.0, False), (-0.1, False), (NAN, False)]
)
def test_first_champion_must_surely_be_better_than_climatology(low, promoted):
    assert judge_first(Estimate(0.2, low, 0.3), 0.95).promote is promoted


# The runs


def run_dates(month, runs, year=2015):
    return [f"{year}-{month:02d}-{day:02d}T00:00" for day in range(1, runs + 1)]


def with_events(*months, events=3):
    return {run_date: events for month in months for run_date in run_dates(month, 10)}


def test_cutoff_is_the_latest_that_leaves_enough_to_judge_by():
    events = with_events(4, 5, 6)
    assert choose_cutoff(events, "month", "") == "2015-06-01"
    assert choose_cutoff(events, "day", "") == "2015-06-01"
    assert choose_cutoff(events | dict.fromkeys(run_dates(7, 4), 3), "day", "") == "2015-06-05"


def test_runs_without_enough_events_move_the_cutoff_back():
    few = dict.fromkeys(run_dates(6, 10), 1)
    assert choose_cutoff(with_events(4, 5) | few, "month", "") == "2015-05-01"
    enough = dict.fromkeys(run_dates(6, 10), 2)
    assert choose_cutoff(with_events(4, 5) | enough, "month", "") == "2015-06-01"


def test_too_few_runs_postpone():
    events = with_events(4, 5) | dict.fromkeys(run_dates(6, 9), 5)
    with pytest.raises(TooFew, match="9 runs with 45 events from 2015-06-01 on"):
        choose_cutoff(events, "month", "2015-05-11")


def test_too_few_events_postpone():
    events = with_events(4, 5) | dict.fromkeys(run_dates(6, 15), 1)
    with pytest.raises(TooFew, match="15 runs with 15 events from 2015-06-01 on"):
        choose_cutoff(events, "month", "2015-05-11")


def test_runs_in_the_middle_of_a_batch_that_was_judged_by_wait_for_the_next_batch():
    events = with_events(4) | dict.fromkeys(run_dates(5, 30), 5)
    with pytest.raises(TooFew, match="20 runs with 100 events from 2015-05-11 on"):
        choose_cutoff(events, "month", "2015-05-11")
    assert choose_cutoff(events, "day", "2015-05-11") == "2015-05-21"


def test_something_is_left_to_train_on():
    with pytest.raises(TooFew):
        choose_cutoff(with_events(4), "month", "")


def test_events_are_counted_by_run():
    date = np.array(["2015-05-01T12:00", "2015-05-02", "2015-05-01T12:00"], "datetime64[ns]")
    assert count_events(date, np.array([1, 0, 1])) == {
        "2015-05-01T12:00": 2,
        "2015-05-02T00:00": 0,
    }


def test_champion_that_has_seen_a_run_is_not_judged_by_it():
    check_unseen(["2015-05-01T00:00", "2015-06-01T00:00"], "2015-05-01")
    with pytest.raises(UserError, match=r"before 2015-06-01, so .* the run of 2015-05-01T00:00"):
        check_unseen(["2015-06-01T00:00", "2015-05-01T00:00"], "2015-06-01")


@pytest.mark.parametrize(("runs", "events"), [(9, 5), (10, 1)])
def test_too_few_are_never_judged_by(runs, events):
    check_enough(dict.fromkeys(run_dates(5, 10), 2))
    with pytest.raises(UserError, match=f"{runs} runs with {runs * events} events are too few"):
        check_enough(dict.fromkeys(run_dates(5, runs), events))


# The job


ABOUT = {
    "model": "dropout",
    "seed": 0,
    "cutoff": "2015-05-01",
    "event": {"target": "RVORT1_MAX_future", "region": "storm", "threshold": 0.005},
    "predictors": ["U10_curr"],
}


def test_networks_that_forecast_other_events_are_not_compared():
    other = ABOUT | {"event": ABOUT["event"] | {"threshold": 0.004}}
    check_same_question(ABOUT, ABOUT | {"seed": 1})
    with pytest.raises(UserError, match=r"their event are .*0\.005.* and .*0\.004"):
        check_same_question(ABOUT, other)
    with pytest.raises(UserError, match="their predictors are"):
        check_same_question(ABOUT, ABOUT | {"predictors": ["V10_curr"]})


def write_predictions(path, skill, month=5, runs=12):
    """Storms of some runs; `skill` is how much more probable events are than others."""
    draw = np.random.default_rng(7)
    label = np.tile([0, 1, 0, 0, 1, 0], runs).astype("int8")
    probability = np.clip(0.33 + skill * (label - 0.33) + draw.normal(0, 0.05, label.size), 0, 1)
    date = np.repeat(np.array(run_dates(month, runs), "datetime64[ns]"), 6)
    place = ("storm", np.zeros(label.size))
    xr.Dataset(
        {"probability": ("storm", probability), "label": ("storm", label)},
        coords={
            "run_date": ("storm", date),
            "valid_time": ("storm", date),
            "forecast_hour": place,
            "longitude": place,
            "latitude": place,
        },
        attrs={"model": "dropout", "seed": 0},
    ).to_netcdf(path)
    return str(path)


def judge(folder, challenger, champion=None, cutoff="2015-05-01", runs=12):
    """The decision on a challenger of some skill, against a champion of another."""
    (folder / "network.keras").write_bytes(b"weights")
    judge_challenger(
        network=str(folder / "network.keras"),
        training=write_predictions(folder / "training.nc", 0.5, month=4),
        challenger=write_predictions(folder / "challenger.nc", challenger, runs=runs),
        champion_predictions=[write_predictions(folder / "champion.nc", champion)]
        if champion
        else [],
        champion=champion and ABOUT | {"cutoff": cutoff, "sha256": "0" * 64},
        about=ABOUT,
        verification={"resamples": 200, "confidence": 0.95},
        decision=str(folder / "decision.json"),
        scores=str(folder / "scores.csv"),
        differences=str(folder / "differences.csv"),
    )
    return json.loads((folder / "decision.json").read_text())


def test_decision_rests_on_the_difference_of_brier_scores(tmp_path):
    decision = judge(tmp_path, challenger=0.8, champion=0.4)
    assert decision["promote"] is True
    scores = {
        whose: decision[whose]["scores"]["brier_score"]["value"]
        for whose in ("challenger", "champion")
    }
    value = scores["challenger"] - scores["champion"]
    assert decision["difference"]["value"] == pytest.approx(value)
    assert decision["difference"]["low"] < value < decision["difference"]["high"] < 0
    assert (decision["runs"], decision["storms"], decision["events"]) == (12, 72, 24)
    assert (decision["scored_from"], decision["scored_until"]) == (
        "2015-05-01T00:00",
        "2015-05-12T00:00",
    )
    differences = pd.read_csv(tmp_path / "differences.csv").set_index("score")
    assert differences["difference"]["brier_score"] == pytest.approx(value)
    assert judge(tmp_path, challenger=0.4, champion=0.8)["promote"] is False


def test_decision_names_the_file_that_was_scored(tmp_path):
    challenger = judge(tmp_path, challenger=0.8)["challenger"]
    assert challenger["network"] == str(tmp_path / "network.keras")
    assert challenger["sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert challenger["cutoff"] == "2015-05-01"


def test_equal_networks_tie(tmp_path):
    decision = judge(tmp_path, challenger=0.5, champion=0.5)
    assert decision["promote"] is False
    assert "A tie keeps the champion" in decision["why"]


def test_first_network_is_judged_against_climatology(tmp_path):
    assert judge(tmp_path, challenger=0.8)["promote"] is True
    decision = judge(tmp_path, challenger=-0.2)
    assert decision["promote"] is False
    assert decision["champion"] is None
    assert decision["difference"] is None
    assert "may be no better than climatology" in decision["why"]


def test_job_refuses_runs_that_the_champion_has_seen(tmp_path):
    with pytest.raises(UserError, match="The champion was trained on runs before 2015-05-02"):
        judge(tmp_path, challenger=0.8, champion=0.4, cutoff="2015-05-02")
    assert not (tmp_path / "decision.json").exists()


def test_job_refuses_too_few_runs(tmp_path):
    with pytest.raises(UserError, match="9 runs with 18 events are too few"):
        judge(tmp_path, challenger=0.8, runs=9)
    assert not (tmp_path / "decision.json").exists()
