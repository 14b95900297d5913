"""Errors about bad input name the setting or file, and leave no incomplete results."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from checkout import RUN_DATES, Checkout, error_line, write_runs
from run_files import run_file_name, run_values, write_run_file

INVENTORY = "resources/tiny/inventory.csv"
DATES = [datetime(2014, 4, 1), datetime(2014, 5, 1), datetime(2015, 5, 1)]


@pytest.fixture
def clone(checkout: Checkout) -> Checkout:
    """Return a clone with three run files in two batches."""
    write_runs(checkout.path / "runs", DATES, storms=4)
    checkout.change({"data": {"batch": "year"}})
    return checkout


def run_file(checkout: Checkout, run_date: datetime) -> Path:
    return checkout.path / "runs" / run_file_name(run_date)


# Settings


def test_all_wrong_settings_are_named_before_any_job(clone: Checkout) -> None:
    clone.change({"models": {"baseline": {"filters": [8, 0]}}, "training": {"epoch": 3}})
    output = clone.fail("--dry-run")
    assert "training.epochs" in error_line(output, "training.epoch ")
    assert "[8, 0]" in error_line(output, "models.baseline.filters ")
    assert "Building DAG" not in output


@pytest.mark.parametrize(
    ("changes", "key", "named"),
    [
        ({"models": {"dropout": {"dropout": 0.5}}}, "models.dropout.dropout", ["spatial_dropout"]),
        ({"split": {"test_start": "2015-05-01"}}, "split.test_start", ["2015-05-01", "year"]),
        ({"data": {"folder": "elsewhere"}}, "data.folder", ["elsewhere"]),
        ({"data": {"folder": "config"}}, "data.folder", ["config", "_model_patches.nc"]),
    ],
)
def test_wrong_setting_is_named_before_any_job(
    clone: Checkout, changes: dict[str, Any], key: str, named: list[str]
) -> None:
    clone.change(changes)
    output = clone.fail("--dry-run")
    message = error_line(output, key)
    assert [text for text in named if text not in message] == []
    assert "Building DAG" not in output


def test_empty_test_period_is_named_before_any_job(clone: Checkout) -> None:
    clone.change({"split": {"test_start": "2031-01-01"}})
    message = error_line(clone.fail("--dry-run"), "split.test_start: 2031-01-01")
    assert "2014-04-01" in message
    assert "2015-05-01" in message


# Run files


def test_run_file_without_a_date_in_its_name_is_named(clone: Checkout) -> None:
    run_file(clone, DATES[0]).rename(clone.path / "runs" / "storms_model_patches.nc")
    assert error_line(clone.fail("--dry-run"), "runs/storms_model_patches.nc: ")


def test_two_files_of_one_forecast_run_are_named(clone: Checkout) -> None:
    name = run_file_name(DATES[0])
    (clone.path / "runs" / "again").mkdir()
    shutil.copy(run_file(clone, DATES[0]), clone.path / "runs" / "again")
    message = error_line(clone.fail("--dry-run"), "runs/")
    assert f"runs/{name} " in message
    assert f"runs/again/{name} " in message


def test_two_files_with_the_same_content_are_named(clone: Checkout) -> None:
    copy = run_file(clone, DATES[0]).with_name(run_file_name(DATES[0], ensemble_member="d02"))
    shutil.copy(run_file(clone, DATES[0]), copy)
    message = error_line(clone.fail(INVENTORY), "runs/")
    assert f"runs/{run_file_name(DATES[0])} " in message
    assert f"runs/{copy.name} " in message
    assert not (clone.path / INVENTORY).exists()


def test_bad_storms_are_rejected_and_a_truncated_file_is_named_or_skipped(
    clone: Checkout,
) -> None:
    values = run_values(storms=4)
    values["REFL_COM_curr"][1, 0, 0] = np.nan
    values["U10_curr"][2] = 0
    write_run_file(clone.path / "runs", values, run_date=DATES[0])
    clone.run(INVENTORY)
    first_inventory = (clone.path / INVENTORY).read_bytes()
    inventory = pd.read_csv(clone.path / INVENTORY)
    assert list(inventory["storms"]) == [2, 4, 4]
    assert list(inventory["rejected"]) == [2, 0, 0]
    assert "REFL_COM_curr" in inventory.loc[0, "reason"]
    assert "U10_curr" in inventory.loc[0, "reason"]

    path = run_file(clone, DATES[1])
    path.write_bytes(path.read_bytes()[:30000])
    assert "data.skip_bad_files" in error_line(clone.fail(INVENTORY), f"runs/{path.name}: ")
    # No file is incomplete, and files that do not depend on this run file are kept.
    assert (clone.path / INVENTORY).read_bytes() == first_inventory
    assert {file.name for file in (clone.path / "resources/tiny/patches").iterdir()} == {"2015.nc"}

    whole = write_run_file(clone.path / "whole", run_values(storms=4), run_date=DATES[1])
    preparing = {"prepare_patches 2014", "merge_inventory", "prepare"}
    clone.change({"data": {"skip_bad_files": True}})
    assert set(clone.plan("prepare")) == preparing
    clone.run("prepare")
    inventory = pd.read_csv(clone.path / INVENTORY)
    assert list(inventory["storms"]) == [2, 0, 4]
    assert "NetCDF" in inventory.loc[1, "reason"]
    assert clone.plan("prepare") == {}

    # Turning it off again does not use the batch without the file.
    clone.change({"data": {"skip_bad_files": False}})
    assert set(clone.plan("prepare")) == preparing
    path.write_bytes(whole.read_bytes())
    clone.run("prepare")
    assert pd.read_csv(clone.path / INVENTORY)["storms"].tolist() == [2, 4, 4]
    assert clone.plan("prepare") == {}


def test_run_files_with_different_patch_sizes_are_named(clone: Checkout) -> None:
    write_run_file(clone.path / "runs", run_values(storms=4, size=6), run_date=DATES[2])
    output = clone.fail(INVENTORY)
    for run_date, size in ((DATES[0], "8 x 8"), (DATES[2], "6 x 6")):
        assert f"runs/{run_file_name(run_date)}: {size}" in output
    assert not (clone.path / INVENTORY).exists()


# Test period


def test_test_period_without_events_has_no_auc_and_is_logged(rerun: Checkout) -> None:
    for run_date in RUN_DATES:
        if run_date.year == 2015:
            values = run_values(storms=12, seed=run_date.day)
            values["RVORT1_MAX_future"] *= 0.1
            write_run_file(rerun.path / "runs", values, run_date=run_date)
    rerun.change({"models": {"dropout": None}, "uncertainty": {"models": []}})
    rerun.run()
    assert "train_network" not in rerun.rules_run()

    scores = pd.read_csv(rerun.path / "results/tiny/verification/scores.csv")
    test = scores[(scores["period"] == "test") & (scores["stratum"] == "all")]
    assert set(test["events"]) == {0}
    assert test.loc[test["score"] == "auc", "value"].isna().all()
    assert test.loc[test["score"] == "brier_score", "value"].notna().all()
    comparison = pd.read_csv(rerun.path / "results/tiny/comparison.csv")
    assert comparison["auc"].isna().all()
    log = (rerun.path / "logs/score_networks/tiny.log").read_text(encoding="utf-8")
    (warning,) = [line for line in log.splitlines() if "AUC" in line]
    assert "48 storms of the test period" in warning


def test_test_period_without_storms_is_refused(rerun: Checkout) -> None:
    for run_date in RUN_DATES:
        if run_date.year == 2015:
            write_run_file(rerun.path / "runs", run_values(storms=0), run_date=run_date)
    assert error_line(rerun.fail("results/tiny/predictions/baseline/seed-0.nc"), "split.test_start")
