"""The journal tells people and programs the same, even if the log cannot be written."""

import json
import re
import socket
from datetime import datetime, timedelta
from typing import get_args

from checkout import ROOT

from stormcnn.operations.journal import Event, Journal


def test_message_is_printed_and_logged_with_its_fields(tmp_path, capsys):
    journal = Journal(tmp_path / "logs" / "storms.jsonl")
    journal.write("nothing_new", "No new run files.")
    journal.write("recorded", "Recorded.", entry=3)
    assert capsys.readouterr().out == "No new run files.\nRecorded.\n"
    first, second = map(json.loads, (tmp_path / "logs" / "storms.jsonl").open())
    assert (first["event"], first["message"]) == ("nothing_new", "No new run files.")
    assert (second["event"], second["entry"]) == ("recorded", 3)
    assert datetime.fromisoformat(first["time"]).utcoffset() == timedelta(0)


def test_every_line_has_its_host_and_the_last_one_the_exit_code(tmp_path):
    journal = Journal(tmp_path / "storms.jsonl")
    journal.write("kept", "The champion is better.")
    journal.end(4)
    kept, ended = map(json.loads, (tmp_path / "storms.jsonl").open())
    assert kept["host"] == ended["host"] == socket.gethostname()
    assert (ended["event"], ended["exit_code"]) == ("ended", 4)
    assert 0 <= ended["seconds"] < 60


def test_quiet_journal_prints_only_news_and_logs_everything(tmp_path, capsys):
    journal = Journal(tmp_path / "storms.jsonl", quiet=True)
    for event in get_args(Event):
        journal.write(event, event)
    printed = capsys.readouterr().out.split()
    assert {"promoted", "kept", "alarm", "bad_file", "failed", "locked"} < set(printed)
    assert not {"nothing_new", "found", "postponed", "left_out", "recorded"} & set(printed)
    assert len((tmp_path / "storms.jsonl").read_text().splitlines()) == len(get_args(Event))


def test_journal_without_a_log_only_prints(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Journal(None).write("failed", "Failed.")
    assert capsys.readouterr().out == "Failed.\n"
    assert not list(tmp_path.iterdir())


def test_message_is_printed_if_the_log_cannot_be_written(tmp_path, capsys):
    (tmp_path / "logs").write_text("not a folder")
    path = tmp_path / "logs" / "storms.jsonl"
    Journal(path).write("failed", "Failed.")
    first, second = capsys.readouterr().out.splitlines()
    assert first == "Failed."
    assert str(path) in second


def test_manuals_list_every_event():
    manuals = [(ROOT / "docs" / f"{name}.md").read_text() for name in ("operations", "forecasts")]
    tables = [manual.partition("| `event` |")[2].partition("\n\n")[0] for manual in manuals]
    cells = [cell for table in tables for cell in re.findall(r"^\| (`.*?) \|", table, re.M)]
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == set(get_args(Event))


def test_control_characters_are_escaped(tmp_path, capsys):
    Journal(tmp_path / "a.jsonl").write("failed", "a\x1b[2J")
    assert capsys.readouterr().out == "a\\x1b[2J\n"
