"""A clock that is wrong, or was: files from the future or from long ago."""

from __future__ import annotations

import os
import time

import pytest
from checkout import RUN_DATES, Checkout
from run_files import run_values, write_run_file

DAY = 86400


def set_times(checkout: Checkout, pattern: str, seconds: float) -> None:
    for path in checkout.path.glob(pattern):
        os.utime(path, (time.time() + seconds,) * 2)


@pytest.mark.parametrize(
    ("pattern", "seconds"),
    [("runs/*", DAY), ("resources/tiny/*/*", DAY), ("res*/**/*", DAY), ("runs/*", -9999 * DAY)],
)
def test_wrong_times_alone_rerun_nothing(rerun: Checkout, pattern: str, seconds: float) -> None:
    set_times(rerun, pattern, seconds)
    assert rerun.plan() == {}


def test_after_the_clock_was_set_back_changed_files_and_settings_are_noticed(
    rerun: Checkout,
) -> None:
    set_times(rerun, "res*/**/*", DAY)
    write_run_file(rerun.path / "runs", run_values(13), run_date=RUN_DATES[0])
    assert {"prepare_patches 2014-04", "train_network baseline 0"} < rerun.plan().keys()
    rerun.change({"training": {"epochs": 3}})
    assert "train_network dropout 0" in rerun.plan()


def test_touch_brings_the_times_of_finished_results_in_order(rerun: Checkout) -> None:
    """So that edits of the code, which are told by time, are noticed too."""
    set_times(rerun, "res*/**/*", DAY)
    rerun.run("--touch")
    assert rerun.plan() == {}
    with open(rerun.path / "stormcnn/verification/scores.py", "a") as stream:
        stream.write("\nCHANGED = True\n")
    assert "score_networks" in rerun.plan()
