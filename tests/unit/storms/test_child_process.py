"""Reading in a child process: crashes and endless loops become errors that name the file."""

import faulthandler
import os
import resource
import signal
import time

import pytest

from stormcnn.errors import UserError
from stormcnn.storms import child_process
from stormcnn.storms.child_process import read_in_child
from stormcnn.storms.run_files import BadRunFile

PATH = "runs/storms.nc"


def test_result_is_that_of_the_function():
    assert read_in_child(lambda path, number: (path, number), PATH, 3) == (PATH, 3)


def test_crash_is_an_error_that_names_file_and_signal():
    def crash(_):
        faulthandler.disable()  # keeps the report of the crash out of the output of the tests
        os.kill(os.getpid(), signal.SIGSEGV)

    with pytest.raises(BadRunFile, match=f"{PATH}.*SIGSEGV"):
        read_in_child(crash, PATH)


def test_file_that_takes_too_long_is_named(monkeypatch):
    monkeypatch.setattr(child_process, "WALL_SECONDS", 0.3)
    with pytest.raises(BadRunFile, match=rf"{PATH}.* 0\.3 s"):
        read_in_child(lambda _: time.sleep(60), PATH)


def test_endless_loop_is_stopped(monkeypatch):
    def loop(_):
        while True:
            pass

    monkeypatch.setattr(child_process, "CPU_SECONDS", 0.2)
    with pytest.raises(BadRunFile, match=f"{PATH}.*SIGPROF"):
        read_in_child(loop, PATH)


def test_full_temporary_folder_is_not_blamed_on_the_run_file():
    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(UserError, match="TMPDIR") as error:
            read_in_child(lambda _: bytes(10_000), PATH)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not isinstance(error.value, BadRunFile)


def test_bug_keeps_its_class_and_its_stack_trace():
    def read_wrongly(_):
        return {}["fault"]

    with pytest.raises(KeyError) as error:
        read_in_child(read_wrongly, PATH)
    assert "read_wrongly" in error.value.__notes__[0]


def test_result_that_cannot_be_passed_on_is_not_blamed_on_the_disk(capfd):
    with pytest.raises(RuntimeError, match=PATH):
        read_in_child(lambda _: lambda: None, PATH)
    assert "pickle" in capfd.readouterr().err


def test_bad_run_file_is_raised_without_a_stack_trace():
    def refuse(path):
        raise BadRunFile(f"{path}: bad")

    with pytest.raises(BadRunFile) as error:
        read_in_child(refuse, PATH)
    assert not hasattr(error.value, "__notes__")
