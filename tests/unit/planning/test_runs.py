"""Runs of an experiment, their batches and periods."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from run_files import run_file_name

from stormcnn.errors import UserError
from stormcnn.name_pattern import DEFAULT_PATTERN
from stormcnn.planning.runs import (
    check_periods,
    choose_held_out_start,
    choose_validation_start,
    group_by_batch,
    index_by_run,
    list_runs,
    plain_files,
    share_of_batches,
    split_periods,
)
from stormcnn.storms.run_files import Run, format_run_list
from stormcnn.verification.blocks import block_of


def monthly_runs(*months: int, year: int = 2014) -> list[Run]:
    return [
        Run(f"{year}-{month:02}-01T00:00", f"{month}.nc", f"{year}-{month:02}") for month in months
    ]


def test_demo_runs_lie_in_the_folder_of_the_data():
    data = {"source": "demo", "batch": "year", "demo": {"runs": 10}}
    runs = list_runs(data, "made")
    assert len(runs) == 10
    assert {str(Path(run.file).parent) for run in runs} == {"made"}
    assert runs == sorted(runs)


def test_folder_is_listed(tmp_path):
    for day in (2, 1):
        (tmp_path / run_file_name(datetime(2014, 5, day))).touch()
    data = {
        "source": "folder",
        "folder": tmp_path,
        "batch": "day",
        "settle_seconds": 0,
        "file_pattern": DEFAULT_PATTERN,
        "run_list": None,
    }
    runs = list_runs(data, "unused")
    assert [run.batch for run in runs] == ["2014-05-01", "2014-05-02"]


def test_run_list_selects_files_of_the_folder_with_their_checksums(tmp_path):
    for day in (1, 2, 3):
        (tmp_path / f"NCARSTORM_2026050{day}-0000_d01_model_patches.nc").touch()
    data = {
        "source": "folder",
        "folder": str(tmp_path),
        "batch": "month",
        "settle_seconds": 0,
        "file_pattern": DEFAULT_PATTERN,
        "run_list": None,
    }
    runs = list_runs(data, "unused")
    listed = tmp_path / "list.csv"
    rows = [run._replace(sha256=64 * str(index), bytes=None) for index, run in enumerate(runs[:2])]
    listed.write_text(format_run_list(rows))
    selected = list_runs(data | {"run_list": str(listed)}, "unused")
    assert [(run.file, run.sha256) for run in selected] == [(run.file, run.sha256) for run in rows]
    assert selected[0].bytes == 0
    (tmp_path / runs[1].file).unlink()
    with pytest.raises(UserError, match=runs[1].file):
        list_runs(data | {"run_list": str(listed)}, "unused")


def test_archive_runs_come_from_the_list():
    ncar = {"runs": "config/runs/ncar.csv"}
    runs = list_runs({"source": "ncar", "ncar": ncar, "batch": "year"}, "unpacked")
    assert len(runs) == 100
    assert str(Path(runs[0].file).parent) == "unpacked"


def test_list_that_comes_with_the_code_is_found_from_other_folders(tmp_path, monkeypatch):
    checkout = Path.cwd()
    monkeypatch.chdir(tmp_path)
    data = {"source": "ncar", "ncar": {"runs": "config/runs/ncar.csv"}, "batch": "year"}
    assert len(list_runs(data, "unpacked", checkout)) == 100
    own = tmp_path / "config" / "runs" / "ncar.csv"
    own.parent.mkdir(parents=True)
    lines = (checkout / "config" / "runs" / "ncar.csv").read_text().splitlines()
    own.write_text("\n".join(lines[:3]))
    assert len(list_runs(data, "unpacked", checkout)) == 2


def test_runs_are_grouped_by_batch():
    first, second, third = monthly_runs(1, 1, 2)
    assert group_by_batch([first, second, third]) == {
        "2014-01": [first, second],
        "2014-02": [third],
    }


def test_batches_are_split_at_the_start_of_the_test_period():
    runs = [*monthly_runs(11, 12), *monthly_runs(1, 1, 2, year=2015)]
    assert split_periods(runs, "2015-01-01") == (["2014-11", "2014-12"], ["2015-01", "2015-02"])


@pytest.mark.parametrize(("test_start", "period"), [("2014-01-01", "training"), ("2015", "test")])
def test_period_without_runs_is_named(test_start, period):
    runs = monthly_runs(1, 3)
    with pytest.raises(UserError, match=rf"split\.test_start: {test_start}.*{period}") as error:
        check_periods(split_periods(runs, test_start), runs, test_start)
    assert "2014-01-01" in str(error.value)
    assert "2014-03-01" in str(error.value)


def test_jobs_share_the_batches_evenly():
    batches = list("abcdefg")
    shares = [share_of_batches(batches, f"{number}-of-3") for number in (1, 2, 3)]
    assert [batch for share in shares for batch in share] == batches
    assert {len(share) for share in shares} == {2, 3}
    assert share_of_batches(batches, "1-of-1") == batches


@pytest.mark.parametrize(
    ("months", "start"),
    [((1, 2), "2014-02-01"), (range(1, 9), "2014-07-01"), ((1, 2, 2, 2, 2), "2014-02-01")],
)
def test_validation_starts_with_the_last_quarter_of_the_training_runs(months, start):
    runs = [*monthly_runs(*months), *monthly_runs(1, 2, 3, year=2015)]
    assert choose_validation_start(runs, "2015-01-01", None) == start


def test_validation_start_needs_a_training_period():
    with pytest.raises(UserError, match=r"split\.test_start: 2014-01-01"):
        choose_validation_start(monthly_runs(1, 2), "2014-01-01", None)


@pytest.mark.parametrize("configured", ["2014-01-01", "2014-04-02"])
def test_validation_start_that_leaves_no_run_on_one_side_is_refused(configured):
    runs = monthly_runs(1, 2, 3, 4)
    with pytest.raises(UserError, match=rf"tuning\.validation_start: {configured}"):
        choose_validation_start(runs, "2015-01-01", configured)
    assert choose_validation_start(runs, "2015-01-01", "2014-02-01") == "2014-02-01"


def test_forecasts_are_indexed_by_run_date():
    file = f"new/{run_file_name(datetime(2016, 5, 1, 12))}"
    assert index_by_run([file], "forecast.runs") == {"20160501-1200-d01": file}


def test_two_forecasts_of_one_run_date_are_refused():
    files = [f"{folder}/{run_file_name(datetime(2016, 5, 1))}" for folder in "ab"]
    with pytest.raises(UserError) as error:
        index_by_run(files, "forecast.runs")
    assert all(part in str(error.value) for part in ("forecast.runs", *files))


def test_run_file_that_is_no_regular_file_is_refused(tmp_path):
    path = tmp_path / run_file_name(datetime(2016, 5, 1))
    os.mkfifo(path)
    with pytest.raises(UserError, match=r"forecast\.runs"):
        index_by_run([str(path)], "forecast.runs")


def test_only_regular_and_missing_files_are_inputs(tmp_path):
    missing, regular, pipe = (tmp_path / name for name in ("missing", "regular", "pipe"))
    regular.touch()
    os.mkfifo(pipe)
    runs = [Run("", str(path), "") for path in (missing, regular, pipe)]
    assert plain_files(runs) == [str(missing), str(regular)]


def test_key_of_a_run_file_with_another_name_is_named():
    with pytest.raises(UserError, match=r"forecast\.observed: .*today\.nc"):
        index_by_run(["today.nc"], "forecast.observed")


@pytest.mark.parametrize(
    ("block", "share"), [("day", 0.2), ("day", 0.5), ("run", 0.2), (2, 0.2), (5, 0.5)]
)
def test_held_out_runs_are_whole_blocks_at_the_end_of_the_training_period(block, share):
    """Four runs per day for 100 days of training and 10 of testing."""
    dates = np.arange("2014-05-01", "2014-08-19", np.timedelta64(6, "h"), "datetime64[h]")
    runs = [Run(f"{date}:00", "", "2014") for date in dates.astype(str)]
    test_start = "2014-08-09"
    start = choose_held_out_start(runs, test_start, share, block)
    training = dates[dates < np.datetime64(test_start)]
    labels = block_of(training, block)
    held_out = training >= np.datetime64(start)
    assert set(labels[held_out]).isdisjoint(labels[~held_out])
    assert np.unique(labels[held_out]).size == round(share * np.unique(labels).size)


def test_nothing_is_held_out_if_fewer_than_ten_blocks_would_be():
    runs = [Run(f"2014-{month:02}-01T00:00", "", "2014") for month in range(1, 13)]
    runs += [Run(f"2015-{month:02}-01T00:00", "", "2015") for month in range(1, 13)]
    assert choose_held_out_start(runs, "2015-01-01", 0.7, "day") is None
    assert choose_held_out_start(runs, "2015-01-01", 0.8, "day") == "2014-03-01T00:00"
