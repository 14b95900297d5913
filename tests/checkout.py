"""Copies of the code in which tests run the real workflow, apart from the user's results."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from run_files import run_values, write_run_file

ROOT = Path(__file__).parents[1]
OBSERVER = ROOT / "tests" / "workflow" / "observer"
CODE = ("Snakefile", "config", "envs", "ops", "profiles", "report", "rules", "scripts", "stormcnn")
# After this time a test gives up waiting; slow machines need much of it.
RUN_TIMEOUT_SECONDS = 900

# Scripts of the rules that can be cached. They have no benchmark, because files from the cache were
# not computed here.
CACHED = {"prepare_patches", "fit_scaling", "train_network", "sample_members", "sample_cases"}

# Two networks with one small layer for patches of 8 x 8 grid points.
SETTINGS: dict[str, Any] = {
    "experiment": {"name": "tiny"},
    "data": {"name": "tiny", "source": "folder", "folder": "runs", "batch": "month"},
    "models": {
        "baseline": {"filters": [4], "kernel_size": 3},
        "l2": None,
        "dropout": {"filters": [4], "kernel_size": 3},
    },
    "training": {"recipe": "lesson", "epochs": 2, "batch_size": 64, "seeds": [0]},
    "recalibration": {"methods": []},
    "verification": {"resamples": 200},
    "uncertainty": {"members": 10, "cases": {"count": 2, "members": 10}},
    "explanation": {"storms": 2, "steps": 2},
    "report": {"storms": 5},
}
# Targets that require all jobs except figures, tables and the report.
SCORES = (
    "results/tiny/verification/scores.csv",
    "results/tiny/uncertainty/scores.csv",
    "results/tiny/uncertainty/dropout/seed-0/cases.nc",
)
# Three monthly batches in each of the two periods; May has two runs, the other months have one.
RUN_DATES = [
    datetime(year, month, day) for year in (2014, 2015) for month, day in ((4, 1), (5, 1), (5, 2))
]
RUN_DATES += [datetime(2014, 6, 1), datetime(2015, 6, 1)]


class Job(NamedTuple):
    """A job that a dry run shows; its name is its rule and wildcards: `train_network l2 0`."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def rule(self) -> str:
        return self.name.split()[0]


class Checkout:
    """A folder with a copy of the code, in which Snakemake can be run."""

    config = "tiny.yaml"
    snakemake: Sequence[str] = ("-m", "snakemake")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.variables: dict[str, str] = {}  # additional environment variables for Snakemake

    @classmethod
    def of_code(cls, path: Path, settings: Mapping[str, Any] = SETTINGS) -> Checkout:
        """Return a fresh clone with `settings` in its config file."""
        copy_code(path)
        checkout = cls(path)
        checkout.configure(settings)
        return checkout

    def copy(self, path: Path) -> Checkout:
        """Return a copy of all files, with their time stamps, in another place."""
        shutil.copytree(self.path, path, ignore=shutil.ignore_patterns(self._records.name))
        return Checkout(path)

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Replace the config file."""
        text = yaml.safe_dump(dict(settings), sort_keys=False)
        (self.path / self.config).write_text(text, encoding="utf-8")

    def change(self, changes: Mapping[str, Any]) -> None:
        """Change some settings of the config file and keep the others."""
        settings = yaml.safe_load((self.path / self.config).read_text(encoding="utf-8"))
        self.configure(merged(settings, changes))

    def run(self, *arguments: str) -> str:
        """Run the workflow, which must succeed; return its output."""
        result = self._snakemake(*arguments)
        assert result.returncode == 0, result.stdout
        return result.stdout

    def fail(self, *arguments: str) -> str:
        """Run the workflow, which must fail without a stack trace; return its output."""
        result = self._snakemake(*arguments)
        assert result.returncode != 0, result.stdout
        assert "Traceback (most recent call last)" not in result.stdout, result.stdout
        return result.stdout

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Snakemake with the default profile."""
        command = [sys.executable, *self.snakemake, "--configfile", self.config]
        return self._open(*command, "--cores", "2", *arguments)

    def execute(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command here, independently of the user's own settings."""
        return _wait_for(self._open(*command, **variables))

    def plan(self, *arguments: str) -> dict[str, Job]:
        """Return the jobs that would run, by name."""
        return read_plan(self.run("--dry-run", *arguments))

    def imports(self, script: str) -> set[str]:
        """Return the modules that any job of a script has imported."""
        records = [path for path in self._records.iterdir() if path.name.endswith(f".{script}.py")]
        assert records, f"no job of {script} has run"
        return {name for path in records for name in path.read_text().split()}

    def rules_run(self) -> set[str]:
        """Return the names of the scripts that have run here."""
        return {path.name.split(".")[1] for path in self._records.glob("tmp*.py")}

    def imports_of_planning(self) -> set[str]:
        """Return the modules that Snakemake's own process had imported when it last ended."""
        return set((self._records / "__main__.py").read_text().split())

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for Snakemake, without the user's own that affect jobs."""
        self._records.mkdir(exist_ok=True)
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SNAKEMAKE_", "KERAS_", "MLFLOW_", "PYTHON"))
        }
        # Keras would read ~/.keras/keras.json.
        keras = {"KERAS_HOME": str(self._records)}
        observer = {"PYTHONPATH": str(OBSERVER), "OBSERVED_IMPORTS": str(self._records)}
        return inherited | keras | observer | self.variables

    @property
    def _records(self) -> Path:
        return self.path / "imports"

    def _snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return _wait_for(self.start(*arguments))

    def _open(self, *command: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.path,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def _wait_for(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    with process:
        try:
            output, _ = process.communicate(timeout=RUN_TIMEOUT_SECONDS)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, output)


def copy_code(path: Path, root: Path = ROOT) -> None:
    """Copy the code of `root` to `path` like `git clone`, which sets new time stamps."""
    for name in CODE:
        source, target = root / name, path / name
        if source.is_dir():
            shutil.copytree(
                source,
                target,
                copy_function=shutil.copy,
                ignore=shutil.ignore_patterns("__pycache__"),
                dirs_exist_ok=True,
            )
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


def merged(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `settings` with `changes`, merged block by block."""
    result = dict(settings)
    for key, value in changes.items():
        are_blocks = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if are_blocks else value
    return result


def write_runs(folder: Path, run_dates: Iterable[datetime] = RUN_DATES, storms: int = 12) -> None:
    """Write a run file for each run date, with different storms, half of which are events."""
    for run_date in run_dates:
        values = run_values(storms, seed=int(f"{run_date:%Y%m%d}"))
        write_run_file(folder, values, run_date=run_date)


def read_plan(output: str) -> dict[str, Job]:
    """Return the jobs in the output of a dry run, by name."""
    blocks = re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)+)", output, re.M)
    jobs = [_as_job(rule, block) for rule, block in blocks]
    assert len({job.name for job in jobs}) == len(jobs)
    return {job.name: job for job in jobs}


def error_line(output: str, start: str) -> str:
    """Return the line of an output or log with the error message that begins with `start`."""
    lines = set(re.findall(rf"^ *(?:[\d-]+ [\d:,]+ )?({re.escape(start)}.*)$", output, re.M))
    assert len(lines) == 1, output
    return lines.pop()


def _as_job(rule: str, block: str) -> Job:
    def listed(key: str) -> tuple[str, ...]:
        match = re.search(rf"^    {key}: (.*)$", block, re.M)
        return tuple(match[1].split(", ")) if match else ()

    values = [wildcard.partition("=")[2] for wildcard in listed("wildcards")]
    return Job(" ".join([rule, *values]), listed("input"), listed("output"))
