"""The command of `ops/retrain` agrees with its manual and with the examples for schedulers."""

import hashlib
import json
import re
import shlex
import shutil

import pytest
import yaml
from checkout import ROOT

from ops.retraining import REGISTRY, ExitCode, apply_decision, main, parse_arguments
from stormcnn.operations.journal import Journal
from stormcnn.operations.registry import read_champion

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
    (line,) = (tmp_path / "logs/retrain/retrain.jsonl").read_text().splitlines()
    assert json.loads(line)["event"] == "failed"
    assert named in json.loads(line)["message"]


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
    code = apply_decision(config, journal, None, "storms-2026-03-01", decision)
    assert code == ExitCode.PROMOTED
    events = [json.loads(line)["event"] for line in (tmp_path / "log.jsonl").open()]
    assert events == ["promoted", "not_listed"]
    assert read_champion(REGISTRY)["experiment"] == "storms-2026-03-01"


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
