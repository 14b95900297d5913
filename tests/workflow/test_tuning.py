"""The choice of a dropout rate: what it reads, what it leaves alone, what it gives."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import xarray as xr
from checkout import Checkout

RATES = [0.1, 0.4]
# Run files of the finished run by batch; the test period begins with 2015.
LEARNING, VALIDATION = ["2014-04", "2014-05"], ["2014-06"]


@pytest.fixture(scope="module")
def tuned(finished: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A finished run in which two rates have been tried."""
    checkout = finished.copy(tmp_path_factory.mktemp("tuned") / "checkout")
    checkout.change({"tuning": {"rates": RATES, "members": 10}})
    checkout.run("tune_dropout")
    return checkout


@pytest.fixture
def again(tuned: Checkout, tmp_path: Path) -> Checkout:
    """A copy of the tuned run, in which a test may change things."""
    return tuned.copy(tmp_path / "again")


def networks_of(plan: dict) -> set[str]:
    return {name for name in plan if name.startswith(("train_", "predict_", "sample_"))}


def test_rate_is_chosen_of_those_that_were_tried(tuned: Checkout) -> None:
    choice = pd.read_csv(tuned.path / "results/tiny/tuning/choice.csv")
    assert choice["rate"].tolist() == RATES
    assert choice["chosen"].sum() == 1
    assert choice["reason"].str.len().min() > 20
    scores = pd.read_csv(tuned.path / "results/tiny/tuning/scores.csv")
    assert set(scores["rate"]) == set(RATES)
    assert {"log_score", "count_crps", "epistemic_share"} <= set(scores["score"])
    for suffix in ("png", "svg"):
        assert (tuned.path / f"results/tiny/figures/rate_sweep.{suffix}").stat().st_size > 1000


def test_rates_are_judged_on_the_last_part_of_the_training_period(tuned: Checkout) -> None:
    folder = tuned.path / "results/tiny/tuning/rate-0.4/seed-0"
    months = {}
    for name in ("predictions-training", "predictions", "storms"):
        with xr.open_dataset(folder / f"{name}.nc") as file:
            months[name] = sorted(set(file["run_date"].dt.strftime("%Y-%m").values.tolist()))
    assert months == {
        "predictions-training": LEARNING,
        "predictions": VALIDATION,
        "storms": VALIDATION,
    }


def test_no_job_reads_the_test_period(tuned: Checkout) -> None:
    plan = tuned.plan("tune_dropout", "--forceall")
    assert not [file for job in plan.values() for file in job.inputs if "/2015" in file]
    learnt = {
        file for name, job in plan.items() if "train_rate" in name for file in job.inputs
    } | set(plan["fit_rate_scaling"].inputs)
    assert not [file for file in learnt if VALIDATION[0] in file]


def test_more_rates_train_the_new_ones_only(again: Checkout) -> None:
    again.change({"tuning": {"rates": [0.05, *RATES, 0.25]}})
    plan = again.plan("tune_dropout")
    assert networks_of(plan) == {
        f"{job} {rate} 0"
        for job in ("train_rate", "predict_rate", "sample_rate")
        for rate in (0.05, 0.25)
    }
    assert {"score_rates", "draw_rates"} < plan.keys()


def test_other_rate_of_the_network_itself_trains_no_rate_again(again: Checkout) -> None:
    again.change({"models": {"dropout": {"spatial_dropout": 0.4}}})
    assert set(again.plan("tune_dropout")) == {"score_rates", "draw_rates", "tune_dropout"}


def test_other_day_of_validation_trains_every_rate_again(again: Checkout) -> None:
    again.change({"tuning": {"validation_start": "2014-05-01"}})
    plan = again.plan("tune_dropout")
    assert {f"train_rate {rate} 0" for rate in RATES} < plan.keys()
    assert "fit_rate_scaling" in plan


def test_rates_are_tried_before_the_report_only_where_it_shows_them(again: Checkout) -> None:
    plan = again.plan()
    assert not [file for file in plan["write_report"].inputs if "tuning" in file]
    again.change({"tuning": {"report": True}})
    plan = again.plan()
    assert networks_of(plan) == set()
    assert "results/tiny/tuning/choice.csv" in plan["write_report"].inputs
    assert "results/tiny/figures/rate_sweep.svg" in plan["write_report"].inputs
    again.run()
    report = (again.path / "results/tiny/report.html").read_text(encoding="utf-8")
    assert "Of the 2 dropout rates tried, " in report


def test_day_that_leaves_nothing_to_train_on_ends_with_a_sentence(again: Checkout) -> None:
    again.change({"tuning": {"validation_start": "2014-04-01"}})
    said = again.fail("--dry-run")
    assert (
        "tuning.validation_start: 2014-04-01 leaves no run file to train on or none to judge by; "
        "the run dates of the training period reach from 2014-04-01 to 2014-06-01."
    ) in said
    assert "Building DAG" not in said
