"""The choice of a dropout rate: its inputs, its results and its reruns."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import xarray as xr
from checkout import Checkout, Job, error_line

RATES = [0.1, 0.4]
# Batches of the training period, which ends with 2014.
FITTING, VALIDATION = ["2014-04", "2014-05"], ["2014-06"]


@pytest.fixture(scope="module")
def tuned(finished: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a finished workflow in which two rates have been tried."""
    checkout = finished.copy(tmp_path_factory.mktemp("tuned") / "checkout")
    checkout.change({"tuning": {"rates": RATES, "members": 10, "seeds": [0]}})
    checkout.run("tune_dropout")
    return checkout


@pytest.fixture
def again(tuned: Checkout, tmp_path: Path) -> Checkout:
    """Return a copy of the tuned workflow, which a test may change."""
    return tuned.copy(tmp_path / "again")


def network_jobs(plan: dict[str, Job]) -> set[str]:
    return {name for name in plan if name.startswith(("train_", "predict_", "sample_"))}


def test_one_of_the_rates_is_chosen(tuned: Checkout) -> None:
    choice = pd.read_csv(tuned.path / "results/tiny/tuning/choice.csv")
    assert choice["rate"].tolist() == RATES
    assert choice["chosen"].sum() == 1
    assert choice["reason"].str.len().min() > 20
    scores = pd.read_csv(tuned.path / "results/tiny/tuning/scores.csv")
    assert set(scores["rate"]) == set(RATES)
    assert {"log_score", "count_crps", "epistemic_share"} <= set(scores["score"])
    for suffix in ("png", "svg"):
        assert (tuned.path / f"results/tiny/figures/rate_sweep.{suffix}").stat().st_size > 1000


def test_rates_are_validated_on_the_last_part_of_the_training_period(tuned: Checkout) -> None:
    folder = tuned.path / "results/tiny/tuning/rate-0.4/seed-0"
    months = {}
    for name in ("predictions-training", "predictions", "storms"):
        with xr.open_dataset(folder / f"{name}.nc") as file:
            months[name] = sorted(set(file["run_date"].dt.strftime("%Y-%m").values.tolist()))
    assert months == {
        "predictions-training": FITTING,
        "predictions": VALIDATION,
        "storms": VALIDATION,
    }


def test_no_job_reads_the_test_period(tuned: Checkout) -> None:
    plan = tuned.plan("tune_dropout", "--forceall")
    assert not [file for job in plan.values() for file in job.inputs if "/2015" in file]
    fitting = [job for job in plan.values() if job.rule in ("train_rate", "fit_rate_scaling")]
    assert len(fitting) == len(RATES) + 1
    assert not [file for job in fitting for file in job.inputs if VALIDATION[0] in file]


def test_additional_rates_train_only_their_networks(again: Checkout) -> None:
    again.change({"tuning": {"rates": [0.05, *RATES, 0.25]}})
    plan = again.plan("tune_dropout")
    assert network_jobs(plan) == {
        f"{job} {rate} 0"
        for job in ("train_rate", "predict_rate", "sample_rate")
        for rate in (0.05, 0.25)
    }
    assert {"score_rates", "draw_rates"} < plan.keys()


def test_other_rate_of_the_configured_network_trains_no_rate_again(again: Checkout) -> None:
    again.change({"models": {"dropout": {"spatial_dropout": 0.4}}})
    assert set(again.plan("tune_dropout")) == {"score_rates", "draw_rates", "tune_dropout"}


def test_other_start_of_the_validation_trains_every_rate_again(again: Checkout) -> None:
    again.change({"tuning": {"validation_start": "2014-05-01"}})
    plan = again.plan("tune_dropout")
    assert {f"train_rate {rate} 0" for rate in RATES} < plan.keys()
    assert "fit_rate_scaling" in plan


def test_report_requires_the_rates_only_if_it_shows_them(again: Checkout) -> None:
    plan = again.plan()
    assert not [file for file in plan["write_report"].inputs if "tuning" in file]
    again.change({"tuning": {"report": True}})
    plan = again.plan()
    assert network_jobs(plan) == set()
    assert "results/tiny/tuning/choice.csv" in plan["write_report"].inputs
    assert "results/tiny/figures/rate_sweep.svg" in plan["write_report"].inputs
    again.run()
    report = (again.path / "results/tiny/report.html").read_text(encoding="utf-8")
    assert 'id="rates"' in report


def test_validation_start_that_leaves_no_training_runs_is_named(again: Checkout) -> None:
    again.change({"tuning": {"validation_start": "2014-04-01"}})
    output = again.fail("--dry-run")
    message = error_line(output, "tuning.validation_start: 2014-04-01 ")
    assert "2014-04-01 to 2014-06-01" in message
    assert "Building DAG" not in output
