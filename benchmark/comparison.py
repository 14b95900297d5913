"""Measure the demo, and compare the workflow with a script that performs the AMS lesson's steps."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import yaml

from benchmark.measure import Measured, ratio, run
from benchmark.workflow import NETWORKS, ROOT, copy_workflow, job_times, make_storms, snakemake

RULES = ("train_network", "train_wide_network")


class Size(NamedTuple):
    """Size of a comparison of the workflow with the script."""

    runs: int
    storms_per_run: int
    epochs: int
    pairs: int


def measure_demo(folder: Path) -> dict[str, object]:
    """Measure the demo, from made-up storms to the report."""
    folder.mkdir()
    copy_workflow(folder)
    measured = run(snakemake(), folder, folder / "demo.log")
    table = pd.read_csv(folder / "results/demo/comparison.csv").set_index("model")
    return asdict(measured) | {
        score: table[score].round(4).to_dict() for score in ("auc", "brier_skill_score")
    }


def workflow_config(storms: Path, **training: object) -> dict[str, object]:
    """Return a config that does the same as the script.

    That is: one seed, no recalibration, scores, and a thousand MC members of one storm. `training`
    are settings of the training, of which the recipe is by default the lesson's.
    """
    return {
        "experiment": {"name": "benchmark"},
        "data": {"name": "benchmark", "source": "folder", "folder": str(storms)},
        "opponents": [],
        "training": {"recipe": "lesson", "seeds": [0], **training},
        "recalibration": {"methods": []},
        "uncertainty": {"members": 0, "cases": {"count": 1, "members": 1000}},
    }


def training_seconds(folder: Path) -> float:
    """Return the time from the start of the first training job to the end of the last one."""
    jobs = job_times(folder).query("rule in @RULES")
    return float(jobs["end"].max() - jobs["start"].min())


def epoch_seconds(folder: Path) -> dict[str, list[float]]:
    """Return the seconds of each epoch, by network."""
    histories = sorted((folder / "results/benchmark/models").glob("*/*/history.csv"))
    return {path.parts[-3]: pd.read_csv(path)["seconds"].tolist() for path in histories}


def fitting_seconds(epochs: Mapping[str, Sequence[float]]) -> float:
    """Return the time of the epochs on the busiest core if the longest training starts first."""
    cores = [0.0] * (os.cpu_count() or 1)
    for training in sorted(map(sum, epochs.values()), reverse=True):
        cores[cores.index(min(cores))] += training
    return max(cores)


def compare_threads(folder: Path, size: Size) -> dict[str, float | int]:
    """Compare training in parallel on one core each with training in sequence on all cores."""
    storms = make_storms(folder / "storms-threads", size.runs, size.storms_per_run)
    taken: dict[int, list[float]] = {1: [], os.cpu_count() or 1: []}
    for pair in range(size.pairs):
        for threads, seconds in taken.items():
            fresh = folder / f"threads-{threads}-{pair}"
            fresh.mkdir()
            copy_workflow(fresh)
            config = workflow_config(storms, epochs=size.epochs, threads=threads)
            (fresh / "benchmark.yaml").write_text(yaml.safe_dump(config))
            models = [f"results/benchmark/models/{name}/seed-0/trained.keras" for name in NETWORKS]
            run(
                snakemake("--configfile", "benchmark.yaml", "--", *models),
                fresh,
                folder / f"threads-{threads}-{pair}.log",
            )
            seconds.append(training_seconds(fresh))
        print(f"pair {pair + 1}: {taken}", flush=True)
    return ratio(*taken.values())


def compare_with_script(
    folder: Path, size: Size, recipes: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Run script and workflow in alternation, up to the scores and the MC members of one storm.

    In each pair, the workflow runs once with each of the `recipes`; `lesson` has as many epochs as
    the script. Returns the results of each recipe.
    """
    storms = make_storms(folder / "storms", size.runs, size.storms_per_run)
    script: list[Measured] = []
    script_training: list[float] = []
    workflow: dict[str, list[Measured]] = {recipe: [] for recipe in recipes}
    for pair in range(size.pairs):
        out = folder / f"script-{pair}"
        command = [sys.executable, str(ROOT / "benchmark/seed_script.py"), str(storms), str(out)]
        command += ["--epochs", str(size.epochs)]
        script.append(run(command, folder, folder / f"script-{pair}.log"))
        steps = pd.read_csv(out / "timings.csv").set_index("step")["value"]
        script_training.append(steps.filter(like="train ").sum())
        for recipe, measured in workflow.items():
            fresh = folder / f"{recipe}-{pair}"
            epochs = size.epochs if recipe == "lesson" else None
            measured.append(
                _run_workflow(fresh, workflow_config(storms, recipe=recipe, epochs=epochs))
            )
            print(f"pair {pair + 1}, {recipe}: {measured[-1]} against {script[-1]}", flush=True)
    script_scores = pd.read_csv(folder / "script-0/scores.csv").round(4)
    script_scores = script_scores.rename(
        columns={"brier": "brier_score", "bss": "brier_skill_score"}
    )
    return {
        recipe: {
            "storms": size.runs * size.storms_per_run,
            "runs": size.runs,
            "epochs": size.epochs,
            "vs_script": ratio([m.seconds for m in measured], [m.seconds for m in script]),
            "memory_vs_script": ratio(
                [m.process_mib for m in measured], [m.process_mib for m in script]
            ),
            "workflow": [asdict(m) for m in measured],
            "script": [asdict(m) for m in script],
            "script_training": script_training,
            **_describe_workflows([folder / f"{recipe}-{pair}" for pair in range(size.pairs)]),
            "script_scores": script_scores.to_dict("records"),
        }
        for recipe, measured in workflow.items()
    }


def compare_training(lesson: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ratios of the training times to the script's, from the results of a recipe."""
    script = lesson["script_training"]
    return {
        "vs_script": ratio(lesson["training_seconds"], script),
        "fits_vs_script": ratio(lesson["fitting_seconds"], script),
    }


def _run_workflow(fresh: Path, config: Mapping[str, object]) -> Measured:
    """Run the workflow in a new folder, up to what the script computes."""
    fresh.mkdir()
    copy_workflow(fresh)
    (fresh / "benchmark.yaml").write_text(yaml.safe_dump(config))
    targets = (
        "results/benchmark/verification/scores.csv",
        "results/benchmark/uncertainty/dropout/seed-0/cases.nc",
    )
    command = snakemake("--configfile", "benchmark.yaml", "--", *targets)
    return run(command, fresh, fresh.with_suffix(".log"))


def _describe_workflows(folders: Sequence[Path]) -> dict[str, Any]:
    """Return the times of training of each workflow, and jobs and scores of the first one."""
    epochs = [epoch_seconds(folder) for folder in folders]
    jobs = job_times(folders[0])
    seconds = (jobs["end"] - jobs["start"]).groupby(jobs["rule"])
    scores = pd.read_csv(folders[0] / "results/benchmark/verification/scores.csv")
    main = scores.query("period == 'test' and stratum == 'all' and forecast == 'single'")
    table = main.pivot(index="model", columns="score", values="value")
    return {
        "training_seconds": [training_seconds(folder) for folder in folders],
        "fitting_seconds": [fitting_seconds(of_one) for of_one in epochs],
        "epoch_seconds": epochs[-1],
        "seconds_by_rule": seconds.sum().round(1).to_dict(),
        "workflow_scores": table[["auc", "brier_score", "brier_skill_score"]]
        .round(4)
        .reset_index()
        .to_dict("records"),
    }
