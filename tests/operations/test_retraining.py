"""`ops/retrain` called as by a scheduler: what it does, what it leaves alone, how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import xarray as xr
from checkout import OBSERVER, RUN_TIMEOUT_SECONDS, Checkout, merged
from injection import fake_slurm
from learning import LEARNING, write_month
from mlflow import MlflowClient
from run_files import run_file_name, write_run_file

from stormcnn import __version__
from stormcnn.forecast.records import find_records
from stormcnn.models.network_archive import training_storms_path
from stormcnn.provenance import sha256_of

DONE, FAILED, PROMOTED, POSTPONED, NOT_RECORDED, LOCKED = 0, 1, 3, 4, 6, 75
CHAMPION = "registry/champion.json"
SQLITE = "registry/mlflow.db"


def command(checkout: Checkout, *arguments: str) -> list[str]:
    return [sys.executable, "ops/retrain", "--configfile", checkout.config, *arguments]


def retrain(checkout: Checkout, *arguments: str, **variables: str) -> tuple[int, str]:
    """Return the exit code and the output, which never has a stack trace."""
    process = checkout.execute(*command(checkout, *arguments), **variables)
    assert "Traceback" not in process.stdout, process.stdout
    return process.returncode, process.stdout


def read(checkout: Checkout, path: str = CHAMPION) -> dict[str, Any]:
    return json.loads((checkout.path / path).read_text())


def events(checkout: Checkout) -> list[str]:
    """Return the names of the events in the JSON log, except the end of each call."""
    lines = (checkout.path / "logs/retrain/tiny.jsonl").read_text().splitlines()
    parsed = [json.loads(line) for line in lines]
    assert all(datetime.fromisoformat(line["time"]) and line["message"] for line in parsed)
    return [line["event"] for line in parsed if line["event"] != "ended"]


def registry(checkout: Checkout, *arguments: str, **variables: str) -> tuple[int, str]:
    """Call `ops/registry`; return the exit code and the output."""
    process = checkout.execute(sys.executable, "ops/registry", *arguments, **variables)
    assert "Traceback" not in process.stdout, process.stdout
    return process.returncode, process.stdout


def roll_back(checkout: Checkout, **variables: str) -> tuple[int, str]:
    reason = ("--reason", "It forecasts too much.", "--configfile", checkout.config)
    return registry(checkout, "rollback", *reason, **variables)


def contents(checkout: Checkout) -> dict[str, str]:
    """Return the digest of every file except the private files of Python and Snakemake."""
    return {
        str(path.relative_to(checkout.path)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in checkout.path.rglob("*")
        if path.is_file()
        and not {"imports", ".snakemake", "__pycache__"}
        & set(path.relative_to(checkout.path).parts)
    }


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The first champion, trained on April and evaluated on May. It has little skill."""
    checkout = Checkout.of_code(tmp_path_factory.mktemp("first") / "checkout", LEARNING)
    write_month(checkout.path, 4)
    write_month(checkout.path, 5)
    assert retrain(checkout)[0] == PROMOTED
    return checkout


KILL_AFTER_PROMOTION = """
def kill_after_promotion(event, arguments, written=[]):
    if written and event != "os.kill":
        os.kill(os.getpid(), 9)
    if event == "os.rename" and str(arguments[1]).endswith("registry/champion.json"):
        written.append(event)


sys.addaudithook(kill_after_promotion)
"""


@pytest.fixture(scope="module")
def promoted(first: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A better challenger, trained on April and May and evaluated on June.

    The call that promoted it was killed when it had written `champion.json`.
    """
    checkout = first.copy(tmp_path_factory.mktemp("promoted") / "checkout")
    write_month(checkout.path, 6)
    checkout.change({"training": {"epochs": 60}})
    killing = tmp_path_factory.mktemp("killing")
    observer = (OBSERVER / "sitecustomize.py").read_text()
    (killing / "sitecustomize.py").write_text(f"{observer}{KILL_AFTER_PROMOTION}")
    assert retrain(checkout, PYTHONPATH=str(killing))[0] == -signal.SIGKILL
    assert read(checkout)["event"] == "promoted"
    assert events(checkout)[-1] == "training"
    assert retrain(checkout)[0] == PROMOTED
    assert events(checkout)[-3:] == ["promoted", "nothing_new", "recorded"]
    return checkout


@pytest.fixture(scope="module")
def kept(promoted: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Two worse candidates, trained on June alone.

    Before them there were a trial, a call that was interrupted, a call that was killed, and a
    second call at the same time.
    """
    checkout = promoted.copy(tmp_path_factory.mktemp("kept") / "checkout")
    write_month(checkout.path, 7)
    checkout.change({"training": {"epochs": 1}})
    before = contents(checkout)
    assert retrain(checkout, "--trial", "shorter")[0] == DONE
    after = contents(checkout)
    changed = {path for path in before if after.get(path) != before[path]}
    assert changed == {"logs/retrain/tiny.jsonl", "resources/tiny/runs.csv"} | {
        path for path in before if path.startswith("resources/tiny/inventory.csv")
    } | {path for path in before if path.startswith(("logs/merge_", "benchmarks/merge_"))}
    assert read(checkout, "results/shorter/retraining/decision.json")["promote"] is False

    checkout.change({"retraining": {"report": True, "seeds": [3, 4], "window": 31}})
    assert interrupt(checkout, lambda group: os.killpg(group, signal.SIGINT)) == FAILED

    def call_again(_: int) -> None:
        assert retrain(checkout)[0] == LOCKED

    def kill(group: int) -> None:
        os.kill(group, signal.SIGKILL)
        call_again(group)  # The workflow outlives its caller and keeps holding the lock.
        os.killpg(group, signal.SIGKILL)

    assert interrupt(checkout, kill) == -signal.SIGKILL
    assert interrupt(checkout, call_again) == DONE
    return checkout


def interrupt(checkout: Checkout, act: Callable[[int], None]) -> int:
    """Call `act` while the workflow of a retraining is training; return the exit code."""
    before = events(checkout).count("training")
    process = subprocess.Popen(
        command(checkout), cwd=checkout.path, start_new_session=True, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while events(checkout).count("training") == before and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    act(process.pid)
    return process.wait(timeout=RUN_TIMEOUT_SECONDS)


@pytest.fixture
def again(promoted: Checkout, tmp_path: Path) -> Checkout:
    """A copy with two champions in its history, which a test may change."""
    return promoted.copy(tmp_path / "again")


# First champion


def test_first_champion_is_the_network_that_was_scored(first: Checkout) -> None:
    champion = read(first)["champion"]
    scored = first.path / "results/tiny-2014-05-01/models/dropout/seed-3/network.keras"
    for path in (scored, first.path / champion["network"]):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == champion["sha256"]
        with xr.open_dataset(training_storms_path(path)) as training:
            assert training.attrs["network_sha256"] == champion["sha256"]
    assert champion["cutoff"] == "2014-05-01"
    assert (champion["model"], champion["seed"]) == ("dropout", 3)
    assert champion["scores"]["brier_skill_score_training"]["low"] > 0
    assert events(first) == ["found", "training", "promoted", "recorded"]


def test_list_of_run_files_lies_under_resources(first: Checkout) -> None:
    known = (first.path / "resources/tiny/retrained.csv").read_text()
    assert known.count("_model_patches.nc") == 20
    assert not [path for path in (first.path / "config").rglob("*") if "tiny" in path.name]


def test_without_new_run_files_nothing_is_done(first: Checkout) -> None:
    before = contents(first)
    assert retrain(first)[0] == DONE
    assert events(first)[-1] == "nothing_new"
    after = contents(first)
    assert {path for path in after if after[path] != before.get(path)} == {
        "logs/retrain/tiny.jsonl",
        "registry/last_call.json",
        "registry/status.html",
    }


# Challengers


def test_better_challenger_is_promoted(promoted: Checkout, first: Checkout) -> None:
    entry, decision = read(promoted), read(promoted)["decision"]
    assert entry["event"] == "promoted"
    assert entry["champion"]["experiment"] == "tiny-2014-06-01"
    assert decision["difference"]["high"] < 0
    assert decision["runs"] == 10
    assert (decision["scored_from"], decision["scored_until"]) == (
        "2014-06-01T00:00",
        "2014-06-10T00:00",
    )
    assert decision["champion"]["sha256"] == read(first)["champion"]["sha256"]
    assert read(promoted, "registry/history/000001.json") == read(first)


def test_worse_challenger_leaves_the_champion(kept: Checkout, promoted: Checkout) -> None:
    entry = read(kept)
    assert entry["event"] == "kept"
    assert entry["champion"] == read(promoted)["champion"]
    assert entry["decision"]["difference"]["high"] >= 0
    challenger = entry["decision"]["challenger"]
    assert (challenger["training_start"], challenger["cutoff"]) == ("2014-06-01", "2014-07-01")


def test_best_candidate_challenges(kept: Checkout) -> None:
    decision = read(kept)["decision"]
    tried = {one["seed"]: one for one in decision["candidates"]}
    assert set(tried) == {3, 4}
    best = min(tried, key=lambda seed: tried[seed]["scores"]["brier_score"]["value"])
    assert decision["challenger"]["seed"] == best
    assert decision["challenger"]["sha256"] == tried[best]["sha256"]
    assert decision["confidence"] == pytest.approx(0.975)
    for seed, one in tried.items():
        network = kept.path / f"results/tiny-2014-07-01/models/dropout/seed-{seed}/network.keras"
        assert sha256_of(network) == one["sha256"]
        assert training_storms_path(network).exists()


def test_champions_are_monitored_on_the_runs_since_their_training(
    kept: Checkout, promoted: Checkout, first: Checkout
) -> None:
    table = pd.read_csv(kept.path / "registry/monitoring.csv", dtype={"network": str})
    runs = {name: rows["run_date"].str[:10].tolist() for name, rows in table.groupby("network")}
    earlier, later = (read(checkout)["champion"]["sha256"][:12] for checkout in (first, promoted))
    days = {month: [f"2014-0{month}-{day:02d}" for day in range(1, 11)] for month in (5, 6, 7)}
    assert runs == {earlier: days[5] + days[6], later: days[6] + days[7]}
    # The runs of June chose the champion, so its skill is that in July.
    unseen = table[(table["network"] == later) & (table["run_date"] > "2014-07")]
    assert unseen["window_blocks"].tolist() == list(range(1, 11))
    assert unseen["window_events"].iloc[-1] == unseen["events"].sum()
    assert unseen["skill_low"].iloc[-1] < unseen["skill"].iloc[-1] < unseen["skill_high"].iloc[-1]
    assert table["alarms"].isna().all()


def test_past_decision_is_repeated_with_its_run_files_and_opponent(
    kept: Checkout, tmp_path: Path
) -> None:
    checkout = kept.copy(tmp_path / "checkout")
    write_month(checkout.path, 8)  # which the past decision did not know
    before = read(checkout)
    day = before["time"][:10]
    code, output = retrain(checkout, "--trial", "repeated", "--until", day)
    assert code == DONE, output
    lines = (checkout.path / "logs/retrain/tiny.jsonl").read_text().splitlines()
    trial = next(json.loads(line) for line in reversed(lines) if '"trial"' in line)
    assert (trial["entry"], trial["is_same"]) == (3, True)
    repeated = read(checkout, "results/repeated/retraining/decision.json")
    for key in ("why", "difference", "champion", "events", "scored_until"):
        assert repeated[key] == before["decision"][key]
    assert read(checkout) == before
    run_file = checkout.path / "runs" / run_file_name(datetime(2014, 4, 2))
    run_file.write_bytes(run_file.read_bytes() + b" ")
    code, output = retrain(checkout, "--trial", "other", "--until", day)
    assert code == FAILED
    assert run_file.name in output
    code, output = retrain(checkout, "--trial", "other", "--until", "2014-01-01")
    assert code == FAILED
    assert "2014-01-01" in output


def test_recorded_network_takes_physical_units(kept: Checkout, tmp_path: Path) -> None:
    """MLflow loads the challenger, whose predictions the workflow has written."""
    checkout = kept.copy(tmp_path / "checkout")
    seed = read(checkout)["decision"]["challenger"]["seed"]
    code = (
        "import mlflow, numpy as np, xarray as xr\n"
        "mlflow.set_tracking_uri('sqlite:///registry/mlflow.db')\n"
        "model = mlflow.pyfunc.load_model('models:/stormcnn-tiny@challenger')\n"
        "storms = xr.open_dataset('resources/tiny/patches/2014-07.nc')\n"
        "p = model.predict(storms['predictors'].values)\n"
        f"results = 'results/tiny-2014-07-01/predictions/dropout/seed-{seed}.nc'\n"
        "np.testing.assert_allclose(p, xr.open_dataset(results)['probability'], atol=1e-6)\n"
    )
    assert retrain(checkout)[0] == DONE  # lets the file refer to the copy
    process = checkout.execute(sys.executable, "-c", code, PYTHONPATH=str(checkout.path))
    assert process.returncode == 0, process.stdout


def test_log_has_the_outcome_of_every_call(kept: Checkout) -> None:
    expected = ["trial", "failed", "locked", "locked", "kept"]
    assert [event for event in events(kept) if event in expected] == expected


def test_trial_never_overwrites_results(kept: Checkout) -> None:
    code, output = retrain(kept, "--trial", "shorter")
    assert code == FAILED
    assert "results/shorter" in output


@pytest.mark.parametrize("other", [{"region": "patch"}, {"folder": "elsewhere"}])
def test_trial_never_overwrites_patches(again: Checkout, other: dict[str, Any]) -> None:
    shutil.copytree(again.path / "runs", again.path / "elsewhere")
    prepared = again.path / "resources/tiny/patches"
    before = {path: sha256_of(path) for path in prepared.iterdir()}
    again.change({"data": other})
    code, output = retrain(again, "--trial", "another")
    assert code == FAILED
    assert "resources/tiny" in output
    assert "data.name" in output
    same = {"region": "storm", "folder": "runs"}
    again.change({"data": {key: same[key] for key in other}})
    # Files of a killed job and of other batches do not matter.
    for name in (".2014-06-abc.nc", "2014.nc"):
        (prepared / name).write_bytes(b"half")
    assert "Would train" in retrain(again, "--trial", "another", "--dry-run")[1]
    assert {path: sha256_of(path) for path in before} == before


def leave_locked(checkout: Checkout, *, marked: bool) -> Path:
    """Leave Snakemake's lock as after a power cut, with or without the mark of `ops/retrain`."""
    locks = checkout.path / ".snakemake/locks"
    locks.mkdir(exist_ok=True)
    (locks / "0.output.lock").write_text("resources/tiny/inventory.csv\n")
    (checkout.path / "registry/retrain.lock").write_text("." if marked else "")
    return locks


def test_too_few_runs_are_prepared_and_wait(again: Checkout) -> None:
    write_month(again.path, 7, runs=2)
    leave_locked(again, marked=True)
    (again.path / "registry/recorded.txt").unlink()  # as if MLflow had been down last time
    before = read(again)
    code, output = retrain(again)
    assert code == POSTPONED
    assert events(again)[-2:] == ["postponed", "recorded"]
    assert "2 runs in 2 blocks with 12 events since 2014-07-01" in output
    assert (again.path / "resources/tiny/patches/2014-07.nc").exists()
    assert read(again) == before


def test_lock_of_a_user_at_work_is_respected(again: Checkout) -> None:
    write_month(again.path, 7, runs=2)
    locks = leave_locked(again, marked=False)
    code, output = retrain(again)
    assert code == FAILED
    assert "logs/retrain/tiny-monitoring.log" in output
    assert "locked" in (again.path / "logs/retrain/tiny-monitoring.log").read_text()
    assert list(locks.iterdir())


@pytest.mark.parametrize("word", [".snakemake/scripts/tmp1.train_network.py", "snakemake"])
def test_process_that_outlives_a_killed_workflow_is_not_disturbed(
    again: Checkout, word: str
) -> None:
    write_month(again.path, 7, runs=2)
    locks = leave_locked(again, marked=True)
    waiting = [sys.executable, "-c", "import time; time.sleep(900)", word]
    with subprocess.Popen(waiting, cwd=again.path) as process:
        code, output = retrain(again)
        process.kill()
    assert code == LOCKED
    assert f"Process {process.pid} " in output
    assert list(locks.iterdir())
    assert retrain(again)[0] == POSTPONED


def test_nothing_is_unlocked_if_squeue_fails(again: Checkout, tmp_path: Path) -> None:
    write_month(again.path, 7, runs=2)
    locks = leave_locked(again, marked=True)
    (again.path / ".venv").symlink_to(sys.prefix)
    in_queue = ("--", "--workflow-profile", "slurm")
    code, output = retrain(again, *in_queue, PATH=fake_slurm(tmp_path, squeue="exit 1"))
    assert code == FAILED
    assert "logs/retrain/tiny-monitoring.log" in output
    assert list(locks.iterdir())

    # The queue is empty now. No job can be submitted to it, so the workflow itself fails.
    code, output = retrain(again, *in_queue, PATH=fake_slurm(tmp_path, squeue="exit 0"))
    assert code == FAILED
    assert "logs/retrain/tiny-monitoring.log" in output
    assert not (locks / "0.output.lock").exists()
    assert (again.path / "registry/retrain.lock").read_text() == ""


def test_dry_run_prints_the_plan_and_writes_nothing(again: Checkout) -> None:
    write_month(again.path, 7)
    again.change({"retraining": {"seeds": [3, 4], "window": 61, "least_blocks": 11}})
    assert "Would postpone" in retrain(again, "--dry-run")[1]
    before = contents(again)
    code, output = retrain(again, "--dry-run", "--force")
    assert code == DONE
    assert f"runs/{run_file_name(datetime(2014, 7, 1))}" in output
    for part in ("2014-07.", "dropout", "seeds 3 and 4", "from 2014-05-01", "before 2014-07-01"):
        assert part in output
    assert contents(again) == before
    shutil.rmtree(again.path / "runs")
    write_month(again.path, 7, runs=9)
    assert "Would postpone" in retrain(again, "--dry-run", "--force")[1]


def test_held_champion_is_monitored_and_nothing_is_trained(again: Checkout) -> None:
    assert registry(again, "hold", "--reason", "A campaign.")[0] == DONE
    write_month(again.path, 7)
    assert retrain(again)[0] == POSTPONED
    monitored = pd.read_csv(again.path / "registry/monitoring.csv")
    assert monitored["run_date"].max() == "2014-07-10T00:00"
    assert not (again.path / "results/tiny-2014-07-01").exists()
    assert registry(again, "release")[0] == DONE
    assert "Would train" in retrain(again, "--dry-run")[1]


# Forecasts, and back


def test_forecast_uses_the_champion_and_is_kept_after_a_rollback(
    again: Checkout, first: Checkout
) -> None:
    write_run_file(again.path / "new")
    again.run("forecast")
    (record,) = find_records(again.path / "forecasts")
    assert record.stem == read(again)["champion"]["sha256"][:12]
    issued = record.read_bytes()

    code, output = roll_back(again)
    assert code == DONE
    assert "tiny-2014-06-01 to tiny-2014-05-01" in output
    assert read(again)["why"] == "It forecasts too much."
    assert read(again)["champion"] == read(first)["champion"]
    assert len(list((again.path / "registry/history").iterdir())) == 3
    assert alias(again, "champion") == "1"
    again.run("forecast")
    assert find_records(again.path / "forecasts") == [record]
    assert record.read_bytes() == issued
    code, output = roll_back(again)
    assert code == FAILED
    assert "tiny-2014-05-01" in output


def test_forecast_without_a_champion_names_the_registry_and_the_key(checkout: Checkout) -> None:
    checkout.configure(LEARNING)
    write_month(checkout.path, 4, runs=1)
    write_month(checkout.path, 5, runs=1)
    write_run_file(checkout.path / "new")
    output = checkout.fail("forecast")
    assert "registry/" in output
    assert "forecast.network" in output


# Faults


def test_damaged_registry_is_restored_by_the_command_in_the_message(again: Checkout) -> None:
    good = read(again)
    path = again.path / CHAMPION
    write_run_file(again.path / "new")
    for damaged in (path.read_text()[:200], path.read_text().replace('"model"', '"mdoel"'), None):
        if damaged is None:
            path.unlink()
        else:
            path.write_text(damaged)
        code, output = retrain(again)
        assert code == FAILED
        assert CHAMPION in output
        assert CHAMPION in again.fail("forecast", "--dry-run")
        remedy = output[output.index("cp ") :]
        subprocess.run(shlex.split(remedy), cwd=again.path, check=True)
        assert read(again) == good
    assert retrain(again)[0] == DONE


def test_damaged_network_is_refused_until_it_is_rolled_back(again: Checkout) -> None:
    network = again.path / read(again)["champion"]["network"]
    content = bytearray(network.read_bytes())
    content[len(content) // 2] ^= 1
    network.write_bytes(content)
    write_month(again.path, 7)
    code, output = retrain(again)
    assert code == FAILED
    assert f"{network.name}: " in output
    assert roll_back(again)[0] == DONE
    assert read(again)["champion"]["experiment"] == "tiny-2014-05-01"


def test_bad_file_is_named_in_the_last_line_and_as_an_event(checkout: Checkout) -> None:
    checkout.configure(LEARNING)
    for month in (4, 5):
        write_month(checkout.path, month, runs=1)
    path = checkout.path / "runs" / run_file_name(datetime(2014, 5, 1))
    path.write_bytes(path.read_bytes()[:5000])
    code, output = retrain(checkout)
    assert code == FAILED
    assert f" runs/{path.name}: " in output.splitlines()[-1]
    assert "data.skip_bad_files" in output.splitlines()[-1]
    assert events(checkout) == ["found", "bad_file", "failed"]


def test_clock_behind_the_registry_is_refused(again: Checkout) -> None:
    entry = read(again)
    later = datetime.now(UTC) + timedelta(days=2)
    entry["time"] = later.isoformat()
    for path in (CHAMPION, f"registry/history/{entry['number']:06d}.json"):
        (again.path / path).write_text(json.dumps(entry))
    write_month(again.path, 7)
    for code, output in (retrain(again), retrain(again, "--dry-run"), roll_back(again)):
        assert code == FAILED
        assert f"{later:%Y-%m-%d}" in output
        assert "clock" in output
    assert read(again) == entry


def test_run_file_of_the_future_is_named(again: Checkout) -> None:
    name = run_file_name(datetime(2099, 5, 1))
    write_run_file(again.path / "runs", name=name)
    code, output = retrain(again)
    assert code == FAILED
    assert f"runs/{name}" in output


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"retraining": {"models": ["dropout", "deep"]}}, "retraining.models"),
        ({"retraining": {"seeds": list(range(20))}}, "verification.resamples"),
        ({"data": {"name": "demo", "source": "demo", "folder": None}}, "data.source"),
    ],
)
def test_setting_that_does_not_suit_retraining_is_named(
    checkout: Checkout, changes: dict[str, Any], key: str
) -> None:
    checkout.configure(merged(LEARNING, changes))
    code, output = retrain(checkout)
    assert code == FAILED
    assert key in output


def test_wrong_command_line_has_its_own_exit_code(checkout: Checkout) -> None:
    assert retrain(checkout, "--until", "2026-04-01")[0] == 2
    assert registry(checkout, "rollback")[0] == 2


# MLflow


def client_of(checkout: Checkout) -> MlflowClient:
    return MlflowClient(f"sqlite:///{checkout.path / SQLITE}")


def alias(checkout: Checkout, name: str) -> str:
    return str(client_of(checkout).get_model_version_by_alias("stormcnn-tiny", name).version)


def test_every_retraining_is_recorded_in_sqlite(kept: Checkout) -> None:
    client = client_of(kept)
    (experiment,) = client.search_experiments(filter_string="name = 'stormcnn-tiny'")
    runs = client.search_runs([experiment.experiment_id], order_by=["start_time ASC"])
    names = [run.info.run_name for run in runs]
    assert names == ["tiny-2014-05-01", "tiny-2014-06-01", "tiny-2014-07-01"]
    assert (alias(kept, "champion"), alias(kept, "challenger")) == ("2", "3")


def check_last_record(client: MlflowClient, checkout: Checkout, folder: Path) -> None:
    """Check the parameters, scores and files of the last retraining in MLflow."""
    decision = read(checkout)["decision"]
    version = client.get_model_version_by_alias("stormcnn-tiny", "challenger")
    run = client.get_run(version.run_id)
    assert run.data.params["seed"] == str(decision["challenger"]["seed"])
    assert run.data.params["threshold"] == "0.005"
    assert run.data.params["cutoff"] == "2014-07-01"
    assert run.data.tags["outcome"] == "kept"
    # The copies of the code in tests are not Git checkouts.
    assert run.data.tags["mlflow.source.git.commit"] == __version__
    for role in ("challenger", "champion"):
        for part, suffix in (("value", ""), ("low", "_low"), ("high", "_high")):
            score = decision[role]["scores"]["brier_score"][part]
            assert run.data.metrics[f"{role}_brier_score{suffix}"] == pytest.approx(score)
    assert run.data.metrics["brier_score_difference"] == decision["difference"]["value"]
    names = {file.path for file in client.list_artifacts(version.run_id)}
    assert {"config.yaml", "decision.json", "scores.csv", "report.html", "network"} <= names
    assert "000003-runs.csv" in names
    assert run.data.tags["mlflow.user"]
    (data,) = run.inputs.dataset_inputs
    assert (
        sha256_of(checkout.path / "registry/decisions/000003-runs.csv")[:36] == data.dataset.digest
    )
    network = Path(client.download_artifacts(version.run_id, "network/network.keras", str(folder)))
    digest = hashlib.sha256(network.read_bytes()).hexdigest()
    assert digest == decision["challenger"]["sha256"]


def test_record_holds_parameters_scores_and_files(kept: Checkout, tmp_path: Path) -> None:
    check_last_record(client_of(kept), kept, tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The host and port of an MLflow server on the loopback interface."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    address = f"127.0.0.1:{port}"
    options = {
        "--backend-store-uri": f"sqlite:///{tmp_path}/server.db",
        "--artifacts-destination": f"{tmp_path}/artifacts",
        "--host": "127.0.0.1",
        "--port": str(port),
        "--workers": "1",
    }
    arguments = [word for option in options.items() for word in option]
    with (
        open(tmp_path / "server.log", "w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *arguments],
            stdout=log,
            stderr=log,
            env={"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PATH": "/usr/bin:/bin"},
        ) as process,
    ):
        try:
            deadline = time.monotonic() + 120
            while True:
                with socket.socket() as test:
                    if test.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert time.monotonic() < deadline, (tmp_path / "server.log").read_text()
                assert process.poll() is None, (tmp_path / "server.log").read_text()
                time.sleep(0.2)
            yield address
        finally:
            process.terminate()


def test_another_server_gets_the_whole_history_without_passwords(
    kept: Checkout, server: str, tmp_path: Path
) -> None:
    checkout = kept.copy(tmp_path / "checkout")
    code, output = retrain(checkout, MLFLOW_TRACKING_URI="http://storm:s3cret@127.0.0.1:9")
    assert code == NOT_RECORDED
    assert events(checkout)[-1] == "not_recorded"

    # The first call records the history, and the second finds that nothing is missing.
    for last_event in ("recorded", "nothing_new"):
        code, more = retrain(checkout, MLFLOW_TRACKING_URI=f"http://storm:s3cret@{server}")
        assert code == DONE
        assert events(checkout)[-1] == last_event
        output += more
    client = MlflowClient(f"http://{server}")
    assert len(client.search_model_versions("name = 'stormcnn-tiny'")) == 3
    assert client.get_model_version_by_alias("stormcnn-tiny", "champion").version == "2"
    (tmp_path / "downloads").mkdir()
    check_last_record(client, checkout, tmp_path / "downloads")

    assert "s3cret" not in output
    for path in checkout.path.rglob("*"):
        if path.is_file():
            assert b"s3cret" not in path.read_bytes(), path


def test_registry_works_without_mlflow(again: Checkout, tmp_path: Path) -> None:
    observer = (OBSERVER / "sitecustomize.py").read_text()
    (tmp_path / "sitecustomize.py").write_text(f'{observer}sys.modules["mlflow"] = None\n')
    write_month(again.path, 7)
    for act, possible in ((retrain, {"kept", "promoted"}), (roll_back, {"rolled back"})):
        code, output = act(again, PYTHONPATH=str(tmp_path))
        assert code in (DONE, PROMOTED)
        assert "Install the extra `registry`" in output
        assert read(again)["event"] in possible
    assert events(again)[-1] == "not_installed"
