"""Old results are removed, and never what the registry or other experiments need."""

import os
import time
from pathlib import Path

import pytest
from made_up_registry import decide

from stormcnn.operations.registry import read_history
from stormcnn.operations.retention import (
    logs_of,
    orphaned_batches,
    past_decisions,
    size_of,
    unread_in_cache,
    written_before,
)
from stormcnn.storms.run_files import as_run, format_run_list


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Path()


def write(*paths):
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("12345")


def names(entries):
    return [entry.experiment for entry in entries]


def test_last_decisions_and_the_champion_are_kept(here):
    for number, promote in ((1, True), (2, True), (3, False), (4, False), (5, False)):
        decide(here.resolve() / "registry", number, promote)
    history = read_history("registry")
    assert names(past_decisions(history, keep=2)) == ["storms-1", "storms-3"]
    assert names(past_decisions(history, keep=1)) == ["storms-1", "storms-3", "storms-4"]
    assert past_decisions(history, keep=9) == []


def test_logs_of_other_experiments_stay():
    old = ["train_network/storms-1-dropout-0.log", "retrain/storms-1.log", "scores/storms-1.tsv"]
    other = ["fit_scaling/storms-1-trial.log", "fit_scaling/storms-12.log", "a/storms.log"]
    found = logs_of(["storms-1"], ["storms", "storms-1-trial"], map(Path, [*old, *other]))
    assert set(map(str, found)) == set(old)


def test_batches_without_run_files_are_orphaned(here):
    files = [f"resources/spring/patches/2026-0{month}.nc" for month in (4, 5)]
    files += [f"resources/spring/inventory/2026-0{month}.csv" for month in (4, 5)]
    write(*files, "resources/spring/patches/.2026-06-part.nc")
    assert orphaned_batches(here / "resources/spring") == []
    run = as_run("runs/NCARSTORM_20260501-0000_d01_model_patches.nc", "month")
    (here / "resources/spring/runs.csv").write_text(format_run_list([run]))
    found = orphaned_batches(here / "resources/spring")
    assert [str(path) for path in found] == [files[2], files[0]]


def test_old_logs_and_unread_files_of_the_cache_are_found(here, tmp_path):
    week_ago = time.time() - 7 * 24 * 3600
    write("logs/old.log", "logs/new.log")
    write("cache/old", "cache/linked", "cache/new", "results/storms/a.txt")
    (here / "results/storms/b.txt").symlink_to(tmp_path / "cache/linked")
    for name in ("logs/old.log", "cache/old", "cache/linked"):
        os.utime(name, (week_ago, week_ago))
    assert written_before(here.glob("logs/*.log"), week_ago + 9) == [Path("logs/old.log")]
    links = list(here.glob("results/*/*"))
    assert [path.name for path in unread_in_cache("cache", 6, links)] == ["old"]
    assert unread_in_cache("cache", 8, links) == []
    assert size_of(here / "cache") == 15
    assert size_of(here / "cache/old") == 5
