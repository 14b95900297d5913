"""Measure the workflow against the lesson's steps as one script: `python benchmark/run.py small`.

Writes `benchmark/results.json`. Seconds and memory are those of one machine; ratios are of runs
that took turns on it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import yaml
from measure import Measured, ratio, run

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("Snakefile", "rules", "scripts", "stormcnn", "config", "profiles", "envs", "report")
SIZES = {
    "small": {"runs": 20, "storms_per_run": 600, "pairs": 3},
    "full": {"runs": 100, "storms_per_run": 1211, "pairs": 3},
}


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


def workflow_config(storms: Path) -> dict[str, object]:
    """The lesson's recipe on a folder of run files, and a thousand members of one storm."""
    return {
        "run": {"name": "benchmark"},
        "data": {"name": "benchmark", "source": "folder", "folder": str(storms)},
        "training": {"batch_size": 512, "epochs": 10},
        "uncertainty": {"members": 0, "cases": {"count": 1, "members": 1000}},
    }


def compare_with_script(
    folder: Path, runs: int, storms_per_run: int, pairs: int
) -> dict[str, object]:
    """Script and workflow by turns, up to the scores and the members of one storm."""
    storms = make_storms(folder / "storms", runs, storms_per_run)
    script: list[Measured] = []
    workflow: list[Measured] = []
    for pair in range(pairs):
        out = folder / f"script-{pair}"
        command = [sys.executable, str(ROOT / "benchmark/seed_script.py"), str(storms), str(out)]
        script.append(run(command, folder, folder / f"script-{pair}.log"))
        fresh = folder / f"workflow-{pair}"
        fresh.mkdir()
        copy_workflow(fresh)
        (fresh / "benchmark.yaml").write_text(yaml.safe_dump(workflow_config(storms)))
        targets = (
            "results/benchmark/verification/scores.csv",
            "results/benchmark/uncertainty/dropout/seed-0/cases.nc",
        )
        command = snakemake("--configfile", "benchmark.yaml", "--", *targets)
        workflow.append(run(command, fresh, folder / f"workflow-{pair}.log"))
        print(f"pair {pair + 1}: {workflow[-1]} against {script[-1]}", flush=True)
    scores = pd.read_csv(folder / "workflow-0/results/benchmark/verification/scores.csv")
    main = scores.query("period == 'test' and stratum == 'all' and forecast == 'single'")
    return {
        "storms": runs * storms_per_run,
        "runs": runs,
        "vs_script": ratio([m.seconds for m in workflow], [m.seconds for m in script]),
        "memory_vs_script": ratio(
            [m.process_mib for m in workflow], [m.process_mib for m in script]
        ),
        "workflow": [asdict(m) for m in workflow],
        "script": [asdict(m) for m in script],
        "script_scores": pd.read_csv(folder / "script-0/scores.csv").round(4).to_dict("records"),
        "workflow_scores": main.pivot(index="model", columns="score", values="value")[
            ["auc", "brier_score", "brier_skill_score"]
        ]
        .round(4)
        .reset_index()
        .to_dict("records"),
    }


def main() -> None:
    """Measure everything of one size and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--only", choices=["demo", "workflow"])
    arguments = parser.parse_args()
    results: dict[str, object] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "size": arguments.size,
    }
    with tempfile.TemporaryDirectory(prefix="stormcnn-benchmark-") as name:
        folder = Path(name)
        if arguments.only != "workflow":
            (folder / "demo").mkdir()
            results["demo"] = measure_demo(folder / "demo")
        if arguments.only != "demo":
            (folder / "workflow").mkdir()
            results["workflow"] = compare_with_script(folder / "workflow", **SIZES[arguments.size])
    text = json.dumps(results, indent=2) + "\n"
    (ROOT / "benchmark/results.json").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
