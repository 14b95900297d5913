"""Run files that have arrived since the last retraining are found; future ones are refused."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from run_files import run_file_name

from stormcnn.errors import UserError
from stormcnn.operations.news import changed_since, check_no_future_run, find_news, with_digests
from stormcnn.provenance import sha256_of
from stormcnn.storms.run_files import as_run, format_run_list, list_folder

RUNS = [as_run(f"runs/{run_file_name(datetime(2026, 5, day))}", "month") for day in (1, 2, 3)]


def test_all_runs_are_new_before_the_first_retraining(tmp_path):
    assert find_news(RUNS, tmp_path / "retrained.csv") == (RUNS, [])


def test_runs_of_the_last_retraining_are_not_new(tmp_path):
    (tmp_path / "retrained.csv").write_text(format_run_list(RUNS[:2]))
    assert find_news(RUNS, tmp_path / "retrained.csv") == (RUNS[2:], [])
    assert not find_news(RUNS[:2], tmp_path / "retrained.csv")


@pytest.fixture
def runs(tmp_path):
    """Write three run files, and return them as listed."""
    for run in RUNS:
        path = tmp_path / run.file
        path.parent.mkdir(exist_ok=True)
        path.write_text("storms")
    return list_folder(tmp_path / "runs", "month")


def test_replaced_file_is_news_and_a_touched_one_is_not(tmp_path, runs):
    known = tmp_path / "retrained.csv"
    known.write_text(format_run_list(with_digests(runs, {r.file: sha256_of(r.file) for r in runs})))
    assert not find_news(runs, known)
    os.utime(runs[0].file, (1, 1))
    assert not find_news(list_folder(tmp_path / "runs", "month"), known)
    Path(runs[1].file).write_text("STORMS")  # of the same size
    Path(runs[2].file).write_text("more storms")
    news = find_news(list_folder(tmp_path / "runs", "month"), known)
    assert [run.file for run in news.replaced] == [runs[1].file, runs[2].file]
    assert news.new == []


def test_training_files_that_are_replaced_or_removed_are_found(tmp_path, runs):
    known = with_digests(runs, {run.file: sha256_of(run.file) for run in runs})
    Path(runs[0].file).write_text("STORMS")
    Path(runs[1].file).unlink()
    now = list_folder(tmp_path / "runs", "month")
    changed = [run.file for run in runs[:2]]
    assert changed_since(known, now, "", "2026-05-03") == changed
    assert changed_since(known, now, "2026-05-02", "2026-05-03") == changed[1:]
    assert changed_since(known, now, "", "2026-05-01") == []


def test_future_run_is_named():
    check_no_future_run(RUNS, datetime(2026, 5, 3, tzinfo=UTC))
    with pytest.raises(UserError, match=f"^{RUNS[2].file}: .*2026-05-02 23:59"):
        check_no_future_run(RUNS, datetime(2026, 5, 2, 23, 59, tzinfo=UTC))
