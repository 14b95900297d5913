"""Copies of the workflow in which it is measured, and made-up storms for it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pandas as pd

from benchmark.measure import ROOT
from stormcnn.demo import write_runs
from stormcnn.demo_dates import demo_file_name, demo_run_dates

PARTS = ("Snakefile", "rules", "scripts", "stormcnn", "config", "profiles", "envs", "report")


def copy_workflow(folder: Path) -> Path:
    """A copy of the checkout without its data and results."""
    for part in PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, folder / part)
    return folder


def snakemake(*arguments: str) -> list[str]:
    """The command that runs the workflow on all cores."""
    return [sys.executable, "-m", "snakemake", "--cores", "all", "--quiet", "all", *arguments]


def make_storms(folder: Path, runs: int, storms_per_run: int) -> Path:
    """Made-up run files for script and workflow alike."""
    paths = [folder / demo_file_name(date) for date in demo_run_dates(runs)]
    folder.mkdir(parents=True)
    write_runs(paths, storms_per_run, seed=1, workers=os.cpu_count() or 1)
    return folder


def job_times(folder: Path) -> pd.DataFrame:
    """When each job of a workflow began and ended, as Snakemake has recorded: `rule,start,end`."""
    records = [json.loads(path.read_text()) for path in folder.glob(".snakemake/metadata/*")]
    # Every output has a record.
    jobs = {(record["rule"], record["starttime"], record["endtime"]) for record in records}
    return pd.DataFrame(sorted(jobs), columns=["rule", "start", "end"])
