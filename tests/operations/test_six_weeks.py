"""Six weeks of nightly operation with damaged, half-copied, replaced and deleted files and a shift.

By default `ops/retrain` is called after some days only; with `--every-night` it is called after
each of the 42 days, trains two candidates, and is killed once (`make simulate-operations`).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from checkout import SETTINGS, Checkout, merged
from learning import learnable_values
from run_files import run_file_name, write_run_file

DONE, FAILED, PROMOTED, POSTPONED, ALARM = 0, 1, 3, 4, 5
FIRST, LAST_BEFORE = datetime(2014, 3, 1), datetime(2014, 5, 11)
DAYS = [LAST_BEFORE + timedelta(days=day) for day in range(1, 43)]
DAMAGED, REPAIRED = LAST_BEFORE, datetime(2014, 5, 20)
HALF_COPIED, COMPLETED = datetime(2014, 5, 14), datetime(2014, 5, 20)
REPLACED, DELETED = datetime(2014, 3, 5), datetime(2014, 3, 7)
CHANGED = datetime(2014, 5, 20)
SHIFTED = datetime(2014, 6, 12)
KILLED = datetime(2014, 6, 5)
SHORT = [datetime(2014, 6, 11), DAYS[-1]]
NETWORK = {
    "models": {"baseline": None},
    "comparison": {"reference": "dropout"},
    "training": {"epochs": 60, "learning_rate": 0.01},
    "data": {"skip_bad_files": True},
}


def write_run(checkout: Checkout, day: datetime, seed: int = 0) -> Path:
    """Write the run file of a day. Wind predicts rotation; after the shift it is stronger."""
    values = learnable_values(seed or int(f"{day:%Y%m%d}"))
    if day >= SHIFTED:
        values["REFL_COM_curr"] += np.float32(10)
        values["U10_curr"] *= np.float32(1.5)
        values["V10_curr"] *= np.float32(1.5)
    return write_run_file(checkout.path / "runs", values, run_date=day)


def arrive(checkout: Checkout, day: datetime) -> None:
    """Do what happens to the run files on a day."""
    path = write_run(checkout, day)
    if day in (DAMAGED, HALF_COPIED):
        path.write_bytes(path.read_bytes()[: 3000 if day == DAMAGED else 30_000])
    if day == REPAIRED:
        write_run(checkout, DAMAGED)
    if day == COMPLETED:
        write_run(checkout, HALF_COPIED)
    if day == CHANGED:
        write_run(checkout, REPLACED, seed=1)
        (checkout.path / "runs" / run_file_name(DELETED)).unlink()


class Night:
    """What one call of `ops/retrain` said: its exit code, and its lines of the log by event."""

    def __init__(self, code: int, lines: list[dict[str, Any]]) -> None:
        self.code = code
        self.lines = {line["event"]: line for line in lines}


def call(checkout: Checkout) -> Night:
    log = checkout.path / "logs/retrain/tiny.jsonl"
    before = len(log.read_text().splitlines()) if log.exists() else 0
    config = ("--configfile", checkout.config)
    process = checkout.execute(sys.executable, "ops/retrain", *config, "--quiet")
    assert "Traceback" not in process.stdout, process.stdout
    lines = [json.loads(line) for line in log.read_text().splitlines()[before:]]
    assert lines[-1]["event"] == "ended"
    assert lines[-1]["exit_code"] == process.returncode
    return Night(process.returncode, lines)


def kill_a_call(checkout: Checkout) -> None:
    """Start a call, and kill it with its workflow after some seconds, as a power cut does."""
    command = [sys.executable, "ops/retrain", "--configfile", checkout.config]
    with subprocess.Popen(
        command, cwd=checkout.path, env=checkout.environment, start_new_session=True
    ) as process:
        time.sleep(8)
        os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def weeks(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Checkout, dict[datetime, Night]]:
    """The folder after six weeks, and what each call said, by the day after which it was made."""
    every_night = request.config.getoption("--every-night")
    # MLflow and several candidates, which take long, are left to the long form.
    other = {"retraining": {"seeds": [0, 1]}} if every_night else {"registry": {"mlflow": None}}
    settings = merged(merged(SETTINGS, NETWORK), other)
    checkout = Checkout.of_code(tmp_path_factory.mktemp("weeks") / "checkout", settings)
    for number in range((LAST_BEFORE - FIRST).days + 1):
        arrive(checkout, FIRST + timedelta(days=number))
    nights = {LAST_BEFORE: call(checkout)}
    for day in DAYS:
        arrive(checkout, day)
        if every_night and day == KILLED:
            kill_a_call(checkout)
        if every_night or day in SHORT:
            nights[day] = call(checkout)
    return checkout, nights


def days_with(nights: dict[datetime, Night], has: Callable[[Night], bool]) -> list[datetime]:
    return [day for day, night in nights.items() if has(night)]


Weeks = tuple[Checkout, dict[datetime, Night]]


def test_no_call_fails_and_every_exit_code_says_what_happened(weeks: Weeks) -> None:
    _, nights = weeks
    assert nights[LAST_BEFORE].code == PROMOTED
    assert FAILED not in {night.code for night in nights.values()}
    decided = days_with(nights, lambda night: bool({"promoted", "kept"} & set(night.lines)))
    # The second decision needs ten days of June.
    assert [day >= datetime(2014, 6, 10) for day in decided] == [False, True]
    for night in nights.values():
        if night.code in (DONE, POSTPONED):
            assert {"nothing_new", "kept", "postponed"} & set(night.lines)


def test_bad_files_are_listed_every_night_and_told_once(weeks: Weeks) -> None:
    _, nights = weeks
    names = {day: f"runs/{run_file_name(day)}" for day in (DAMAGED, HALF_COPIED)}
    for day, night in nights.items():
        expected = {
            names[arrived]
            for arrived, whole in ((DAMAGED, REPAIRED), (HALF_COPIED, COMPLETED))
            if arrived <= day < whole
        }
        assert set(night.lines.get("left_out", {}).get("files", {})) == expected
        for file, reason in night.lines.get("left_out", {}).get("files", {}).items():
            assert reason.startswith(f"{file}: ")
    told = days_with(nights, lambda night: "bad_file" in night.lines)
    assert told == [day for day in (DAMAGED, HALF_COPIED) if day in nights]


def test_repaired_files_are_news_and_used(weeks: Weeks) -> None:
    checkout, _ = weeks
    inventory = pd.read_csv(checkout.path / "resources/tiny/inventory.csv").set_index("run_date")
    for day in (DAMAGED, HALF_COPIED):
        assert inventory.loc[f"{day:%Y-%m-%dT%H:%M}", "storms"] == 12


def test_changed_training_files_and_the_shift_give_one_alarm_each(weeks: Weeks) -> None:
    checkout, nights = weeks
    alarms = {day: night.lines["alarm"] for day, night in nights.items() if "alarm" in night.lines}
    of_files = {day: line for day, line in alarms.items() if line["alarms"] == ["training_files"]}
    first = next(iter(of_files))
    assert first >= CHANGED
    assert {Path(file).name for file in of_files[first]["files"]} == {
        run_file_name(REPLACED),
        run_file_name(DELETED),
    }
    of_shift = {day: line for day, line in alarms.items() if day >= SHIFTED}
    noticed = next(iter(of_shift))
    if len(nights) > 10:
        assert noticed - SHIFTED <= timedelta(days=7)
    names = {name for line in of_shift.values() for name in line["alarms"]}
    assert any(name.startswith(("REFL_COM_curr", "U10_curr")) for name in names)
    assert all(nights[day].code in (ALARM, PROMOTED) for day in alarms)
    told = [name for line in of_shift.values() for name in line["alarms"]]
    assert len(told) == len(set(told))
    before = [day for day in alarms if day < SHIFTED and day not in of_files]
    assert before == []
    rows = pd.read_csv(checkout.path / "registry/monitoring.csv")
    assert rows["run_date"].max() == f"{DAYS[-1]:%Y-%m-%dT%H:%M}"


def test_registry_tells_the_whole_story(weeks: Weeks) -> None:
    checkout, nights = weeks
    history = sorted((checkout.path / "registry/history").iterdir())
    assert len(history) == 2
    for entry in history:
        number = int(entry.stem)
        decisions = checkout.path / "registry" / "decisions"
        runs = pd.read_csv(decisions / f"{number:06d}-runs.csv")
        assert runs["sha256"].str.len().eq(64).all()
        assert (decisions / f"{number:06d}-config.yaml").stat().st_size > 1000
    status = checkout.execute(sys.executable, "ops/registry", "status").stdout
    last = list(nights.values())[-1]
    for part in ("tiny-2014-", "training_files, REFL_COM", f"exit code {last.code}", "Next: "):
        assert part in status
    page = (checkout.path / "registry/status.html").read_text()
    assert page.count("data:image/svg+xml") == 2
    config = ("--configfile", checkout.config)
    pruned = checkout.execute(sys.executable, "ops/prune", *config, "--keep", "1", "--dry-run")
    assert pruned.returncode == DONE, pruned.stdout
    assert "Would remove" in pruned.stdout
