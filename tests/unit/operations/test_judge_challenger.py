"""The job that compares candidates with the champion writes a decision with its evidence."""

import hashlib
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from scripts.judge_challenger import judge_challenger
from stormcnn.errors import UserError
from stormcnn.models.network_archive import METADATA
from stormcnn.models.stored_recalibration import add_recalibration

ABOUT = {
    "cutoff": "2015-05-01",
    "event": {"target": "RVORT1_MAX_future", "region": "storm", "threshold": 0.005},
    "predictors": ["U10_curr"],
}


def write_network(path, recalibration=None):
    """Write the file of a network without weights, which holds a recalibration."""
    with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
        archive.writestr(METADATA, json.dumps(path.name))
    add_recalibration(path.with_suffix(".zip"), recalibration, path)
    return str(path)


def write_predictions(path, skill, month=5, runs=12, hours=24, seed=0):
    """Write predictions for some runs; events are more probable than others by `skill`."""
    draw = np.random.default_rng(7 + seed)
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
        attrs={"model": "dropout", "seed": seed, "stormcnn_commit": "c0ffee"},
    ).to_netcdf(path)
    return str(path)


def judge(
    folder,
    *skills,
    champion=None,
    cutoff="2015-05-01",
    runs=12,
    hours=24,
    recalibration=None,
):
    """Return the decision on candidates with some skills, one seed each.

    `champion` is the skill of the champion, and `recalibration` is stored in all networks.
    """
    seeds = range(len(skills))
    size = {"runs": runs, "hours": hours}
    judge_challenger(
        networks=[write_network(folder / f"network-{seed}.keras", recalibration) for seed in seeds],
        training=[
            write_predictions(folder / f"training-{seed}.nc", 0.5, month=4, seed=seed)
            for seed in seeds
        ],
        candidates=[
            write_predictions(folder / f"candidate-{seed}.nc", skill, seed=seed, **size)
            for seed, skill in enumerate(skills)
        ],
        champion_predictions=[write_predictions(folder / "champion.nc", champion, **size)]
        if champion
        else [],
        champion=champion
        and ABOUT
        | {
            "cutoff": cutoff,
            "sha256": "0" * 64,
            "network": write_network(folder / "champion.keras", recalibration),
        },
        about=ABOUT,
        verification={"resamples": 200, "confidence": 0.95, "block": "day"},
        decision=str(folder / "decision.json"),
        scores=str(folder / "scores.csv"),
        differences=str(folder / "differences.csv"),
    )
    return json.loads((folder / "decision.json").read_text())


@pytest.mark.slow
def test_decision_uses_the_difference_of_brier_scores(tmp_path):
    decision = judge(tmp_path, 0.8, champion=0.4)
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
    assert judge(tmp_path, 0.4, champion=0.8)["promote"] is False


def test_decision_identifies_the_network_that_was_scored(tmp_path):
    challenger = judge(tmp_path, 0.8)["challenger"]
    network = tmp_path / "network-0.keras"
    assert challenger["network"] == str(network)
    assert challenger["sha256"] == hashlib.sha256(network.read_bytes()).hexdigest()
    assert (challenger["model"], challenger["seed"]) == ("dropout", 0)
    assert challenger["commit"] == "c0ffee"
    assert challenger["cutoff"] == "2015-05-01"


@pytest.mark.slow
def test_best_candidate_challenges_and_all_that_were_tried_are_kept(tmp_path):
    decision = judge(tmp_path, 0.5, 0.8, 0.6, champion=0.4)
    assert decision["promote"] is True
    assert decision["challenger"]["seed"] == 1
    assert decision["challenger"]["network"] == str(tmp_path / "network-1.keras")
    assert decision["confidence"] == pytest.approx(1 - 0.05 / 3)
    tried = decision["candidates"]
    assert [(one["model"], one["seed"]) for one in tried] == [("dropout", n) for n in range(3)]
    assert decision["difference"] == tried[1]["difference"]
    brier_scores = [one["scores"]["brier_score"]["value"] for one in tried]
    champion = decision["champion"]["scores"]["brier_score"]["value"]
    for one, brier_score in zip(tried, brier_scores, strict=True):
        assert one["difference"]["value"] == pytest.approx(brier_score - champion)
    assert min(brier_scores) == brier_scores[1]
    digests = {one["sha256"] for one in tried}
    assert len(digests) == 3
    assert decision["challenger"]["sha256"] in digests
    rows = pd.read_csv(tmp_path / "scores.csv")
    assert set(rows["model"]) == {"champion", *(f"dropout/seed-{seed}" for seed in range(3))}
    assert set(rows["seed"].astype(str)) == {"0"}


@pytest.mark.slow
def test_more_candidates_need_stronger_evidence_for_the_first_champion(tmp_path):
    alone = judge(tmp_path, 0.8)["challenger"]["scores"]["brier_skill_score_training"]
    among = judge(tmp_path, 0.8, 0.7, 0.6, 0.5)
    skill = among["challenger"]["scores"]["brier_skill_score_training"]
    assert among["challenger"]["seed"] == 0
    assert skill["value"] == alone["value"]
    assert skill["low"] < alone["low"]
    assert "4 candidates" in among["why"]


@pytest.mark.slow
def test_probabilities_are_judged_as_they_are_forecast(tmp_path):
    recalibration = {"method": "isotonic", "knots": [0, 1], "frequencies": [0.25, 0.75]}
    raw = judge(tmp_path, 0.8, champion=0.4)
    decision = judge(tmp_path, 0.8, champion=0.4, recalibration=recalibration)
    for role, file in (("challenger", "candidate-0"), ("champion", "champion")):
        with xr.open_dataset(tmp_path / f"{file}.nc") as predictions:
            p, y = predictions["probability"].values, predictions["label"].values
        brier_scores = [one[role]["scores"]["brier_score"]["value"] for one in (raw, decision)]
        expected = [np.mean((p - y) ** 2), np.mean((0.25 + 0.5 * p - y) ** 2)]
        assert brier_scores == pytest.approx(expected)


def test_equal_network_is_not_promoted(tmp_path):
    decision = judge(tmp_path, 0.5, champion=0.5)
    assert decision["promote"] is False
    assert decision["difference"]["value"] == 0


@pytest.mark.slow
def test_first_network_is_judged_against_climatology(tmp_path):
    assert judge(tmp_path, 0.8)["promote"] is True
    decision = judge(tmp_path, -0.2)
    assert decision["promote"] is False
    assert decision["champion"] is None
    assert decision["difference"] is None
    assert "climatology" in decision["why"]


def test_runs_that_the_champion_was_trained_on_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"2015-05-02.*2015-05-01T00:00"):
        judge(tmp_path, 0.8, champion=0.4, cutoff="2015-05-02")
    assert not (tmp_path / "decision.json").exists()


def test_too_few_runs_are_refused(tmp_path):
    with pytest.raises(UserError, match="9 runs in 9 blocks with 18 events"):
        judge(tmp_path, 0.8, runs=9)
    assert not (tmp_path / "decision.json").exists()


def test_many_runs_on_few_days_are_refused(tmp_path):
    with pytest.raises(UserError, match="40 runs in 2 blocks with 80 events"):
        judge(tmp_path, 0.8, champion=0.4, runs=40, hours=1)
