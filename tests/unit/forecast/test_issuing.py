"""Forecasts are issued in the order of their runs, and what is complete is reported."""

import multiprocessing
import os
import signal
from datetime import datetime

import pytest
from forecast_contents import contents

from stormcnn.errors import UserError
from stormcnn.forecast.issuing import issue_each
from stormcnn.forecast.new_runs import NewRun
from stormcnn.forecast.records import find_records

RUNS = [
    NewRun(datetime(2030, 5, day), f"2030050{day}-0000-d01", f"{day}.nc") for day in range(1, 4)
]


class MadeUpForecaster:
    """Forecasts three storms of any run but the second one, whose file is bad."""

    sha256 = "0123456789abcdef"

    def forecast(self, run_file, **_):
        if run_file == "2.nc":
            raise UserError(f"{run_file}: bad")
        return contents(3, members=0, extras=False)


class InterruptedForecaster(MadeUpForecaster):
    """Gets a signal as from the keyboard while it forecasts the second run."""

    def forecast(self, run_file, **_):
        if run_file == "2.nc":
            signal.raise_signal(signal.SIGINT)
        return super().forecast(run_file)


class KillingForecaster(MadeUpForecaster):
    """Kills the process that writes, as the system does when memory runs out.

    It is killed while it is sent the first forecast, of which a pipe holds only a part.
    """

    def forecast(self, run_file, **_):
        number = signal.SIGSTOP if run_file == "1.nc" else signal.SIGKILL
        for child in multiprocessing.active_children():
            os.kill(child.pid, number)
        result = super().forecast(run_file)
        result.forecast.attrs["comment"] = "x" * 10_000_000
        return result


@pytest.fixture
def issue_all(tmp_path, monkeypatch):
    """Return a function that issues forecasts and returns what it is told about the runs."""
    monkeypatch.chdir(tmp_path)
    told = []

    def issue(forecaster):
        issue_each(
            forecaster,
            RUNS,
            reject=[],
            file_pattern="",
            memory_mb=4000,
            then=lambda run, record, _: told.append((run.file, record.exists())),
            otherwise=lambda run, error: told.append((run.file, str(error))),
        )

    issue.told = told
    return issue


@pytest.mark.slow
def test_bad_run_file_does_not_stop_the_others(issue_all):
    issue_all(MadeUpForecaster)
    assert issue_all.told == [("1.nc", True), ("2.nc", "2.nc: bad"), ("3.nc", True)]
    assert len(find_records("forecasts")) == 2


@pytest.mark.slow
def test_signal_does_not_hide_what_is_complete(issue_all):
    with pytest.raises(KeyboardInterrupt):
        issue_all(InterruptedForecaster)
    assert issue_all.told == [("1.nc", True)]
    assert len(find_records("forecasts")) == 1


def test_killed_writer_is_reported(issue_all):
    with pytest.raises(UserError, match="memory"):
        issue_all(KillingForecaster)
    assert issue_all.told == []
    assert find_records("forecasts") == []
