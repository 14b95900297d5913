"""Measure the skill of networks for data of the lesson's size and with each training recipe.

`python -m benchmark.skill make FOLDER` writes made-up storms to a folder. `train` fits networks to
a sample of the storms before the split and prints their scores on the storms after it as JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.measure import call_module
from benchmark.workflow import NETWORKS
from stormcnn.config.archive_dates import SPLIT, demo_run_dates
from stormcnn.demo.generator import make_storms

# Number of runs, storms per run, and seed of the made-up storms.
DATA = {"1": (100, 1211, 1), "2": (100, 1211, 2), "3": (100, 1211, 3), "other": (200, 600, 7)}
LESSON_STORMS = 76_377
SEEDS = 5
THRESHOLD = 0.005  # s-1
RECIPE = {"epochs": 10, "batch_size": 512, "learning_rate": 0.001}


def run_storms(date: datetime, index: int, storms: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the fields (storm, y, x, variable) and events (storm,) of one made-up run."""
    made, _ = make_storms(date, index, storms, seed)
    fields = np.stack([made[name] for name in ("REFL_COM_curr", "U10_curr", "V10_curr")], axis=-1)
    peak = (made["RVORT1_MAX_future"] * made["masks"]).max(axis=(1, 2))
    return fields.astype(np.float32), peak > THRESHOLD


def make(folder: Path, runs: int, storms: int, seed: int) -> None:
    """Write `fields.npy`, `event.npy` and `early.npy` (before the split) of made-up storms."""
    dates = demo_run_dates(runs)
    arguments = (dates, range(runs), [storms] * runs, [seed] * runs)
    with ProcessPoolExecutor() as pool:
        fields, event = zip(*pool.map(run_storms, *arguments), strict=True)
    folder.mkdir(parents=True)
    np.save(folder / "fields.npy", np.concatenate(fields))
    np.save(folder / "event.npy", np.concatenate(event))
    np.save(folder / "early.npy", np.repeat([date < SPLIT for date in dates], storms))


def train(folder: Path, recipes: Sequence[str], storms: int, seeds: int) -> dict[str, Any]:
    """Train the baseline, and return AUC, Brier skill score and core-seconds for each seed.

    The recipes alternate, so that a slow machine affects all of them.
    """
    from stormcnn.models import backend
    from stormcnn.models.architecture import build_network
    from stormcnn.models.prediction import predict_probability
    from stormcnn.models.training import fit_network
    from stormcnn.verification import scores
    from stormcnn.verification.storm_totals import total_storms

    backend.prepare(threads=1, seed=0)
    import keras

    event, early = (np.load(folder / f"{name}.npy") for name in ("event", "early"))
    fields = np.load(folder / "fields.npy", mmap_mode="r")
    order = np.random.default_rng(5).permutation(np.flatnonzero(early))
    chosen, later = np.sort(order[:storms]), np.flatnonzero(~early)
    patches, truth = fields[chosen], event[chosen]
    mean = patches.mean(axis=(0, 1, 2), dtype=np.float64)
    deviation = patches.std(axis=(0, 1, 2), dtype=np.float64)
    values: dict[str, dict[str, list[float]]] = {
        recipe: {"auc": [], "brier_skill_score": [], "core_seconds": []} for recipe in recipes
    }
    for seed, recipe in itertools.product(range(seeds), recipes):
        results = values[recipe]
        keras.utils.set_random_seed(seed)
        network = build_network(
            NETWORKS["baseline"], patches.shape[1:3], mean.tolist(), deviation.tolist()
        )
        start = time.process_time()
        with tempfile.TemporaryDirectory() as place:
            checkpoint = Path(place, "unfinished.npz")
            fit_network(network, patches, truth, {"recipe": recipe, **RECIPE}, seed, checkpoint)
        results["core_seconds"].append(round(time.process_time() - start, 1))
        probability = predict_probability(network, fields[later])
        totals = total_storms(probability, event[later])
        for name in ("auc", "brier_skill_score"):
            results[name].append(round(float(getattr(scores, name)(totals)[0]), 4))
    return {"storms": len(chosen), **values}


def measure(folder: Path) -> dict[str, Any]:
    """Measure the skill of the baseline at the lesson's size, and compare the recipes.

    `lesson` contains one training for each of three sets of made-up storms. `recipes` contains
    `SEEDS` trainings per recipe for two sets of storms and two numbers of training storms.
    """

    def trained(data: str, storms: int, recipes: Sequence[str], seeds: int) -> dict[str, Any]:
        scores = call_module("skill", "train", folder / data, *recipes, storms=storms, seeds=seeds)
        result = {"data": data, **scores}
        print(result, flush=True)
        return result

    for data, (runs, storms, seed) in DATA.items():
        call_module("skill", "make", folder / data, runs=runs, storms=storms, seed=seed)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        lesson = [
            pool.submit(trained, data, LESSON_STORMS, ["lesson"], 1) for data in ("1", "2", "3")
        ]
        recipes = [
            pool.submit(trained, data, storms, ["lesson", "fast"], SEEDS)
            for storms in (20_000, LESSON_STORMS)
            for data in ("1", "other")
        ]
    return {
        "lesson": [training.result() for training in lesson],
        "recipes": [training.result() for training in recipes],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["make", "train"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--storms", type=int, help="storms per run, or to train on")
    parser.add_argument("--seed", type=int, help="seed of the made-up storms")
    parser.add_argument("recipes", nargs="*", help="recipes, trained in alternation")
    parser.add_argument("--seeds", type=int, help="number of trainings per recipe")
    arguments = parser.parse_args()
    if arguments.what == "make":
        make(arguments.folder, arguments.runs, arguments.storms, arguments.seed)
    else:
        of_training = (arguments.recipes, arguments.storms, arguments.seeds)
        print(json.dumps(train(arguments.folder, *of_training)))
