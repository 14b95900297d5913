"""Copy the workflow for measurements, and generate made-up storms for it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.measure import ROOT
from stormcnn.config.archive_dates import demo_file_name, demo_run_dates
from stormcnn.demo.writing import write_runs

LESSON: dict[str, Any] = {
    "filters": [8, 16, 32],
    "kernel_size": 5,
    "activation": "relu",
    "pooling": "average",
}
NETWORKS = {
    "baseline": LESSON,
    "l2": LESSON | {"regularizer": {"l2": 0.001}},
    "dropout": LESSON | {"filters": [16, 32, 64], "spatial_dropout": 0.2},
}
PARTS = ("Snakefile", "rules", "scripts", "stormcnn", "config", "profiles", "envs", "report")


def copy_workflow(folder: Path) -> Path:
    """Copy the checkout without its data and results, and return the folder."""
    for part in PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, folder / part)
    return folder


def snakemake(*arguments: str) -> list[str]:
    """Return the command that runs the workflow on all cores."""
    return [sys.executable, "-m", "snakemake", "--cores", "all", "--quiet", "all", *arguments]


def make_storms(folder: Path, runs: int, storms_per_run: int) -> Path:
    """Write made-up run files for both script and workflow, and return their folder."""
    paths = [folder / demo_file_name(date) for date in demo_run_dates(runs)]
    folder.mkdir(parents=True)
    write_runs(paths, storms_per_run, seed=1, workers=os.cpu_count() or 1)
    return folder


def job_times(folder: Path) -> pd.DataFrame:
    """Return the start and end of each job as recorded by Snakemake: `rule,start,end`."""
    records = [json.loads(path.read_text()) for path in folder.glob(".snakemake/metadata/*")]
    # Every output has a record. Outputs of the same job share a log.
    outputs = pd.DataFrame(
        [
            (record["rule"], str(record["log"]), record["starttime"], record["endtime"])
            for record in records
        ],
        columns=["rule", "log", "start", "end"],
    )
    jobs = outputs.groupby(["rule", "log"], as_index=False).agg({"start": "min", "end": "max"})
    return jobs.sort_values("start").drop(columns="log")
