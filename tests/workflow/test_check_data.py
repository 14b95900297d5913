"""The check of run files before any training."""

from __future__ import annotations

import pandas as pd
import pytest
from checkout import RUN_DATES, Checkout, error_line, write_runs
from run_files import run_file_name, run_values, write_run_file


@pytest.fixture
def clone(checkout: Checkout) -> Checkout:
    """Return a clone with run files, none of which are in the configured test period."""
    write_runs(checkout.path / "runs")
    checkout.change({"split": {"test_start": "2031-01-01"}})
    return checkout


def test_check_suggests_a_test_period_that_the_workflow_accepts(clone: Checkout) -> None:
    error_line(clone.fail("--dry-run"), "split.test_start: 2031-01-01")
    damaged = clone.path / "runs" / run_file_name(RUN_DATES[0])
    damaged.write_bytes(b"damaged")
    output = clone.run("check_data")
    assert "resources/tiny/check.html" in output
    assert "train_network" not in clone.rules_run()
    assert not list(clone.path.glob("resources/tiny/patches/*"))
    table = pd.read_csv(clone.path / "resources/tiny/check.csv", keep_default_na=False)
    values = table.set_index(["topic", "item", "quantity"])["value"]
    assert damaged.name in values["warning", "1", "text"]
    assert values["file", f"runs/{damaged.name}", "fault"]
    # Nothing has changed, so there is nothing to check.
    assert clone.plan("check_data") == {}

    write_run_file(damaged.parent, run_values(12), run_date=RUN_DATES[0])
    suggested = {key: values["split", "suggested", key] for key in ("test_start", "batch")}
    clone.change(
        {
            "split": {"test_start": suggested["test_start"]},
            "data": {"batch": suggested["batch"]},
        }
    )
    assert "fit_scaling" in {job.rule for job in clone.plan().values()}
    assert {job.rule for job in clone.plan("check_data").values()} == {"check_data"}


def test_folder_without_usable_files_fails_with_what_the_files_have(clone: Checkout) -> None:
    clone.change({"data": {"predictors": ["CAPE_curr"]}})
    message = error_line(clone.fail("check_data"), "None of the 8 run files")
    assert "CAPE_curr" in message
    assert "REFL_COM_curr" in message
