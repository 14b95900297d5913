"""The lock has one holder, and tells the next one whether a workflow was killed."""

import re
import subprocess
import sys

import pytest

from stormcnn.operations.lock import Busy, Lock


def test_lock_has_one_holder(tmp_path):
    path = tmp_path / "registry" / "lock"
    with Lock.hold(path), pytest.raises(Busy, match=re.escape(str(path))), Lock.hold(path):
        pass
    with Lock.hold(path):
        pass


def test_process_that_inherits_the_lock_keeps_holding_it(tmp_path):
    path = tmp_path / "lock"
    waiting = [sys.executable, "-c", "input()"]
    with Lock.hold(path) as lock:
        process = subprocess.Popen(waiting, pass_fds=[lock.fileno()], stdin=subprocess.PIPE)
    with process:
        with pytest.raises(Busy), Lock.hold(path):
            pass
        process.kill()
    with Lock.hold(path):
        pass


def test_mark_of_a_running_workflow_survives_its_process(tmp_path):
    with Lock.hold(tmp_path / "lock") as lock:
        assert not lock.was_workflow_killed()
        lock.mark_workflow_started()
    with Lock.hold(tmp_path / "lock") as lock:
        assert lock.was_workflow_killed()
        lock.mark_workflow_ended()
    with Lock.hold(tmp_path / "lock") as lock:
        assert not lock.was_workflow_killed()
