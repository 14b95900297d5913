"""The lock has one holder, and tells the next one whether a workflow was killed."""

import errno
import fcntl
import os
import re
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

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


@pytest.fixture
def without_locks(monkeypatch):
    """A file system that cannot lock files, as NFS without its lock service."""

    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_lock_has_one_holder_on_a_file_system_without_locks(tmp_path, without_locks):
    path = tmp_path / "lock"
    with Lock.hold(path), pytest.raises(Busy, match=str(os.getpid())), Lock.hold(path):
        pass
    with Lock.hold(path) as lock:
        assert not lock.was_workflow_killed()
    assert [file.name for file in tmp_path.iterdir()] == ["lock"]


def test_lock_of_a_process_that_has_ended_is_taken_over(tmp_path, without_locks):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / "lock.holder").write_text(f"{socket.gethostname()} {ended.pid} 1.5")
    with Lock.hold(tmp_path / "lock"):
        assert f" {os.getpid()} " in (tmp_path / "lock.holder").read_text()


@pytest.mark.parametrize("holder", ["another-machine 1 1.5", ""])
def test_lock_of_a_process_that_may_be_running_is_respected(tmp_path, without_locks, holder):
    (tmp_path / "lock.holder").write_text(holder)
    with pytest.raises(Busy, match=re.escape("lock.holder")), Lock.hold(tmp_path / "lock"):
        pass


def test_one_of_several_processes_takes_over_a_lock(tmp_path, without_locks):
    ended = f"{socket.gethostname()} {2**31 - 1} 1.5"
    begin, end = (threading.Barrier(4, timeout=60) for _ in range(2))

    def attempt(_):
        begin.wait()
        try:
            with Lock.hold(tmp_path / "lock"):
                end.wait()
        except Busy:
            end.wait()
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        for _ in range(100):
            (tmp_path / "lock.holder").write_text(ended)
            assert sum(threads.map(attempt, range(4))) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["lock"]
