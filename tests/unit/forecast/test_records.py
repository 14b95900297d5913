"""Issued forecasts appear completely or not at all, and stay as they are."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT

from stormcnn.errors import UserError
from stormcnn.forecast.records import find_records, issuing, record_path

NAMES = ["0123456789ab.csv", "0123456789ab.html", "0123456789ab.nc"]
KILLED = """
import os, signal, sys
from pathlib import Path
from stormcnn.forecast.records import issuing
left = int(sys.argv[1])
def count(event, arguments):
    global left
    if event == "os.rename":
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
record = Path(sys.argv[2])
with issuing(record) as folder:
    for suffix in (".nc", ".html", ".csv"):
        (folder / record.with_suffix(suffix).name).write_text("killed")
"""


def issue(record, text="issued"):
    with issuing(record) as folder:
        for name in NAMES:
            (folder / name).write_text(text)


def test_record_lies_in_the_folder_of_its_run(tmp_path):
    record = record_path(tmp_path, "20160503-0000-d01", "0123456789abcdef")
    issue(record)
    assert sorted(path.name for path in record.parent.iterdir()) == NAMES
    assert find_records(tmp_path, "20160503-0000-d01") == find_records(tmp_path) == [record]
    assert find_records(tmp_path, "20160504-0000-d01") == []


def test_record_is_never_replaced(tmp_path):
    record = tmp_path / NAMES[-1]
    issue(record)
    with pytest.raises(UserError, match=record.name):
        issue(record, "again")
    assert {(tmp_path / name).read_text() for name in NAMES} == {"issued"}


@pytest.mark.parametrize("rename", [1, 2, 3])
def test_record_of_a_killed_process_is_not_complete_and_is_made_again(tmp_path, rename):
    record = tmp_path / "20160503-0000-d01" / NAMES[-1]
    command = [sys.executable, "-c", KILLED, str(rename), str(record)]
    process = subprocess.run(command, cwd=ROOT, check=False)
    assert process.returncode == -signal.SIGKILL
    assert find_records(tmp_path) == []
    issue(record)
    assert sorted(path.name for path in record.parent.iterdir()) == NAMES
    assert {(record.parent / name).read_text() for name in NAMES} == {"issued"}


def test_failure_leaves_nothing(tmp_path):
    record = tmp_path / "run" / NAMES[-1]

    def fail(folder: Path) -> None:
        (folder / NAMES[-1]).write_text("half")
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"), issuing(record) as folder:
        fail(folder)
    assert list(record.parent.iterdir()) == []
