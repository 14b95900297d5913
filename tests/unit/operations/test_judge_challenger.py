"""The job that compares a challenger with the champion writes a decision with its evidence."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from scripts.judge_challenger import judge_challenger
from stormcnn.errors import UserError

ABOUT = {
    "model": "dropout",
    "seed": 0,
    "cutoff": "2015-05-01",
    "event": {"target": "RVORT1_MAX_future", "region": "storm", "threshold": 0.005},
    "predictors": ["U10_curr"],
}


def write_predictions(path, skill, month=5, runs=12, hours=24):
    """Write predictions for some runs; events are more probable than others by `skill`."""
    draw = np.random.default_rng(7)
    label = np.tile([0, 1, 0, 0, 1, 0], runs).astype("int8")
    probability = np.clip(0.33 + skill * (label - 0.33) + draw.normal(0, 0.05, label.size), 0, 1)
    first = np.datetime64(f"2015-{month:02d}-01", "ns")
    run_date = np.repeat(first + np.arange(runs) * np.timedelta64(hours, "h"), 6)
    place = ("storm", np.zeros(label.size))
    xr.Dataset(
        {"probability": ("storm", probability), "label": ("storm", label)},
        coords={
            "run_date": ("storm", run_date),
            "valid_time": ("storm", run_date),
            "forecast_hour": place,
            "longitude": place,
            "latitude": place,
        },
        attrs={"model": "dropout", "seed": 0, "stormcnn_commit": "c0ffee"},
    ).to_netcdf(path)
    return str(path)


def judge(folder, challenger, champion=None, cutoff="2015-05-01", runs=12, hours=24):
    """Return the decision on a challenger, given the skill of both networks."""
    (folder / "network.keras").write_bytes(b"weights")
    judge_challenger(
        network=str(folder / "network.keras"),
        training=write_predictions(folder / "training.nc", 0.5, month=4),
        challenger=write_predictions(folder / "challenger.nc", challenger, runs=runs, hours=hours),
        champion_predictions=[write_predictions(folder / "champion.nc", champion)]
        if champion
        else [],
        champion=champion and ABOUT | {"cutoff": cutoff, "sha256": "0" * 64},
        about=ABOUT,
        verification={"resamples": 200, "confidence": 0.95, "block": "day"},
        decision=str(folder / "decision.json"),
        scores=str(folder / "scores.csv"),
        differences=str(folder / "differences.csv"),
    )
    return json.loads((folder / "decision.json").read_text())


def test_decision_uses_the_difference_of_brier_scores(tmp_path):
    decision = judge(tmp_path, challenger=0.8, champion=0.4)
    assert decision["promote"] is True
    scores = {
        role: decision[role]["scores"]["brier_score"]["value"]
        for role in ("challenger", "champion")
    }
    value = scores["challenger"] - scores["champion"]
    assert decision["difference"]["value"] == pytest.approx(value)
    assert decision["difference"]["low"] < value < decision["difference"]["high"] < 0
    sizes = [decision[name] for name in ("blocks", "runs", "storms", "events")]
    assert sizes == [12, 12, 72, 24]
    assert decision["difference"]["p_value"] < 0.05
    assert (decision["scored_from"], decision["scored_until"]) == (
        "2015-05-01T00:00",
        "2015-05-12T00:00",
    )
    differences = pd.read_csv(tmp_path / "differences.csv").set_index("score")
    assert differences["difference"]["brier_score"] == pytest.approx(value)
    assert judge(tmp_path, challenger=0.4, champion=0.8)["promote"] is False


def test_decision_identifies_the_network_that_was_scored(tmp_path):
    challenger = judge(tmp_path, challenger=0.8)["challenger"]
    assert challenger["network"] == str(tmp_path / "network.keras")
    assert challenger["sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert challenger["commit"] == "c0ffee"
    assert challenger["cutoff"] == "2015-05-01"


def test_equal_network_is_not_promoted(tmp_path):
    decision = judge(tmp_path, challenger=0.5, champion=0.5)
    assert decision["promote"] is False
    assert decision["difference"]["value"] == 0


def test_first_network_is_judged_against_climatology(tmp_path):
    assert judge(tmp_path, challenger=0.8)["promote"] is True
    decision = judge(tmp_path, challenger=-0.2)
    assert decision["promote"] is False
    assert decision["champion"] is None
    assert decision["difference"] is None
    assert "climatology" in decision["why"]


def test_runs_that_the_champion_was_trained_on_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"2015-05-02.*2015-05-01T00:00"):
        judge(tmp_path, challenger=0.8, champion=0.4, cutoff="2015-05-02")
    assert not (tmp_path / "decision.json").exists()


def test_too_few_runs_are_refused(tmp_path):
    with pytest.raises(UserError, match="9 runs in 9 blocks with 18 events"):
        judge(tmp_path, challenger=0.8, runs=9)
    assert not (tmp_path / "decision.json").exists()


def test_many_runs_on_few_days_are_refused(tmp_path):
    with pytest.raises(UserError, match="40 runs in 2 blocks with 80 events"):
        judge(tmp_path, challenger=0.8, champion=0.4, runs=40, hours=1)
