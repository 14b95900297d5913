"""A run file that is left out is told once, and listed by every call."""

import json
from pathlib import Path

import pytest

from ops.recording import LAST_CALL, keep_call, tell_left_out
from stormcnn.operations.journal import Journal

DATA = {"name": "spring", "skip_bad_files": True}
HEADER = "file,storms,rejected,missing_storms,reason\n"


@pytest.fixture
def left_out(tmp_path, monkeypatch):
    """Return a function that makes a call with some bad files, and returns its events."""
    monkeypatch.chdir(tmp_path)
    Path("registry").mkdir()
    Path("resources/spring").mkdir(parents=True)

    def call(*bad, fails=False, reason="truncated"):
        rows = "".join(f"runs/{name}.nc,0,0,0,runs/{name}.nc: {reason}\n" for name in bad)
        good = "runs/good.nc,3,1,0,NaN in U10\n"
        Path("resources/spring/inventory.csv").write_text(HEADER + good + rows)
        journal = Journal(None)
        if fails:
            journal.write("failed", "Failed.")
        else:
            journal.write("nothing_new", "Nothing.")
            tell_left_out(DATA, journal)
        journal.end(1 if fails else 0)
        keep_call(journal)
        return journal.events[1:-1]

    return call


def test_new_bad_file_is_told_once_also_after_a_failure(left_out):
    assert left_out("a") == ["bad_file", "left_out"]
    assert left_out("a", reason="truncated at 30") == ["left_out"]
    assert left_out("a", fails=True) == []
    assert left_out("a", "b") == ["bad_file", "left_out"]
    call = json.loads(LAST_CALL.read_text())
    assert set(call["left_out"]) == {"runs/a.nc", "runs/b.nc"}
    assert (call["exit_code"], call["events"][0]["event"]) == (0, "nothing_new")
    assert left_out() == []
    assert left_out("a") == ["bad_file", "left_out"]


def test_page_is_written_by_each_call(left_out):
    left_out("a")
    assert "runs/a.nc: truncated" in Path("registry/status.html").read_text()
