"""Programs find the variables that they need, whatever the user's account lacks."""

import json
import os
import stat
import subprocess
import sys

import pytest
from checkout import ROOT

SHOW = (
    "from stormcnn.environment import prepare_environment; prepare_environment();"
    "import json, os; print(json.dumps(dict(os.environ))); print('\\u2192')"
)


def variables_with(tmp_path, **variables):
    """Return the variables of a process in an almost empty environment."""
    (tmp_path / "tmp").mkdir(exist_ok=True)
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "tmp")}
    output = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", SHOW],
        env=own | variables,
        check=True,
        capture_output=True,
    ).stdout.decode("utf-8")
    text, arrow = output.splitlines()
    assert arrow == "\u2192"
    return json.loads(text)


def test_variables_are_set_and_those_of_the_user_stay(tmp_path):
    variables = variables_with(tmp_path, HOME=str(tmp_path), TF_FORCE_GPU_ALLOW_GROWTH="false")
    assert variables["HDF5_USE_FILE_LOCKING"] == "FALSE"
    assert variables["TF_FORCE_GPU_ALLOW_GROWTH"] == "false"
    assert "XDG_CACHE_HOME" not in variables


@pytest.mark.parametrize("home", [{}, {"HOME": "/dev/null/missing"}])
def test_caches_have_a_folder_without_a_home(tmp_path, home):
    variables = variables_with(tmp_path, LC_ALL="C", PYTHONCOERCECLOCALE="0", **home)
    folder = tmp_path / "tmp" / f"stormcnn-{os.getuid()}"
    assert variables["XDG_CACHE_HOME"] == str(folder)
    assert variables["MPLCONFIGDIR"] == str(folder / "matplotlib")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert variables["HOME"] == home.get("HOME", str(folder))
    assert variables_with(tmp_path, **home)["XDG_CACHE_HOME"] == str(folder)


def test_folder_that_others_can_change_is_not_used(tmp_path):
    folder = tmp_path / "tmp" / f"stormcnn-{os.getuid()}"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert variables_with(tmp_path)["XDG_CACHE_HOME"] != str(folder)


# An audit hook sees each import before it happens.
WATCH = """
import json, os, runpy, sys

seen = {}

def watch(event, arguments):
    if event == "import" and arguments[0] in ("numpy", "h5py", "netCDF4", "matplotlib"):
        seen.setdefault(arguments[0], dict(os.environ))

sys.addaudithook(watch)
sys.argv[1:] = ["--help"]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit:
    print(json.dumps(seen))
"""


@pytest.mark.slow
@pytest.mark.parametrize("program", ["forecast", "prune", "registry", "retrain"])
def test_libraries_of_programs_find_the_variables_when_they_are_imported(program):
    output = subprocess.run(
        [sys.executable, "-c", WATCH.replace("sys.argv[0]", repr(str(ROOT / "ops" / program)))],
        env={"PATH": os.environ["PATH"], "HOME": "/dev/null/missing"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()[-1]
    seen = json.loads(output)
    assert "numpy" in seen
    for variables in seen.values():
        assert variables["OPENBLAS_NUM_THREADS"] == "1"
        assert variables["HDF5_USE_FILE_LOCKING"] == "FALSE"
        assert "MPLCONFIGDIR" in variables
