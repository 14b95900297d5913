"""Bad input ends with a sentence that says what is wrong and where, and leaves nothing behind."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from checkout import RUN_DATES, Checkout, write_runs
from run_files import run_file_name, run_values, write_run_file

INVENTORY = "resources/tiny/inventory.csv"
DATES = [datetime(2014, 4, 1), datetime(2014, 5, 1), datetime(2015, 5, 1)]


@pytest.fixture
def own(checkout: Checkout) -> Checkout:
    """A clone with three run files in two batches."""
    write_runs(checkout.path / "runs", DATES, storms=4)
    checkout.change({"data": {"batch": "year"}})
    return checkout


def run_file(checkout: Checkout, date: datetime) -> Path:
    return checkout.path / "runs" / run_file_name(date)


# Settings


def test_faults_of_the_settings_are_told_together_before_any_job(own: Checkout) -> None:
    own.change({"models": {"baseline": {"filters": [8, 0]}}, "training": {"epoch": 3}})
    said = own.fail("--dry-run")
    assert "training.epoch is not a known key. Did you mean training.epochs?" in said
    assert "models.baseline.filters must be a list of 1 to 5 integers >= 1 (got [8, 0])" in said
    assert "Building DAG" not in said


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"models": {"dropout": {"dropout": 0.5}}},
            "models.dropout.dropout must be null or 0 if spatial_dropout is set",
        ),
        (
            {"split": {"test_start": "2015-05-01"}},
            "split.test_start must be the first day of a year",
        ),
        (
            {"split": {"test_start": "2031-01-01"}},
            "split.test_start: 2031-01-01 leaves no run file for the test period; the run dates "
            "reach from 2014-04-01 to 2015-05-01.",
        ),
        (
            {"data": {"folder": "elsewhere"}},
            "data.folder: elsewhere is not a folder.",
        ),
        (
            {"data": {"folder": "config"}},
            "data.folder: config contains no run file (*_model_patches.nc).",
        ),
    ],
)
def test_wrong_setting_ends_before_any_job_with_a_sentence(
    own: Checkout, changes: dict[str, Any], sentence: str
) -> None:
    own.change(changes)
    said = own.fail("--dry-run")
    assert sentence in said
    assert "Building DAG" not in said


# Run files


def test_run_file_whose_name_has_no_date_is_named(own: Checkout) -> None:
    run_file(own, DATES[0]).rename(own.path / "runs" / "storms_model_patches.nc")
    said = own.fail("--dry-run")
    assert "runs/storms_model_patches.nc: the file name contains no run date." in said


def test_same_run_in_two_places_is_refused(own: Checkout) -> None:
    name = run_file_name(DATES[0])
    (own.path / "runs" / "again").mkdir()
    shutil.copy(run_file(own, DATES[0]), own.path / "runs" / "again")
    said = own.fail("--dry-run")
    assert f"runs/{name} and runs/again/{name} are files of the same forecast run" in said.replace(
        f"runs/again/{name} and runs/{name}", f"runs/{name} and runs/again/{name}"
    )
    assert "Remove one of them." in said


def test_same_content_under_two_names_is_refused(own: Checkout) -> None:
    copy = run_file(own, DATES[0]).with_name(run_file_name(DATES[0], ensemble_member="d02"))
    shutil.copy(run_file(own, DATES[0]), copy)
    said = own.fail(INVENTORY)
    assert f"{copy.name} have the same content (SHA-256" in said
    assert not (own.path / INVENTORY).exists()


def test_bad_storms_are_set_aside_and_a_truncated_file_stops_the_run(own: Checkout) -> None:
    values = run_values(storms=4)
    values["REFL_COM_curr"][1, 0, 0] = np.nan
    values["U10_curr"][2] = 0
    write_run_file(own.path / "runs", values, run_date=DATES[0])
    own.run(INVENTORY)
    kept = (own.path / INVENTORY).read_bytes()
    inventory = pd.read_csv(own.path / INVENTORY)
    assert list(inventory["storms"]) == [2, 4, 4]
    assert list(inventory["rejected"]) == [2, 0, 0]
    assert "NaN in REFL_COM_curr" in inventory.loc[0, "reason"]
    assert "U10_curr" in inventory.loc[0, "reason"]

    path = run_file(own, DATES[1])
    path.write_bytes(path.read_bytes()[:30000])
    said = own.fail(INVENTORY)
    assert f"runs/{path.name}: cannot be read as NetCDF" in said
    assert "data.skip_bad_files" in said
    # Nothing is half-written, and what does not depend on the file stays.
    assert (own.path / INVENTORY).read_bytes() == kept
    assert {file.name for file in (own.path / "resources/tiny/patches").iterdir()} == {"2015.nc"}

    own.change({"data": {"skip_bad_files": True}})
    own.run(INVENTORY)
    inventory = pd.read_csv(own.path / INVENTORY)
    assert list(inventory["storms"]) == [2, 0, 4]
    assert "cannot be read as NetCDF" in inventory.loc[1, "reason"]


def test_run_files_with_patches_of_different_sizes_are_refused(own: Checkout) -> None:
    write_run_file(own.path / "runs", run_values(storms=4, size=6), run_date=DATES[2])
    said = own.fail(INVENTORY)
    assert "patches of different sizes" in said
    for date, size in ((DATES[0], "8 x 8"), (DATES[2], "6 x 6")):
        assert f"runs/{run_file_name(date)}: {size}" in said
    assert not (own.path / INVENTORY).exists()


# Test period


def test_test_period_without_events_goes_on_and_says_so(rerun: Checkout) -> None:
    for date in RUN_DATES:
        if date.year == 2015:
            values = run_values(storms=12, seed=date.day)
            values["RVORT1_MAX_future"] *= 0.1
            write_run_file(rerun.path / "runs", values, run_date=date)
    rerun.change({"models": {"dropout": None}, "uncertainty": {"models": []}})
    rerun.run()
    assert "train_network" not in rerun.rules_run()

    scores = pd.read_csv(rerun.path / "results/tiny/verification/scores.csv")
    test = scores[(scores["period"] == "test") & (scores["stratum"] == "all")]
    assert set(test["events"]) == {0}
    assert test.loc[test["score"] == "auc", "value"].isna().all()
    assert test.loc[test["score"] == "brier_score", "value"].notna().all()
    said = (rerun.path / "logs/score_networks/tiny.log").read_text()
    assert "None of the 48 storms of the test period is an event" in said
    report = (rerun.path / "results/tiny/report.html").read_text()
    assert "the test period holds one class only" in report


def test_test_period_without_a_storm_is_refused(rerun: Checkout) -> None:
    for date in RUN_DATES:
        if date.year == 2015:
            write_run_file(rerun.path / "runs", run_values(storms=0), run_date=date)
    said = rerun.fail("results/tiny/predictions/baseline/seed-0.nc")
    assert "contain no valid storm" in said
