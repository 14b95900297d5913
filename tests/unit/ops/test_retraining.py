"""The command of `ops/retrain` agrees with its manual and with the examples for schedulers."""

import errno
import hashlib
import json
import os
import re
import shlex
import shutil
import stat
from pathlib import Path

import pytest
import yaml
from checkout import ROOT

from ops.command import ExitCode, run
from ops.recording import REGISTRY, REPORTED, apply_decision, report_interrupted
from ops.retraining import main, parse_arguments
from stormcnn.io import forbid_world_writable_files
from stormcnn.operations.journal import Journal
from stormcnn.operations.lock import Lock
from stormcnn.operations.registry import read_champion, run_list_of

EXAMPLES = ROOT / "ops" / "examples"
MANUAL = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
NO_FAILURES = {ExitCode.PROMOTED, ExitCode.POSTPONED, ExitCode.LOCKED}


@pytest.mark.parametrize(
    "name", ["crontab", "scrontab", "stormcnn-retrain.service", "github-actions.yml"]
)
def test_example_calls_the_command_as_it_is(name):
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    (command,) = re.findall(r"^[^#\n]*\.venv/bin/python (.*?)(?: \|\| .*)?$", text, re.M)
    program, *arguments = shlex.split(command)
    assert (ROOT / program.removeprefix("/srv/stormcnn/")).is_file()
    assert parse_arguments(arguments).configfile == ["my.yaml", "ops/examples/settle.yaml"]


def test_service_accepts_exit_codes_that_are_no_failures():
    service = (EXAMPLES / "stormcnn-retrain.service").read_text(encoding="utf-8")
    (codes,) = re.findall(r"^SuccessExitStatus=(.*)$", service, re.M)
    assert {int(code) for code in codes.split()} == NO_FAILURES


def test_github_workflow_accepts_exit_codes_that_are_no_failures():
    job = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text(encoding="utf-8"))
    (step,) = job["jobs"]["retrain"]["steps"]
    (codes,) = re.findall(r"^ *([\d| ]+)\) ;;$", step["run"], re.M)
    assert {int(code) for code in codes.split("|")} == {ExitCode.DONE, *NO_FAILURES}


def test_manual_lists_the_exit_codes():
    table = MANUAL.partition("| Exit code |")[2].partition("\n\n")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)} == set(ExitCode)


def test_help_lists_the_exit_codes(capsys):
    with pytest.raises(SystemExit):
        parse_arguments(["--help"])
    codes = re.findall(r"^  (\d+) ", capsys.readouterr().out, re.M)
    assert [int(code) for code in codes] == list(ExitCode)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("- data\n", "my.yaml"),
        ("data: {\n", "my.yaml"),
        (None, "my.yaml"),
        ("data: {source: demo}\n", "data.source"),
    ],
)
def test_unsuitable_config_is_named_in_the_log(tmp_path, monkeypatch, content, named):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "my.yaml").write_text(content)
    assert main(["--configfile", "my.yaml"]) == ExitCode.FAILED
    lines = (tmp_path / "logs/retrain/retrain.jsonl").read_text().splitlines()
    failed, ended = map(json.loads, lines)
    assert failed["event"] == "failed"
    assert named in failed["message"]
    assert (ended["event"], ended["exit_code"]) == ("ended", ExitCode.FAILED)


def write_decision(folder):
    """Write a network, and return the decision to promote it."""
    (folder / "network.keras").write_bytes(b"weights")
    return {
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


def test_decision_is_valid_even_if_the_known_runs_cannot_be_listed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    decision = write_decision(tmp_path)
    # The run list of these data does not exist.
    config = {"data": {"name": "missing"}, "registry": {"mlflow": None}}
    journal = Journal(tmp_path / "log.jsonl")
    apply_decision(config, journal, None, "storms-2026-03-01", decision)
    events = [json.loads(line)["event"] for line in (tmp_path / "log.jsonl").open()]
    assert events == ["promoted", "not_listed"]
    assert read_champion(REGISTRY)["experiment"] == "storms-2026-03-01"


def test_decision_of_a_call_that_was_killed_is_reported_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = {"data": {"name": "spring"}, "registry": {"mlflow": None}}
    apply_decision(config, Journal(None), None, "storms-2026-03-01", write_decision(tmp_path))
    REPORTED.write_text("0\n")  # as before the call reported the entry
    run_list_of(REGISTRY, 1).parent.mkdir()
    run_list_of(REGISTRY, 1).write_text("run_date,file,batch\n")
    journal = Journal(None)
    report_interrupted(config, journal)
    assert journal.events == ["promoted"]
    assert (tmp_path / "resources/spring/retrained.csv").read_text() == "run_date,file,batch\n"
    report_interrupted(config, journal)
    assert journal.events == ["promoted"]
    code = run(lambda: ExitCode.DONE, journal)
    assert code == ExitCode.PROMOTED


def test_group_can_write_everything_in_a_shared_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o2770)
    decision = write_decision(tmp_path)
    mask = os.umask(0o002)
    try:
        forbid_world_writable_files()
        with Lock.hold(REGISTRY / "retrain.lock"):
            config = {"data": {"name": "spring"}, "registry": {"mlflow": None}}
            apply_decision(config, Journal(Path("logs/a.jsonl")), None, "storms", decision)
    finally:
        os.umask(mask)
    written = [path for path in tmp_path.rglob("*") if path.name != "network.keras"]
    assert len(written) > 6
    for path in written:
        mode = path.stat().st_mode
        assert stat.S_IMODE(mode) & 0o022 == 0o020, path
        assert path.is_file() or mode & stat.S_ISGID, path


def test_permission_that_is_missing_is_explained():
    journal = Journal(None)

    def refuse():
        raise PermissionError(errno.EACCES, "Permission denied", "registry/retrain.lock")

    assert run(refuse, journal) == ExitCode.FAILED
    assert "registry/retrain.lock" in journal.lines[0]["message"]
    assert "Errno" not in journal.lines[0]["message"]
    assert "Shared folders" in journal.lines[0]["message"]


@pytest.mark.parametrize(
    "address",
    [
        "nodriver://ann:mar-ker@host/db",
        "postgresql+nodriver://host/db?password=mar-ker",
        "sqlite:///registry/a.db?token=mar-ker#mar-ker",
    ],
)
def test_secret_of_the_environment_is_in_no_file(tmp_path, monkeypatch, capfd, address):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    config = {
        "data": {"name": "missing"},
        "experiment": {"name": "storms"},
        "registry": {"mlflow": "sqlite:///registry/mlflow.db"},
    }
    journal = Journal(tmp_path / "log.jsonl")
    apply_decision(config, journal, None, "storms-2026-03-01", write_decision(tmp_path))
    assert "recorded" in (tmp_path / "log.jsonl").read_text()
    for path in tmp_path.rglob("*"):
        assert "mar-ker" not in str(path)
        assert not path.is_file() or b"mar-ker" not in path.read_bytes(), path
    captured = capfd.readouterr()
    assert "mar-ker" not in captured.out + captured.err
