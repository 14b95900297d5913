"""`ops/retrain` reports what it cannot read or do, and keeps what it has decided."""

import errno
import itertools
import json
import os
import shutil
import signal
import stat
import sys
from functools import partial
from pathlib import Path

import pytest
from checkout import ROOT
from made_up_registry import made_up_decision

from ops.command import ExitCode, run
from ops.recording import REGISTRY, apply_decision, report_interrupted
from ops.retraining import main
from stormcnn.io import forbid_world_writable_files
from stormcnn.operations.journal import Journal
from stormcnn.operations.lock import Lock
from stormcnn.operations.registry import read_champion


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("- data\n", "my.yaml"),
        ("data: {\n", "my.yaml"),
        (None, "my.yaml"),
        ("data: {source: demo}\n", "data.source"),
        (
            "experiment: {name: storms}\n"
            "data: {name: storms, source: folder, folder: runs, run_list: runs.csv}\n",
            "data.run_list",
        ),
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


def test_decision_is_valid_even_if_the_known_runs_cannot_be_listed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    decision = made_up_decision(REGISTRY, 1)
    # The run list of these data does not exist.
    config = {"data": {"name": "missing"}, "registry": {"mlflow": None}}
    journal = Journal(tmp_path / "log.jsonl")
    apply_decision(config, journal, None, "storms-2026-03-01", decision)
    events = [json.loads(line)["event"] for line in (tmp_path / "log.jsonl").open()]
    assert events == ["promoted", "not_listed"]
    assert read_champion(REGISTRY)["experiment"] == "storms-2026-03-01"


def call_until_killed(action, operation):
    """Call a function in a child process, and kill that before an operation on files.

    `operation` is its number. Return whether the child was killed.
    """
    child = os.fork()
    if child == 0:
        left = [operation]

        def watch(event, _):
            if event in ("open", "os.rename"):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        action()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.slow
def test_promotion_is_reported_once_wherever_a_call_was_killed(tmp_path, monkeypatch):
    """Each call promotes, and is killed before its first, second, ... operation on files."""
    config = {"data": {"name": "spring"}, "registry": {"mlflow": None}}
    lines = []
    for number in itertools.count(1):
        folder = tmp_path / str(number)
        prepared = folder / "resources/spring"
        prepared.mkdir(parents=True)
        monkeypatch.chdir(folder)
        row = "2026-04-10T00:00,runs/a.nc,2026-04"
        Path(prepared, "runs.csv").write_text(f"run_date,file,batch\n{row}\n")
        Path(prepared, "inventory.csv").write_text(f"file,sha256\nruns/a.nc,{'0' * 64}\n")
        decision, log = made_up_decision(REGISTRY, 1), Path("log.jsonl")
        promote = partial(apply_decision, config, Journal(log), None, "storms", decision)
        killed = call_until_killed(promote, number)
        before = log.read_text().count('"promoted"') if log.exists() else 0
        journal = Journal(log)
        report_interrupted(config, journal)
        report_interrupted(config, journal)
        promoted = read_champion(REGISTRY) is not None
        if journal.events:
            assert run(lambda: ExitCode.DONE, journal) == ExitCode.PROMOTED
        assert (prepared / "retrained.csv").exists() == promoted
        lines.append(before + journal.events.count("promoted"))
        assert promoted == (lines[-1] > 0)
        if not killed:
            break
    assert len(lines) > 15
    # Before the entry exists nothing is reported. A call that is killed after it has written the
    # line, but before it has noted that, is reported again.
    assert lines == sorted(lines, key=bool)
    assert lines.count(1) > 5
    assert set(lines) == {0, 1, 2}
    assert lines[-1] == 1


def test_group_can_write_everything_in_a_shared_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o2770)
    decision = made_up_decision(REGISTRY, 1)
    before = set(tmp_path.rglob("*"))
    mask = os.umask(0o002)
    try:
        forbid_world_writable_files()
        with Lock.hold(REGISTRY / "retrain.lock"):
            config = {"data": {"name": "spring"}, "registry": {"mlflow": None}}
            apply_decision(config, Journal(Path("logs/a.jsonl")), None, "storms", decision)
    finally:
        os.umask(mask)
    written = set(tmp_path.rglob("*")) - before
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


@pytest.mark.slow
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
    apply_decision(config, journal, None, "storms-2026-03-01", made_up_decision(REGISTRY, 1))
    assert "recorded" in (tmp_path / "log.jsonl").read_text()
    for path in tmp_path.rglob("*"):
        assert "mar-ker" not in str(path)
        assert not path.is_file() or b"mar-ker" not in path.read_bytes(), path
    captured = capfd.readouterr()
    assert "mar-ker" not in captured.out + captured.err
