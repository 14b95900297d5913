"""The schedulers' examples and the manual agree with the command, and its lock with itself."""

import hashlib
import json
import os
import re
import shlex
import shutil
from types import SimpleNamespace

import psutil
import pytest
import yaml
from checkout import ROOT

from ops import retraining
from ops.retraining import (
    Busy,
    Journal,
    Lock,
    check_nothing_runs,
    conclude,
    main,
    parse_arguments,
)

EXAMPLES = ROOT / "ops" / "examples"
MANUAL = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
CODES = {"DONE", "FAILED", "PROMOTED", "POSTPONED", "LOCKED"}
PROMOTED = {
    "promote": True,
    "why": "It is better.",
    "scored_until": "2026-04-10T00:00",
    "challenger": {
        "network": "network.keras",
        "sha256": hashlib.sha256(b"weights").hexdigest(),
        "model": "dropout",
        "seed": 0,
        "cutoff": "2026-03-01",
        "event": {"target": "RVORT1_MAX_future", "region": "storm", "threshold": 0.005},
        "predictors": ["U10_curr"],
        "scores": {},
    },
}
KEPT = PROMOTED | {"promote": False, "why": "It is not surely better."}
FINE = {retraining.PROMOTED, retraining.POSTPONED, retraining.LOCKED}


@pytest.mark.parametrize(
    "name", ["crontab", "scrontab", "stormcnn-retrain.service", "github-actions.yml"]
)
def test_example_calls_the_command_as_it_is(name):
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    (called,) = re.findall(r"^[^#\n]*\.venv/bin/python (.*?)(?: \|\| .*)?$", text, re.M)
    program, *arguments = shlex.split(called)
    assert (ROOT / program.removeprefix("/srv/stormcnn/")).is_file()
    assert parse_arguments(arguments).configfile == ["my.yaml"]


def test_examples_take_no_outcome_for_a_failure():
    service = (EXAMPLES / "stormcnn-retrain.service").read_text(encoding="utf-8")
    (codes,) = re.findall(r"^SuccessExitStatus=(.*)$", service, re.M)
    assert {int(code) for code in codes.split()} == FINE
    job = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text(encoding="utf-8"))
    (step,) = job["jobs"]["retrain"]["steps"]
    (codes,) = re.findall(r"^ *([\d| ]+)\) ;;$", step["run"], re.M)
    assert {int(code) for code in codes.split("|")} == {retraining.DONE, *FINE}


def test_manual_and_help_list_the_exit_codes():
    codes = {str(getattr(retraining, name)) for name in CODES} | {"2"}
    manual = MANUAL.partition("| exit code |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| (\d+) \|", manual, re.M)) == codes
    assert set(re.findall(r"^  (\d+) ", retraining.EXIT_CODES, re.M)) == codes


def test_manual_names_every_event_of_the_log():
    source = (ROOT / "ops" / "retraining.py").read_text(encoding="utf-8")
    logged = source.replace(source[source.index("def explain") : source.index("def roll_back")], "")
    events = set(re.findall(r"journal\.say\(\s*\"(\w+)\"", logged)) | {"promoted", "kept"}
    table = MANUAL.partition("| `event` |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, re.M)
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == events


def test_lock_has_one_holder(tmp_path):
    with Lock.hold(tmp_path / "lock"), pytest.raises(Busy), Lock.hold(tmp_path / "lock"):
        pass
    with Lock.hold(tmp_path / "lock"):
        pass


def test_mark_survives_its_process_until_it_is_cleared(tmp_path):
    with Lock.hold(tmp_path / "lock") as lock:
        assert not lock.is_marked()
        lock.mark()
    with Lock.hold(tmp_path / "lock") as lock:
        assert lock.is_marked()
        lock.clear()
    with Lock.hold(tmp_path / "lock") as lock:
        assert not lock.is_marked()


def test_config_without_keys_is_told_to_machines_too(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.yaml").write_text("- data\n")
    assert main(["--configfile", "my.yaml"]) == retraining.FAILED
    (line,) = (tmp_path / "logs/retrain/retrain.jsonl").read_text().splitlines()
    assert json.loads(line)["event"] == "failed"
    assert "my.yaml must have keys" in json.loads(line)["message"]


def test_what_cannot_be_logged_is_told_all_the_same(tmp_path, capsys):
    (tmp_path / "logs").write_text("not a folder")
    Journal(tmp_path / "logs" / "storms.jsonl").say("failed", "Failed.")
    said = capsys.readouterr().out
    assert said.startswith("Failed.\nThe log could not be written")


@pytest.mark.parametrize("folder", ["here", None])
def test_workflow_that_may_run_here_is_waited_for(tmp_path, monkeypatch, folder):
    """The folder of another account's process cannot be seen; that cannot be made without root."""

    def processes(_):
        own = {
            "cwd": str(tmp_path),
            "cmdline": ["ops/retrain", "--", "--conda-prefix", "snakemake"],
        }
        yield SimpleNamespace(pid=os.getpid(), info=own)
        yield SimpleNamespace(pid=2, info={"cwd": str(tmp_path), "cmdline": None})
        yield SimpleNamespace(pid=3, info={"cwd": "/elsewhere", "cmdline": ["snakemake"]})
        if at_work:
            cwd = folder and str(tmp_path)
            yield SimpleNamespace(pid=4, info={"cwd": cwd, "cmdline": ["bin/snakemake", "-n"]})

    monkeypatch.setattr(psutil, "process_iter", processes)
    at_work = False
    check_nothing_runs(tmp_path)
    at_work = True
    with pytest.raises(Busy, match=r"\(process 4\)"):
        check_nothing_runs(tmp_path)


@pytest.mark.parametrize("damage", [b"\xff\xfe", None])
def test_damaged_note_of_what_is_recorded_is_written_anew(tmp_path, monkeypatch, damage):
    monkeypatch.chdir(tmp_path)
    retraining.registry.enter_decision(retraining.REGISTRY, None, "storms", KEPT, retraining.now())
    if damage is None:
        retraining.RECORDED.mkdir()
    else:
        retraining.RECORDED.write_bytes(damage)
    monkeypatch.setattr(retraining, "record_history", lambda *_: None)
    config = {"registry": {"mlflow": "sqlite:///x.db"}, "experiment": {"name": "storms"}}
    journal = Journal(tmp_path / "log.jsonl")
    retraining.record(config, journal)
    told = [json.loads(line)["event"] for line in (tmp_path / "log.jsonl").open()]
    assert told == (["not_recorded"] if damage is None else ["recorded"])


def test_decision_stands_although_the_known_runs_cannot_be_listed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "network.keras").write_bytes(b"weights")
    config = {"data": {"name": "gone"}, "registry": {"mlflow": None}}
    code = conclude(config, Journal(tmp_path / "log.jsonl"), None, "storms", PROMOTED)
    assert code == retraining.PROMOTED
    assert "The list of known run files could not be written" in capsys.readouterr().out
    told = [json.loads(line)["event"] for line in (tmp_path / "log.jsonl").open()]
    assert told == ["promoted", "not_listed"]
    assert retraining.registry.read_champion(retraining.REGISTRY)["run"] == "storms"
