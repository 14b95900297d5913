"""`ops/registry` changes the champion only as it is told, and says why."""

import fcntl
import json

import pandas as pd
import pytest
from checkout import ROOT
from made_up_registry import decide, monitored_runs, write_registry

from ops.command import ExitCode
from ops.registering import main, parse_arguments
from stormcnn.operations.registry import config_of, read_champion, read_history, read_last_entry


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_registry(tmp_path / "registry")
    return tmp_path / "registry"


@pytest.mark.slow
def test_champion_goes_back_and_forward_with_a_reason(folder, capsys):
    assert main(["rollback", "--reason", "It forecasts too much."]) == ExitCode.DONE
    assert read_champion(folder)["experiment"] == "storms-1"
    assert main(["promote", "3", "--reason", "A test."]) == ExitCode.DONE
    assert read_champion(folder)["experiment"] == "storms-20"
    assert main(["rollback", "--to", "2", "--reason", "Enough."]) == ExitCode.DONE
    assert read_champion(folder)["experiment"] == "storms-5"
    assert [entry.why for entry in read_history(folder)[3:]] == [
        "It forecasts too much.",
        "A test.",
        "Enough.",
    ]
    assert "from storms-20 to storms-5" in capsys.readouterr().out
    lines = (folder.parent / "logs/retrain/registry.jsonl").read_text().splitlines()
    logged = [json.loads(line)["event"] for line in lines]
    assert logged == ["rolled_back", "ended", "appointed", "ended", "rolled_back", "ended"]
    assert "Enough." in (folder / "status.html").read_text()


@pytest.mark.slow
def test_hold_and_release_are_entries(folder):
    assert main(["hold", "--reason", "A campaign."]) == ExitCode.DONE
    assert read_last_entry(folder).held
    assert main(["hold"]) == ExitCode.FAILED
    assert main(["release"]) == ExitCode.DONE
    assert not read_last_entry(folder).held


def test_reading_writes_nothing(folder, capsys):
    before = {path: path.stat().st_mtime_ns for path in folder.parent.rglob("*")}
    for arguments in (["status"], ["history"], ["compare", "1", "3"]):
        assert main(arguments) == ExitCode.DONE
        assert "storms-" in capsys.readouterr().out
    assert main(["compare", "1", "9"]) == ExitCode.FAILED
    assert {path: path.stat().st_mtime_ns for path in folder.parent.rglob("*")} == before


def test_comparison_has_the_blocks_and_the_confidence_of_the_latest_decision(folder, capsys):
    champions = [entry.champion.sha256 for entry in read_history(folder)[:2]]
    rows = [monitored_runs(network, "2026-04-06T00:00", 36) for network in champions]
    rows[1]["brier_score"] -= 0.01
    pd.concat(rows).to_csv(folder / "monitoring.csv", index=False)
    main(["compare", "1", "2"])
    text = capsys.readouterr().out
    assert "in 36 blocks" in text
    assert "95 % interval" in text
    config = config_of(folder, 2)
    config.parent.mkdir(exist_ok=True)
    config.write_text(
        "experiment: {name: storms}\ndata: {name: storms, source: folder, folder: runs}\n"
        "verification: {block: 3, confidence: 0.8}\n"
    )
    main(["compare", "1", "2"])
    text = capsys.readouterr().out
    assert "in 13 blocks" in text
    assert "80 % interval" in text


def test_running_retraining_is_respected(folder):
    with open(folder / "retrain.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main(["hold"]) == ExitCode.LOCKED
        assert main(["status"]) == ExitCode.DONE
    assert not read_last_entry(folder).held


def test_rollback_requires_a_reason(capsys):
    with pytest.raises(SystemExit):
        parse_arguments(["rollback"])
    assert "--reason" in capsys.readouterr().err


def test_manual_lists_the_actions(capsys):
    with pytest.raises(SystemExit):
        parse_arguments(["--help"])
    actions = capsys.readouterr().out.partition("{")[2].partition("}")[0].split(",")
    manual = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert len(actions) == 7
    assert all(f"registry {name}" in manual or f"`{name}`" in manual for name in actions)


@pytest.mark.slow
def test_folder_that_may_not_be_written_is_explained(folder, capsys):
    decide(folder, 21)
    (folder / "retrain.lock").mkdir()
    assert main(["hold"]) == ExitCode.FAILED
    assert "registry/retrain.lock: " in capsys.readouterr().out
