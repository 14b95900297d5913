"""The log of a job has all its output, and an error message or a stack trace."""

import resource
import subprocess
import sys
import types

import pytest
from checkout import ROOT

from stormcnn.logs import peak_memory_mib

JOB = """
import os, warnings, logging
from stormcnn.logs import job_log
with job_log({path!r}):
    {body}
"""


def run(tmp_path, body):
    path = tmp_path / "logs" / "job.log"
    code = JOB.format(path=str(path), body=body)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return result, path.read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        "print('the message')",
        "logging.info('the message')",
        "warnings.warn('the message')",
        "os.write(2, b'the message')",
        "os.system('echo the message')",
    ],
)
def test_all_output_goes_to_the_log(tmp_path, body):
    result, log = run(tmp_path, body)
    assert result.returncode == 0
    assert "the message" in log
    assert result.stdout + result.stderr == ""
    assert "peak memory" in log


@pytest.mark.parametrize(("number", "named"), [(13, "Shared folders"), (28, "disk is full")])
def test_full_disk_and_missing_permission_are_explained(tmp_path, number, named):
    result, log = run(tmp_path, f"raise OSError({number}, 'error', 'results/a.nc')")
    assert result.returncode == 1
    assert "results/a.nc: " in log.splitlines()[-1]
    assert named in log.splitlines()[-1]
    assert "Traceback" not in log


def test_log_names_the_slurm_job(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    assert " SLURM job 4711," in run(tmp_path, "pass")[1].splitlines()[0]


def test_peak_memory_is_in_mebibytes_on_macos(monkeypatch):
    usage = types.SimpleNamespace(ru_maxrss=300 * 1024**2)
    monkeypatch.setattr(resource, "getrusage", lambda who: usage)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert peak_memory_mib() == 300


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux has /proc.")
def test_peak_memory_is_that_of_this_process_and_not_of_its_parent():
    child = "from stormcnn.logs import peak_memory_mib; print(peak_memory_mib())"
    run_child = f"subprocess.run([sys.executable, '-c', {child!r}])"
    parent = f"import subprocess, sys; used = b'x' * 500_000_000; {run_child}"
    result = subprocess.run(
        [sys.executable, "-c", parent], cwd=ROOT, capture_output=True, text=True
    )
    assert 10 < float(result.stdout) < 300


def test_error_of_a_library_keeps_its_stack_trace(tmp_path):
    result, log = run(tmp_path, "import numpy; numpy.zeros(-1)")
    assert result.returncode == 1
    assert "ValueError: negative dimensions" in log
    assert "Traceback" in log


def test_user_error_has_no_stack_trace(tmp_path):
    result, log = run(
        tmp_path, "from stormcnn.storms.run_files import as_run; as_run('a.nc', 'year')"
    )
    assert result.returncode == 1
    assert " a.nc: " in log.splitlines()[-1]
    assert "Traceback" not in log


def test_bug_keeps_its_stack_trace(tmp_path):
    result, log = run(tmp_path, "1 / 0")
    assert result.returncode == 1
    assert "ZeroDivisionError" in log
    assert "Traceback" in log


def test_control_characters_are_escaped(tmp_path):
    code = "from stormcnn.errors import UserError; logging.info('a\\x1b[2Jb'); "
    _, log = run(tmp_path, code + "raise UserError('c\\x1b]0;d\\u202e')")
    assert "a\\x1b[2Jb" in log
    assert "c\\x1b]0;d\\u202e" in log
    assert "\x1b" not in log
