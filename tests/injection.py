"""Kill processes of a running workflow, and list the files that it has written."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from checkout import Checkout, write_runs

INVENTORY = "resources/tiny/inventory.csv"
APRIL = "resources/tiny/patches/2014-04.nc"
TIMEOUT_SECONDS = 600


def processes(checkout: Checkout, command: str = "") -> list[int]:
    """Return the processes in a checkout whose command line contains `command`."""
    pids = []
    for entry in Path("/proc").iterdir():
        try:
            is_here = entry.name.isdigit() and (entry / "cwd").samefile(checkout.path)
            if is_here and command in (entry / "cmdline").read_text():
                pids.append(int(entry.name))
        except OSError:
            continue  # it has ended, or belongs to another user
    return pids


def kill(pids: Iterable[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def fake_slurm(folder: Path, squeue: str) -> str:
    """Return a PATH with a `squeue` that runs a shell command.

    All other commands of SLURM fail at once. Those of a real SLURM without a controller would keep
    trying for minutes.
    """
    for name in ("sacct", "sacctmgr", "sbatch", "scancel", "scontrol", "sinfo", "squeue"):
        program = folder / name
        program.write_text(f"#!/bin/sh\n{squeue if name == 'squeue' else 'exit 1'}\n")
        program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def wait_for(condition: Callable[[], object], running: subprocess.Popen[str]) -> None:
    """Wait until a condition is true while a process is running."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert running.poll() is None, running.communicate()[0]
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.005)


@contextmanager
def killing_the_rest(checkout: Checkout) -> Iterator[None]:
    """Kill all processes that are left in the checkout at the end of the block."""
    try:
        yield
    finally:
        while pids := processes(checkout):
            kill(pids)
            time.sleep(0.05)


def partial_files(checkout: Checkout, file: str) -> list[Path]:
    """Return the hidden files that a job is writing before it renames them to `file`."""
    path = checkout.path / file
    return list(path.parent.glob(f".{path.stem}-????????{path.suffix}"))


def finished_files(checkout: Checkout) -> dict[str, int]:
    """Return the modification times of the files whose jobs the last Snakemake has finished."""
    log = max((checkout.path / ".snakemake/log").iterdir(), key=lambda path: path.stat().st_mtime)
    text = log.read_text(encoding="utf-8")
    files = []
    for block in re.findall(r"^(?:local)?rule \w+:\n((?:    .*\n)+)", text, re.M):
        number = re.search(r"^    jobid: (\d+)$", block, re.M)[1]
        output = re.search(r"^    output: (.*)$", block, re.M)
        if output and re.search(rf"^Finished jobid: {number} ", text, re.M):
            files += output[1].split(", ")
    return times(checkout, files)


def times(checkout: Checkout, files: Iterable[str]) -> dict[str, int]:
    """Return the modification times of files in ns."""
    return {file: (checkout.path / file).stat().st_mtime_ns for file in files}


def write_long_batch(checkout: Checkout) -> None:
    """Write run files whose first batch takes long enough to be interrupted."""
    april = [datetime(2014, 4, 1) + timedelta(days=day) for day in range(30)]
    write_runs(checkout.path / "runs", [*april, datetime(2015, 4, 1)], storms=4)


PREPARE = """
import sys
from pathlib import Path
from stormcnn.storms.preparing import prepare_batch
from stormcnn.storms.run_files import list_folder
prepare_batch(
    [run for run in list_folder("runs", "month") if run.batch == "2014-04"],
    *(Path(sys.argv[1], name) for name in ("patches.nc", "statistics.csv", "inventory.csv")),
    predictors=["REFL_COM_curr", "U10_curr", "V10_curr"],
    target="RVORT1_MAX_future",
    region="storm",
)
"""


def expected_patches(checkout: Checkout, folder: Path) -> bytes:
    """Return the patch file of the long batch, prepared in one process without any fault.

    The process uses the code of the checkout, whose version is recorded in the file.
    """
    subprocess.run([sys.executable, "-c", PREPARE, folder], cwd=checkout.path, check=True)
    return (folder / "patches.nc").read_bytes()
