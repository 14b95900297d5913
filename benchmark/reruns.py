"""Measure runs with nothing to do, and with one new run file."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from benchmark.measure import run
from benchmark.workflow import copy_workflow, job_times, make_storms, snakemake
from stormcnn.config.archive_dates import SPLIT
from stormcnn.storms.run_files import parse_run_name

# The networks are small, because the time of a run with nothing to do does not depend on them.
CONFIG: dict[str, Any] = {
    "experiment": {"name": "reruns"},
    "opponents": [],
    "models": {"baseline": {"filters": [4]}, "l2": None, "dropout": {"filters": [4]}},
    "training": {"recipe": "lesson", "epochs": 1},
    "verification": {"resamples": 200},
    "uncertainty": {"members": 0, "cases": {"count": 1, "members": 10}},
}
SCALING = "results/reruns/scaling.csv"
REPEATS = 5
HELD_BACK = "new"


def finished_workflow(folder: Path, runs: int, storms_per_run: int, batch: str) -> Path:
    """Run the workflow on made-up run files, and return its folder.

    A few additional run files, the last ones before the split, are held back in `HELD_BACK`.
    """
    folder.mkdir()
    copy_workflow(folder)
    paths = sorted(make_storms(folder / "runs", runs + REPEATS, storms_per_run).iterdir())
    before_split = [path for path in paths if parse_run_name(path).run_date < SPLIT]
    (folder / HELD_BACK).mkdir()
    for path in before_split[-REPEATS:]:
        path.rename(folder / HELD_BACK / path.name)
    data = {"name": "reruns", "source": "folder", "folder": "runs", "batch": batch}
    (folder / "reruns.yaml").write_text(yaml.safe_dump(CONFIG | {"data": data}))
    call(folder)
    return folder


def call(folder: Path, *targets: str) -> float:
    """Run the workflow and return the seconds that it takes."""
    command = snakemake("--configfile", "reruns.yaml", "--", *targets)
    return run(command, folder, folder / "snakemake.log").seconds


def nothing_to_do(folder: Path) -> float:
    """Return the median seconds of a run with nothing to do."""
    return round(statistics.median(call(folder) for _ in range(REPEATS)), 2)


def add_runs(folder: Path) -> dict[str, Any]:
    """Add one run file after another, and measure preparation and scaling.

    Returns medians: the seconds of the run, of its jobs and of a run with nothing to do, and the
    additional time as a multiple of the time that the batch's job takes.
    """
    without, seconds, jobs = [], [], []
    for new in sorted((folder / HELD_BACK).iterdir()):
        without.append(call(folder, SCALING))
        new.rename(folder / "runs" / new.name)
        start = time.time()
        seconds.append(call(folder, SCALING))
        times = job_times(folder).set_index("rule")
        times = times[times["start"] > start]
        jobs.append(times["end"] - times["start"])
    by_job = pd.DataFrame(jobs)
    batches = (
        (own - nothing) / batch
        for own, nothing, batch in zip(seconds, without, by_job["prepare_patches"], strict=True)
    )
    return {
        "nothing_to_do": round(statistics.median(without), 2),
        "seconds": round(statistics.median(seconds), 2),
        "jobs": by_job.median().round(2).to_dict(),
        "batches_on_top": round(statistics.median(batches), 2),
    }


def measure_reruns(folder: Path) -> dict[str, Any]:
    """Measure with 100 run files in daily batches and with 3,000 in yearly batches."""
    days = finished_workflow(folder / "days", 100, 1211, "day")
    years = finished_workflow(folder / "years", 3000, 10, "year")
    results = {
        "nothing_to_do": {"100": nothing_to_do(days), "3000": nothing_to_do(years)},
        "new_run": add_runs(days),
    }
    print(results, flush=True)
    return results
