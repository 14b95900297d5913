"""Measure the skill of the AMS lesson's baseline for data of the lesson's size.

`python -m benchmark.skill make FOLDER` writes made-up storms to a folder. `train` fits the network
to a sample of the storms before the split and prints its scores on the storms after it as JSON.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.measure import call_module
from benchmark.workflow import NETWORKS
from stormcnn.config.archive_dates import SPLIT, demo_run_dates
from stormcnn.demo.generator import make_storms

RUNS, STORMS_PER_RUN = 100, 1211
DATA_SEEDS = (1, 2, 3)
LESSON_STORMS = 76_377
THRESHOLD = 0.005  # s-1


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


def train(folder: Path) -> dict[str, float | int]:
    """Train the baseline with the lesson's recipe, and return its scores and core-seconds."""
    from stormcnn.models import backend
    from stormcnn.models.architecture import build_network
    from stormcnn.models.prediction import predict_probability
    from stormcnn.models.recipes import LESSON
    from stormcnn.models.training import fit_network
    from stormcnn.verification import scores
    from stormcnn.verification.storm_totals import total_storms

    backend.prepare(threads=1, seed=0)
    event, early = (np.load(folder / f"{name}.npy") for name in ("event", "early"))
    fields = np.load(folder / "fields.npy", mmap_mode="r")
    order = np.random.default_rng(5).permutation(np.flatnonzero(early))
    chosen, later = np.sort(order[:LESSON_STORMS]), np.flatnonzero(~early)
    patches, truth = fields[chosen], event[chosen]
    mean = patches.mean(axis=(0, 1, 2), dtype=np.float64)
    deviation = patches.std(axis=(0, 1, 2), dtype=np.float64)
    network = build_network(
        NETWORKS["baseline"], patches.shape[1:3], mean.tolist(), deviation.tolist()
    )
    start = time.process_time()
    with tempfile.TemporaryDirectory() as place:
        fit_network(network, patches, truth, LESSON, 0, Path(place, "unfinished.npz"))
    seconds = round(time.process_time() - start, 1)
    totals = total_storms(predict_probability(network, fields[later]), event[later])
    return {
        "storms": len(chosen),
        "core_seconds": seconds,
        "auc": round(float(scores.auc(totals)[0]), 4),
        "brier_skill_score": round(float(scores.brier_skill_score(totals)[0]), 4),
    }


def measure(folder: Path) -> dict[str, Any]:
    """Measure the skill of the baseline for three sets of made-up storms of the lesson's size."""
    lesson = []
    for seed in DATA_SEEDS:
        data = folder / str(seed)
        call_module("skill", "make", data, runs=RUNS, storms=STORMS_PER_RUN, seed=seed)
        lesson.append({"data": str(seed), **call_module("skill", "train", data)})
    return {"lesson": lesson}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["make", "train"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--storms", type=int, help="storms per run")
    parser.add_argument("--seed", type=int, help="seed of the made-up storms")
    arguments = parser.parse_args()
    if arguments.what == "make":
        make(arguments.folder, arguments.runs, arguments.storms, arguments.seed)
    else:
        print(json.dumps(train(arguments.folder)))
