"""What tests of faults share: processes caught in mid-run, and what a run has written."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from checkout import Checkout, write_runs

from stormcnn.storms.preparing import prepare_batch
from stormcnn.storms.run_files import list_folder

INVENTORY = "resources/tiny/inventory.csv"
APRIL = "resources/tiny/patches/2014-04.nc"
SECONDS_TO_WAIT = 600


def processes(checkout: Checkout, command: str = "") -> list[int]:
    """Processes that work in a checkout and whose command line contains `command`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            here = entry.name.isdigit() and (entry / "cwd").samefile(checkout.path)
            if here and command in (entry / "cmdline").read_text():
                found.append(int(entry.name))
        except OSError:
            continue  # ended meanwhile, or another user's
    return found


def kill(pids: Iterable[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def wait_for(condition: Callable[[], object], running: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while not condition():
        assert running.poll() is None, running.communicate()[0]
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


@contextmanager
def nothing_left(checkout: Checkout) -> Iterator[None]:
    """At the end of the block no process works in the checkout any more."""
    try:
        yield
    finally:
        while left := processes(checkout):
            kill(left)
            time.sleep(0.05)


def half_written(checkout: Checkout, file: str) -> list[Path]:
    path = checkout.path / file
    return list(path.parent.glob(f".{path.stem}-????????{path.suffix}"))


def finished_files(checkout: Checkout) -> dict[str, int]:
    """Files of the jobs that the last Snakemake has finished, with their times."""
    log = max((checkout.path / ".snakemake/log").iterdir(), key=lambda path: path.stat().st_mtime)
    said = log.read_text(encoding="utf-8")
    files = []
    for block in re.findall(r"^(?:local)?rule \w+:\n((?:    .*\n)+)", said, re.M):
        number = re.search(r"^    jobid: (\d+)$", block, re.M)[1]
        output = re.search(r"^    output: (.*)$", block, re.M)
        if output and re.search(rf"^Finished jobid: {number} ", said, re.M):
            files += output[1].split(", ")
    return times(checkout, files)


def times(checkout: Checkout, files: Iterable[str]) -> dict[str, int]:
    return {file: (checkout.path / file).stat().st_mtime_ns for file in files}


def write_long_batch(checkout: Checkout) -> None:
    """Run files of which the first batch takes long enough to be caught while it is written."""
    april = [datetime(2014, 4, 1) + timedelta(days=day) for day in range(30)]
    write_runs(checkout.path / "runs", [*april, datetime(2015, 4, 1)], storms=4)


def prepared(checkout: Checkout, folder: Path) -> bytes:
    """The long batch's patches as made in this process, which nothing disturbs."""
    runs = [run for run in list_folder(checkout.path / "runs", "month") if run.batch == "2014-04"]
    prepare_batch(
        runs,
        folder / "patches.nc",
        folder / "statistics.csv",
        folder / "inventory.csv",
        predictors=["REFL_COM_curr", "U10_curr", "V10_curr"],
        target="RVORT1_MAX_future",
        region="storm",
    )
    return (folder / "patches.nc").read_bytes()
