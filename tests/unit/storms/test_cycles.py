"""Storms that several cycles of one model predict."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from batches import prepare, whole
from run_files import run_file_name, run_values, write_run_file

from stormcnn.storms.cycles import repeated_in_other_cycles
from stormcnn.storms.run_files import as_run

START = datetime(2010, 10, 24)


def two_runs(folder, *, hours=12, member="d01", shift=0.0, **settings):
    """Prepare a run and another one, `hours` later and `shift` degrees to the east."""
    first = write_run_file(folder / "runs", run_values())
    values = run_values(seed=1)
    values["time"] -= hours
    values["centroid_lon"] += shift
    name = run_file_name(START + timedelta(hours=hours), member)
    second = write_run_file(
        folder / "runs", values, name=name, title="storms", run_date=START + timedelta(hours=hours)
    )
    runs = [as_run(path, "year") for path in (first, second)]
    return whole([prepare(runs, folder, **settings)])


@pytest.mark.slow
@pytest.mark.parametrize(("shift", "expected"), [(0.0, 12), (0.1, 12), (20.0, 0)])
def test_storms_near_each_other_at_the_same_time_are_repeated(tmp_path, shift, expected):
    repeated = repeated_in_other_cycles(two_runs(tmp_path, shift=shift))
    assert repeated.sum() == expected


@pytest.mark.slow
def test_members_of_one_run_repeat_nothing(tmp_path):
    assert not repeated_in_other_cycles(two_runs(tmp_path, hours=0, member="d02")).any()


@pytest.mark.slow
def test_storms_of_one_run_repeat_nothing(tmp_path):
    storms = two_runs(tmp_path, hours=6)
    assert not repeated_in_other_cycles(storms.isel(storm=slice(6))).any()


@pytest.mark.slow
def test_lead_hours_take_each_valid_time_from_one_cycle(tmp_path):
    storms = two_runs(tmp_path, lead_hours=[3, 14])
    assert not repeated_in_other_cycles(storms).any()
    assert np.unique(storms["valid_time"]).size == 6
    assert storms.sizes["storm"] < 12
