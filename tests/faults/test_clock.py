"""A wrong clock: files with time stamps in the future or in the distant past."""

from __future__ import annotations

import os
import time

import pytest
from checkout import RUN_DATES, Checkout
from run_files import run_values, write_run_file

DAY = 86400


def set_times(checkout: Checkout, pattern: str, seconds: float) -> None:
    """Set the time stamps of files to `seconds` from now."""
    for path in checkout.path.glob(pattern):
        os.utime(path, (time.time() + seconds,) * 2)


@pytest.mark.parametrize(
    ("pattern", "seconds"),
    [("runs/*", DAY), ("resources/tiny/*/*", DAY), ("res*/**/*", DAY), ("runs/*", -9999 * DAY)],
)
def test_wrong_time_stamps_rerun_nothing(rerun: Checkout, pattern: str, seconds: float) -> None:
    set_times(rerun, pattern, seconds)
    assert rerun.plan() == {}


def test_changes_are_noticed_after_the_clock_was_set_back(rerun: Checkout) -> None:
    set_times(rerun, "res*/**/*", DAY)
    with open(rerun.path / "stormcnn/verification/scores.py", "a") as stream:
        stream.write("\nCHANGED = True\n")
    plan = rerun.plan()
    assert "score_networks" in plan
    assert "train_network baseline 0" not in plan
    write_run_file(rerun.path / "runs", run_values(13), run_date=RUN_DATES[0])
    assert {"prepare_patches 2014-04", "train_network baseline 0"} < rerun.plan().keys()
    rerun.change({"training": {"epochs": 3}})
    assert "train_network dropout 0" in rerun.plan()


def test_touching_all_results_corrects_time_stamps_in_the_future(rerun: Checkout) -> None:
    set_times(rerun, "res*/**/*", DAY)
    rerun.run("--touch", "--forceall")
    files = [*rerun.path.glob("resources/tiny/*/*"), *rerun.path.glob("results/**/*")]
    results = [path for path in files if path.is_file()]
    assert len(results) > 50
    assert max(path.stat().st_mtime for path in results) <= time.time()
    assert rerun.plan() == {}
