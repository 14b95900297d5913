"""`ops/forecast` called as by a scheduler: each run file once, in order, whatever happens."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
import yaml
from checkout import ROOT
from made_up_networks import write_network
from run_files import run_file_name, run_values, write_run_file

from ops.forecasting import ExitCode, Program, main
from stormcnn.config.config_files import read_config_files
from stormcnn.config.loading import load_config
from stormcnn.forecast.records import find_records
from stormcnn.operations import registry
from stormcnn.operations.journal import Journal
from stormcnn.operations.succession import enter_decision, roll_back
from stormcnn.provenance import sha256_of

DATES = [datetime(2016, 5, 1), datetime(2016, 5, 2)]
KILLED_AT_RENAME = """
import os, signal, sys
left = {rename}
def count(event, arguments):
    global left
    if event == "os.rename":
        left -= 1
        if not left:
            os.{kill}, signal.SIGKILL)
sys.addaudithook(count)
"""
"""A module that kills a process before it renames a file for the given number of times."""


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("networks")
    return [write_network(folder / f"{seed}/network.keras", seed) for seed in range(2)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, networks: list[Path]) -> Path:
    """A working directory with two run files, and a config that names the first network."""
    monkeypatch.chdir(tmp_path)
    for date in DATES:
        write_new(date)
    configure(networks[0])
    return tmp_path


def configure(network: Path | None, **others: Any) -> None:
    forecast = {"members": 5, "explained": 1} | ({"network": str(network)} if network else {})
    settings = {"experiment": {"name": "night"}, "forecast": forecast} | others
    Path("my.yaml").write_text(yaml.safe_dump(settings))


def write_new(date: datetime, storms: int = 6, folder: str = "new", **values: Any) -> Path:
    """Write a run file without the future."""
    fields = run_values(storms, seed=date.day)
    current = {name: field for name, field in fields.items() if not name.endswith("_future")}
    return write_run_file(Path(folder), current | values, run_date=date)


def write_observed(date: datetime, folder: str = "new") -> Path:
    """Write a run file with the future of `write_new`, in its place unless there is a `folder`."""
    return write_run_file(Path(folder), run_values(6, seed=date.day), run_date=date)


def forecast(*arguments: str) -> ExitCode:
    return main(["--folder", "new", "--configfile", "my.yaml", *arguments])


def record(date: datetime, network: Path, end: str = ".nc") -> Path:
    return Path(f"forecasts/{date:%Y%m%d-%H%M}-d01/{sha256_of(network)[:12]}{end}")


def contents() -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in Path("forecasts").rglob("*")
        if path.is_file()
    }


def log_lines() -> list[dict[str, Any]]:
    lines = Path("logs/forecast/night.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def events_of(name: str) -> list[dict[str, Any]]:
    return [line for line in log_lines() if line["event"] == name]


def test_new_run_files_are_forecast_once_in_order(place: Path, networks: list[Path]) -> None:
    start = datetime.now(UTC).replace(microsecond=0)
    assert forecast() == ExitCode.DONE
    with xr.open_dataset(record(DATES[0], networks[0])) as file:
        attributes = file.attrs
    assert start <= datetime.fromisoformat(attributes["issued"]) <= datetime.now(UTC)
    assert attributes["network_sha256"] == sha256_of(networks[0])
    assert attributes["stormcnn_version"]
    assert attributes["stormcnn_commit"]
    assert attributes["run_file_sha256"] == sha256_of(f"new/{run_file_name(DATES[0])}")
    issued = [Path(line["record"]) for line in events_of("issued")]
    assert issued == [record(date, networks[0]) for date in DATES]
    ends = {".nc", ".csv", ".txt", ".geojson", ".html", ".png", ".svg"}
    assert {path.suffix for path in issued[0].parent.iterdir()} >= ends
    before = contents()

    assert forecast() == ExitCode.DONE
    assert contents() == before
    write_new(datetime(2016, 4, 30))
    assert forecast() == ExitCode.DONE
    assert len(events_of("issued")) == 3
    assert {path: contents()[path] for path in before} == before


def test_second_network_stands_next_to_the_first(place: Path, networks: list[Path]) -> None:
    forecast()
    before = contents()
    configure(networks[1])
    assert forecast() == ExitCode.DONE
    assert record(DATES[0], networks[1]).exists()
    assert {path: contents()[path] for path in before} == before


def promote(network: Path, number: int, replaced: int | None) -> registry.Entry:
    """Enter a network as champion, as `ops/retrain` does."""
    last = registry.read_last_entry(registry.REGISTRY)
    challenger = {
        "network": str(network),
        "sha256": sha256_of(network),
        "model": "dropout",
        "seed": 0,
        "cutoff": "2016-04-01",
        "event": {"target": "RVORT1_MAX_future", "region": "storm", "threshold": 0.005},
        "predictors": ["U10_curr"],
        "scores": {},
    }
    decision = {
        "promote": True,
        "why": "It is better.",
        "scored_until": "2016-04-10T00:00",
        "challenger": challenger,
    }
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10 - number)
    return enter_decision(registry.REGISTRY, last, f"night-{number}", decision, now)


def test_change_or_rollback_of_the_champion_remakes_nothing(
    place: Path, networks: list[Path]
) -> None:
    configure(None)  # the champion is the default
    assert forecast() == ExitCode.FAILED
    assert "ops/retrain" in log_lines()[-1]["message"]
    promote(networks[0], 1, None)
    assert forecast() == ExitCode.DONE
    before = contents()
    promote(networks[1], 2, 1)
    assert forecast() == ExitCode.DONE
    assert contents() == before
    write_new(datetime(2016, 5, 4))
    assert forecast() == ExitCode.DONE
    assert record(datetime(2016, 5, 4), networks[1]).exists()
    before = contents()
    roll_back(registry.REGISTRY, "It forecasts too much.", datetime.now(UTC))
    assert forecast() == ExitCode.DONE
    assert contents() == before


def call_and_kill(kill: str, rename: int) -> subprocess.Popen[bytes]:
    """Call the program; `kill` is executed by the process that renames the files of records."""
    Path("hook").mkdir()
    Path("hook/sitecustomize.py").write_text(KILLED_AT_RENAME.format(kill=kill, rename=rename))
    command = [sys.executable, str(ROOT / "ops/forecast"), "--folder", "new"]
    return subprocess.Popen(
        [*command, "--configfile", "my.yaml"],
        env=os.environ | {"PYTHONPATH": str(Path("hook").resolve())},
        start_new_session=True,
    )


# Writing renames each of the eight files of a record, and moving them renames each of them again.
@pytest.mark.parametrize("rename", [3, 16 + 11])
def test_killed_call_is_made_up_for_and_nothing_is_issued_twice(
    place: Path, networks: list[Path], rename: int
) -> None:
    assert call_and_kill("killpg(0", rename).wait(300) == -signal.SIGKILL
    records = [record(date, networks[0]) for date in DATES]
    complete = rename > 16
    assert [path.exists() for path in records] == [complete, False]
    first = records[0].read_bytes() if complete else None

    assert forecast() == ExitCode.DONE
    assert first in (None, records[0].read_bytes())
    assert all(path.exists() for path in records)
    assert sum(line["event"] == "issued" for line in log_lines()) == 2
    # Nothing of the killed call is left.
    names = {path.name for date in DATES for path in record(date, networks[0]).parent.iterdir()}
    assert {name[:12] for name in names} == {sha256_of(networks[0])[:12]}


def is_group_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_nothing_is_left_running_after_a_killed_call(place: Path) -> None:
    call = call_and_kill("kill(os.getppid()", 3)
    assert call.wait(300) == -signal.SIGKILL
    end = time.monotonic() + 60
    while is_group_alive(call.pid):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_bad_files_are_named_and_do_not_stop_the_others(place: Path, networks: list[Path]) -> None:
    bad = Path("new", run_file_name(DATES[1]))
    bad.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    other = shutil.copy(
        f"new/{run_file_name(DATES[0])}", "new/NCARSTORM_20161399-0000_d01_model_patches.nc"
    )
    assert forecast() == ExitCode.BAD_FILES
    assert {line["run_file"] for line in events_of("bad_file")} == {str(bad), str(other)}
    assert [record(date, networks[0]).exists() for date in DATES] == [True, False]
    assert bad.name in log_lines()[-1]["message"]
    write_new(DATES[1])
    Path(other).unlink()
    assert forecast() == ExitCode.DONE


def test_file_that_is_still_being_written_waits(place: Path, networks: list[Path]) -> None:
    configure(networks[0], data={"settle_seconds": 60})
    os.utime(f"new/{run_file_name(DATES[0])}", times=(0, 0))
    assert forecast() == ExitCode.DONE
    assert [record(date, networks[0]).exists() for date in DATES] == [True, False]
    assert log_lines()[-1]["waiting"] == [f"new/{run_file_name(DATES[1])}"]


def test_empty_folder_is_no_failure_but_a_missing_one_is(place: Path) -> None:
    shutil.rmtree("new")
    assert forecast() == ExitCode.FAILED
    Path("new").mkdir()
    assert forecast() == ExitCode.DONE


@pytest.mark.parametrize("valid", [0, None], ids=["none usable", "no storms"])
def test_run_without_storms_is_said_and_has_its_own_exit_code(
    place: Path, networks: list[Path], valid: int | None
) -> None:
    date = datetime(2016, 5, 4)
    if valid is None:
        write_new(date, storms=0)
    else:
        fields = run_values(3)
        fields["U10_curr"][:] = float("nan")
        write_new(date, storms=3, U10_curr=fields["U10_curr"])
    assert forecast() == ExitCode.NO_STORMS
    last = log_lines()[-1]
    assert last["event"] == "finished"
    assert "2016-05-04 00:00 UTC" in last["message"]
    assert ("U10_curr" in last["message"]) == (valid is not None)
    assert "No " in record(date, networks[0], ".txt").read_text()
    assert forecast() == ExitCode.DONE


def test_what_was_issued_is_verified_once_its_future_has_arrived(
    place: Path, networks: list[Path]
) -> None:
    forecast()
    assert events_of("verified") == []
    issued = record(DATES[0], networks[0]).read_bytes()
    write_observed(DATES[0])
    # In the folder of the training data.
    write_observed(DATES[1], "archive")
    configure(networks[0], data={"name": "night", "source": "folder", "folder": "archive"})
    assert forecast() == ExitCode.DONE
    assert [line["record"] for line in events_of("verified")] == [
        str(record(date, networks[0])) for date in DATES
    ]
    assert record(DATES[0], networks[0]).read_bytes() == issued
    assert "3 of 6 storms" in record(DATES[0], networks[0], "-verification.html").read_text()
    assert forecast() == ExitCode.DONE
    assert len(events_of("verified")) == 2


def test_run_of_the_training_period_gets_a_warning_and_is_not_verified(
    place: Path, tmp_path: Path
) -> None:
    network = write_network(tmp_path / "later/network.keras", 0, "2016-05-01T00:00")
    configure(network)
    for date in DATES:
        write_observed(date)
    assert forecast() == ExitCode.DONE
    assert [Path(line["record"]) for line in events_of("verified")] == [record(DATES[1], network)]
    warned = [len(record(date, network, ".txt").read_text().splitlines()) for date in DATES]
    assert warned[0] == warned[1] + 1


def test_run_before_the_clock_is_noted(place: Path, networks: list[Path]) -> None:
    date = datetime(2100, 5, 1)
    write_new(date)
    assert forecast() == ExitCode.DONE
    assert "clock" in record(date, networks[0], ".txt").read_text()


def test_other_file_of_the_same_run_is_not_taken_for_forecast(place: Path) -> None:
    forecast()
    file = Path("new", run_file_name(DATES[0]))
    other = file.rename(file.with_name(file.name.replace("NCARSTORM", "OTHERSTORM")))
    assert forecast() == ExitCode.BAD_FILES
    assert log_lines()[-1]["bad"] == [str(other)]


def test_damaged_record_is_named_and_does_not_stop_the_others(
    place: Path, networks: list[Path]
) -> None:
    damaged = record(DATES[0], networks[0])
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"damaged")
    assert forecast() == ExitCode.BAD_FILES
    assert damaged.read_bytes() == b"damaged"
    assert all(str(damaged) in line["message"] for line in events_of("bad_file"))
    assert record(DATES[1], networks[0]).exists()


def test_restored_record_is_used_by_the_call_that_named_its_damage(
    place: Path, networks: list[Path]
) -> None:
    forecast()
    damaged = record(DATES[0], networks[0])
    content = damaged.read_bytes()
    write_observed(DATES[0])
    config = load_config(read_config_files([ROOT / "config/config.yaml", "my.yaml"]))
    program = Program(config, "new", Journal(Path("logs/forecast/night.jsonl")))
    damaged.write_bytes(b"damaged")
    assert program.run() == ExitCode.BAD_FILES
    assert events_of("verified") == []
    damaged.write_bytes(content)
    assert program.run() == ExitCode.DONE
    assert [line["record"] for line in events_of("verified")] == [str(damaged)]


def test_second_call_at_the_same_time_is_refused(place: Path) -> None:
    from stormcnn.operations.lock import Lock

    with Lock.hold(Path("forecasts/forecast.lock")):
        assert forecast() == ExitCode.LOCKED


def test_watching_finds_files_that_arrive_later_and_ends_what_it_has_begun(
    place: Path, networks: list[Path]
) -> None:
    command = [sys.executable, str(ROOT / "ops/forecast"), "--folder", "new"]
    arguments = ["--configfile", "my.yaml", "--watch", "1"]
    with (
        open("errors.txt", "wb") as errors,
        subprocess.Popen([*command, *arguments], stderr=errors) as process,
    ):
        try:
            wait_for_passes(1, process)
            arriving = write_new(datetime(2016, 5, 3), folder="arriving")
            arriving.rename(Path("new", arriving.name))
            wait_for_passes(2, process)
            arriving = write_new(datetime(2016, 5, 4), folder="arriving")
            arriving.rename(Path("new", arriving.name))
            # Wait until the record is being written.
            while len(events_of("issued")) < 4 and not list(Path("forecasts").glob("*/.*")):
                assert process.poll() is None
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            assert process.wait(120) == ExitCode.DONE
        finally:
            process.kill()
    assert events_of("stopped")
    # Schedulers send everything that is written there by mail.
    assert Path("errors.txt").read_text() == ""
    assert len(events_of("issued")) == len(find_records("forecasts")) == 4


def wait_for_passes(number: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until so many passes have ended that did something."""
    end = time.monotonic() + 300
    while not Path("logs/forecast/night.jsonl").exists() or len(events_of("finished")) < number:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.2)
