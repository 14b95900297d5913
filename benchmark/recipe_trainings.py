"""Train with each recipe: `python -m benchmark.recipe_trainings compare FOLDER`.

This prints JSON with a row per training: data, network, recipe, seed, Brier skill score and
core-seconds. `compare` and `compare_large` score the storms after the split, and `ablate` the last
fifth of those before it, which is therefore what recipes are chosen by.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.recipes import TRAININGS
from benchmark.workflow import NETWORKS
from stormcnn.models import backend
from stormcnn.models.architecture import build_network
from stormcnn.models.prediction import predict_probability
from stormcnn.models.recipes import FAST, LESSON, Recipe
from stormcnn.models.training import fit_network
from stormcnn.verification.scores import brier_skill_score
from stormcnn.verification.storm_totals import total_storms

backend.prepare(threads=1, seed=0)

import keras  # noqa: E402, because the number of threads must be set first

COMPARED = {"lesson": LESSON, "fast": FAST}
ABLATED = {
    "fast": FAST,
    "output bias of 0": replace(FAST, output_bias=False),
    "constant learning rate": replace(FAST, one_cycle=False),
    "one cycle up to 0.01": replace(FAST, learning_rate=0.01),
    "batches of 512 storms": replace(FAST, batch_size=512),
    "2 epochs": replace(FAST, epochs=2),
}


class Storms:
    """The storms of a folder that `benchmark.skill make` has written, for training and scoring."""

    def __init__(self, folder: Path, count: int, validate: bool) -> None:
        fields = np.load(folder / "fields.npy", mmap_mode="r")
        event = np.load(folder / "event.npy")
        test = split = int(np.load(folder / "early.npy").sum())
        if validate:
            test = split * 4 // 5
        else:
            split = len(event)
        chosen = np.random.default_rng(5).permutation(test)[:count]
        chosen.sort()
        self.fields, self.event = fields[chosen], event[chosen]
        self.scored, self.truth = fields[test:split], event[test:split]
        self.mean = self.fields.mean(axis=(0, 1, 2), dtype=np.float64).tolist()
        self.deviation = self.fields.std(axis=(0, 1, 2), dtype=np.float64).tolist()

    def train(self, network: str, recipe: Recipe, seed: int) -> dict[str, float]:
        """Train a network; return its Brier skill score and the core-seconds of the training."""
        keras.utils.clear_session()
        keras.utils.set_random_seed(seed)
        model = build_network(NETWORKS[network], self.fields.shape[1:3], self.mean, self.deviation)
        start = time.process_time()
        with tempfile.TemporaryDirectory() as place:
            checkpoint = Path(place, "unfinished.npz")
            fit_network(model, self.fields, self.event, recipe, seed, checkpoint)
        taken = time.process_time() - start
        totals = total_storms(predict_probability(model, self.scored), self.truth)
        return {
            "brier_skill_score": round(float(brier_skill_score(totals)[0]), 4),
            "core_seconds": round(taken, 1),
        }


def train_all(what: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Train all networks with all recipes in alternation, so that a slow machine affects all."""
    data_seeds, count, seeds = TRAININGS[what]
    validate = what == "ablate"
    recipes = ABLATED if validate else COMPARED
    storms = {data: Storms(folder / str(data), count, validate) for data in data_seeds}
    settings = itertools.product(range(seeds), data_seeds, NETWORKS, recipes)
    for seed, data, network, name in settings:
        result = storms[data].train(network, recipes[name], seed)
        yield {"data": data, "network": network, "recipe": name, "seed": seed} | result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=TRAININGS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=Path, help="file to which each row is added at once")
    arguments = parser.parse_args()
    rows = []
    for row in train_all(arguments.what, arguments.folder):
        rows.append(row)
        if arguments.rows:
            with arguments.rows.open("a") as stream:
                print(json.dumps(row), file=stream)
    print(json.dumps(rows))
