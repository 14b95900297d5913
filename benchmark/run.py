"""Measure the workflow, and the lesson's steps as one script: `python benchmark/run.py small`.

Writes `benchmark/results.json` and from it `docs/performance.md`. Seconds and memory are those of
one machine; ratios are of runs that took turns on it. With `--only` one part is measured again
and the others stay.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import yaml
from measure import Measured, ratio, run
from page import write_page

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmark/results.json"
PARTS = ("Snakefile", "rules", "scripts", "stormcnn", "config", "profiles", "envs", "report")
RULES = ("train_network", "train_wide_network")
STAGES = ("prepare", "train", "predict", "sample", "score")
# Run files and storms in each: for the growth with the storms, and with the run files.
GROWTH = {
    "storms": [(10, 10), (10, 100), (20, 500), (100, 1000)],
    "runs": [(1, 12), (10, 12), (100, 12), (1000, 12)],
}


class Size(NamedTuple):
    """How much is measured of the workflow against the script."""

    runs: int
    storms_per_run: int
    epochs: int
    pairs: int


SIZES = {"small": Size(20, 600, 10, 5), "full": Size(100, 1211, 2, 3)}


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


def measure_demo(folder: Path) -> dict[str, object]:
    """The demo, from made-up storms to the report."""
    folder.mkdir()
    copy_workflow(folder)
    measured = run(snakemake(), folder, folder / "demo.log")
    table = pd.read_csv(folder / "results/demo/comparison.csv").set_index("model")
    return asdict(measured) | {
        score: table[score].round(4).to_dict() for score in ("auc", "brier_skill_score")
    }


def make_storms(folder: Path, runs: int, storms_per_run: int) -> Path:
    """Made-up run files for script and workflow alike."""
    sys.path.insert(0, str(ROOT))
    from stormcnn.demo import write_runs
    from stormcnn.demo_dates import demo_file_name, demo_run_dates

    paths = [folder / demo_file_name(date) for date in demo_run_dates(runs)]
    folder.mkdir(parents=True)
    write_runs(paths, storms_per_run, seed=1, workers=os.cpu_count() or 1)
    return folder


def workflow_config(storms: Path, epochs: int) -> dict[str, object]:
    """What the script does: the lesson's recipe, scores, and a thousand members of one storm."""
    return {
        "run": {"name": "benchmark"},
        "data": {"name": "benchmark", "source": "folder", "folder": str(storms)},
        "comparison": {"simple_reference": False},
        "training": {"batch_size": 512, "epochs": epochs},
        "uncertainty": {"members": 0, "cases": {"count": 1, "members": 1000}},
    }


def job_times(folder: Path) -> pd.DataFrame:
    """When each job of a workflow began and ended, by its log: `rule`, `start`, `end`."""
    rows = []
    for path in (folder / "logs").glob("*/*.log"):
        stamps = re.findall(r"^.*?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+) ", path.read_text(), re.M)
        times = [datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S,%f") for stamp in stamps]
        rows.append((path.parent.name, times[0], times[-1]))
    return pd.DataFrame(rows, columns=["rule", "start", "end"])


def training_seconds(folder: Path) -> float:
    """From the start of the first training job to the end of the last, their imports included."""
    jobs = job_times(folder).query("rule in @RULES")
    return (jobs["end"].max() - jobs["start"].min()).total_seconds()


def compare_with_script(folder: Path, size: Size) -> dict[str, dict[str, Any]]:
    """Script and workflow by turns, up to the scores and the members of one storm."""
    storms = make_storms(folder / "storms", size.runs, size.storms_per_run)
    script: list[Measured] = []
    workflow: list[Measured] = []
    training: dict[str, list[float]] = {"script": [], "workflow": [], "fits": []}
    for pair in range(size.pairs):
        out = folder / f"script-{pair}"
        command = [sys.executable, str(ROOT / "benchmark/seed_script.py"), str(storms), str(out)]
        command += ["--epochs", str(size.epochs)]
        script.append(run(command, folder, folder / f"script-{pair}.log"))
        steps = pd.read_csv(out / "timings.csv").set_index("step")["value"]
        training["script"].append(steps.filter(like="train ").sum())
        fresh = folder / f"workflow-{pair}"
        fresh.mkdir()
        copy_workflow(fresh)
        (fresh / "benchmark.yaml").write_text(yaml.safe_dump(workflow_config(storms, size.epochs)))
        targets = (
            "results/benchmark/verification/scores.csv",
            "results/benchmark/uncertainty/dropout/seed-0/cases.nc",
        )
        command = snakemake("--configfile", "benchmark.yaml", "--", *targets)
        workflow.append(run(command, fresh, folder / f"workflow-{pair}.log"))
        training["workflow"].append(training_seconds(fresh))
        histories = (fresh / "results/benchmark/models").glob("*/*/history.csv")
        fits = sum(pd.read_csv(history)["seconds"].sum() for history in histories)
        training["fits"].append(fits / (os.cpu_count() or 1))
        print(f"pair {pair + 1}: {workflow[-1]} against {script[-1]}", flush=True)
    jobs = job_times(folder / "workflow-0").assign(
        seconds=lambda table: (table["end"] - table["start"]).dt.total_seconds()
    )
    scores = pd.read_csv(folder / "workflow-0/results/benchmark/verification/scores.csv")
    script_scores = pd.read_csv(folder / "script-0/scores.csv").round(4)
    main = scores.query("period == 'test' and stratum == 'all' and forecast == 'single'")
    return {
        "workflow": {
            "storms": size.runs * size.storms_per_run,
            "runs": size.runs,
            "epochs": size.epochs,
            "vs_script": ratio([m.seconds for m in workflow], [m.seconds for m in script]),
            "memory_vs_script": ratio(
                [m.process_mib for m in workflow], [m.process_mib for m in script]
            ),
            "workflow": [asdict(m) for m in workflow],
            "script": [asdict(m) for m in script],
            "seconds_by_rule": jobs.groupby("rule")["seconds"].sum().round(1).to_dict(),
            "script_scores": script_scores.to_dict("records"),
            "workflow_scores": main.pivot(index="model", columns="score", values="value")[
                ["auc", "brier_score", "brier_skill_score"]
            ]
            .round(4)
            .reset_index()
            .to_dict("records"),
        },
        "training": {
            "vs_script": ratio(training["workflow"], training["script"]),
            "fits_vs_script": ratio(training["fits"], training["script"]),
        },
    }


def measure_kernels(what: str) -> dict[str, Any]:
    """What `kernels.py` says of sampling or training."""
    command = [sys.executable, str(ROOT / "benchmark/kernels.py"), what]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    printed = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout
    found: dict[str, Any] = json.loads(printed)
    return found


def measure_growth(folder: Path) -> dict[str, Any]:
    """Seconds and memory of each stage, by number of storms and by number of run files."""

    def growth(stage: str, place: Path, *sizes: str) -> str:
        command = [sys.executable, str(ROOT / "benchmark/growth.py"), stage, str(place), *sizes]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, check=True, text=True
        ).stdout

    found: dict[str, Any] = {"storms": {}, "runs": {}}
    for axis, stages in (("storms", STAGES), ("runs", STAGES[:1])):
        for runs, storms in GROWTH[axis]:
            size = runs * storms if axis == "storms" else runs
            with tempfile.TemporaryDirectory(dir=folder) as name:
                place = Path(name)
                growth("make", place, f"--runs={runs}", f"--storms={storms}")
                found[axis][str(size)] = {
                    stage: json.loads(growth(stage, place)) for stage in stages
                }
            print(axis, size, found[axis][str(size)], flush=True)
    return found


def measure(size: str, folder: Path) -> dict[str, Callable[[], dict[str, dict[str, Any]]]]:
    """What is measured, by the name that `--only` takes; each gives blocks of the results."""
    parts: dict[str, Callable[[], dict[str, dict[str, Any]]]] = {
        "kernels": lambda: {what: measure_kernels(what) for what in ("sampling", "training")},
        "demo": lambda: {"demo": measure_demo(folder / "demo")},
        "workflow": lambda: compare_with_script(folder, SIZES["small"]),
    }
    if size == "full":
        parts = {
            "growth": lambda: {"growth": measure_growth(folder)},
            "workflow": lambda: {"full": compare_with_script(folder, SIZES["full"])},
        }
    return parts


def main() -> None:
    """Measure the parts of one size and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--only", choices=["kernels", "demo", "workflow", "growth"])
    arguments = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results |= {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
    }
    with tempfile.TemporaryDirectory(prefix="stormcnn-benchmark-") as name:
        for part, work in measure(arguments.size, Path(name)).items():
            if arguments.only in (None, part):
                for block, found in work().items():
                    results[block] = results.get(block, {}) | found
                RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    write_page(results, ROOT / "docs/performance.md")


if __name__ == "__main__":
    main()
