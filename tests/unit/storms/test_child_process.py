"""Reading in a child process: crashes, endless loops and more become errors that name the file."""

import faulthandler
import os
import pickle
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.storms import child_process
from stormcnn.storms.child_process import read_in_child
from stormcnn.storms.run_files import BadRunFile

PATH = "runs/storms.nc"


def test_result_is_that_of_the_function():
    expected = xr.Dataset(
        {"a": (("storm", "y"), np.arange(6, dtype="f4").reshape(2, 3).T[::-1], {"units": "K"})},
        {
            "storm": ("storm", ["é", "abc", ""]),
            "time": ("storm", np.array(["2261-12-31", "NaT", "1678-01-01"], "M8[ns]")),
            "empty": ("other", np.zeros(0, "i4")),
            "one": np.float64(-0.0),
        },
        {"text": "\x1b", "nan": np.nan, "numbers": [1, 2], "pairs": {"a": "b"}},
    )
    result = read_in_child(lambda path, number: expected.assign(p=number), PATH, 3)
    xr.testing.assert_identical(result, expected.assign(p=3))
    assert {name: str(result[name].dtype) for name in expected.variables} == {
        name: str(expected[name].dtype) for name in expected.variables
    }


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


@pytest.mark.slow
def test_endless_loop_is_stopped(monkeypatch):
    def loop(_):
        while True:
            pass

    monkeypatch.setattr(child_process, "CPU_SECONDS", 0.2)
    with pytest.raises(BadRunFile, match=f"{PATH}.*SIGPROF"):
        read_in_child(loop, PATH)


@pytest.mark.slow
@pytest.mark.skipif(os.uname().sysname != "Linux", reason="only Linux limits memory")
def test_memory_above_that_of_the_job_is_refused():
    def allocate(_, megabytes):
        return xr.Dataset({"a": ("p", np.ones(megabytes * 1_000_000, "u1"))}).isel(p=slice(1))

    assert read_in_child(allocate, PATH, 100, memory_mb=1000).sizes["p"] == 1
    with pytest.raises(BadRunFile, match=rf"{PATH}.*mem_mb is 1000"):
        read_in_child(allocate, PATH, 1100, memory_mb=1000)


@pytest.mark.slow
@pytest.mark.skipif(os.uname().sysname != "Linux", reason="only Linux limits memory")
def test_lower_limit_of_the_job_stays(tmp_path):
    """Some clusters limit the addresses of a job."""
    program = (
        "import resource, xarray\n"
        "from stormcnn.storms.child_process import read_in_child\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))\n"
        "read = lambda _: xarray.Dataset(attrs={'n': resource.getrlimit(resource.RLIMIT_AS)[0]})\n"
        "print(read_in_child(read, '', memory_mb=2e6).attrs['n'])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert int(result.stdout) == 2**40


def test_full_temporary_folder_is_not_blamed_on_the_run_file():
    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(UserError, match="TMPDIR") as error:
            read_in_child(lambda _: xr.Dataset({"a": ("p", np.zeros(10_000))}), PATH)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not isinstance(error.value, BadRunFile)


def test_bug_is_named_with_its_stack_trace():
    def read_wrongly(_):
        return {}["fault"]

    with pytest.raises(RuntimeError, match=f"{PATH}.*KeyError.*fault") as error:
        read_in_child(read_wrongly, PATH)
    assert "read_wrongly" in error.value.__notes__[0]


def test_bad_run_file_is_raised_without_a_stack_trace():
    def refuse(path):
        raise BadRunFile(f"{path}: bad")

    with pytest.raises(BadRunFile) as error:
        read_in_child(refuse, PATH)
    assert not hasattr(error.value, "__notes__")


class Exploit:
    """An object whose unpickling would run a command."""

    def __reduce__(self):
        return os._exit, (3,)


VARIABLE = (
    b'{"name": "a", "dimensions": ["p"], "shape": [%s], "type": "%s", "attributes": {}, '
    b'"coordinate": false}'
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"[]\n",
        b"{}\n",
        b"[" * 100_000 + b"\n",
        pickle.dumps(Exploit()),
        *(
            b'{"attributes": {}, "variables": [%s]}\n' % (VARIABLE % (shape, kind)) + b"12345678"
            for shape, kind in [
                (b"2", b"<f8"),
                (b"1000000000000", b"|u1"),
                (b"-1", b"<f8"),
                (b"1", b"|O8"),
                (b'"a"', b"<f8"),
                (b"1", b"|V8"),
            ]
        ),
    ],
)
def test_child_that_was_taken_over_cannot_harm_the_parent(content, monkeypatch):
    """Whatever arrives instead of a result is refused."""
    monkeypatch.setattr(child_process, "write_dataset", lambda _, stream: stream.write(content))
    with pytest.raises(BadRunFile, match=PATH):
        read_in_child(lambda _: xr.Dataset(), PATH)
