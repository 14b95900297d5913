"""Run files that have arrived since the last retraining are found; future ones are refused."""

from datetime import UTC, datetime

import pytest
from run_files import run_file_name

from stormcnn.errors import UserError
from stormcnn.operations.new_runs import check_no_future_run, find_new_runs
from stormcnn.storms.run_files import as_run, format_run_list

RUNS = [as_run(f"runs/{run_file_name(datetime(2026, 5, day))}", "month") for day in (1, 2, 3)]


def test_all_runs_are_new_before_the_first_retraining(tmp_path):
    assert find_new_runs(RUNS, tmp_path / "retrained.csv") == RUNS


def test_runs_of_the_last_retraining_are_not_new(tmp_path):
    (tmp_path / "retrained.csv").write_text(format_run_list(RUNS[:2]))
    assert find_new_runs(RUNS, tmp_path / "retrained.csv") == RUNS[2:]


def test_future_run_is_named():
    check_no_future_run(RUNS, datetime(2026, 5, 3, tzinfo=UTC))
    with pytest.raises(UserError, match=f"^{RUNS[2].file}: .*2026-05-02 23:59"):
        check_no_future_run(RUNS, datetime(2026, 5, 2, 23, 59, tzinfo=UTC))
