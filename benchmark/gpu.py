"""Measure training and sampling on a GPU with JAX: `python -m benchmark.gpu`.

Prints JSON: for each precision, the time and skill of each network with both recipes, the rate of
sampling, and bounds that were timed in the same process. It needs JAX with support for the GPU
next to the packages of `requirements.txt`. The performance page shows the output if it is stored
under the key `gpu` of `benchmark/results.json`. It has not been run on a GPU yet. With small
numbers it runs on a CPU, to test it:
`python -m benchmark.gpu --storms 4 --sampled 20 --members 8 --batch 32`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

os.environ["KERAS_BACKEND"] = "jax"

from benchmark.measure import call_module
from benchmark.workflow import NETWORKS
from stormcnn.models import backend
from stormcnn.models.architecture import build_network
from stormcnn.models.prediction import predict_probability
from stormcnn.models.recipes import FAST, LESSON, Recipe
from stormcnn.models.training import fit_network
from stormcnn.sampling.sampler import MemberSampler
from stormcnn.verification.scores import brier_skill_score
from stormcnn.verification.storm_totals import total_storms

backend.prepare(threads=1, seed=0)

import jax  # noqa: E402
import keras  # noqa: E402

RECIPES = {"lesson": LESSON, "fast": FAST}
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
PAIRS_AT_ONCE = 16_000
REPEATS = 5
FILTERS = NETWORKS["dropout"]["filters"]


def seconds(work: Callable[..., Any], *inputs: jax.Array) -> float:
    """Return the shortest time of several calls of a compiled function, after one that compiles."""
    compiled = jax.jit(work)
    jax.block_until_ready(compiled(*inputs))
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        jax.block_until_ready(compiled(*inputs))
        times.append(time.perf_counter() - start)
    return min(times)


def convolution_rates(size: int, channels: int, batch: int, precision: str) -> dict[str, float]:
    """Return the rates of the dropout network's convolutions alone.

    `training_bound` counts storms per second, for all three convolutions with their gradients;
    `sampling_bound` counts MC members per second, for the third convolution.
    """
    taken = 0.0
    third = 0.0
    for number, width in enumerate(FILTERS):
        x = jax.random.normal(jax.random.key(0), (batch, size, size, channels), precision)
        kernel = jax.random.normal(jax.random.key(1), (5, 5, channels, width), precision)

        def convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
            result: jax.Array = keras.ops.conv(x, kernel, padding="same")
            return result

        def total(x: jax.Array, kernel: jax.Array) -> jax.Array:
            return convolve(x, kernel).astype("float32").sum()

        # The first layer needs no gradient with respect to its input.
        gradients = jax.value_and_grad(total, (0, 1) if number else 1)
        taken += seconds(gradients, x, kernel)
        third = seconds(convolve, x, kernel)
        size, channels = size // 2, width
    return {"training_bound": batch / taken, "sampling_bound": batch / third}


def device_rates(precision: str, megabytes: int) -> dict[str, float]:
    """Return the memory bandwidth in GB/s and the rate of a matrix product in TFLOP/s."""
    side = 8192 if megabytes > 100 else 256
    values = jax.numpy.ones(megabytes * 2**20 // np.dtype("float32").itemsize, "float32")
    matrix = jax.numpy.ones((side, side), precision)
    copied = seconds(lambda a: a + 1, values)
    multiplied = seconds(lambda a: a @ a, matrix)
    return {
        "gigabytes_per_second": 2 * values.nbytes / copied / 1e9,
        "teraflops": 2 * side**3 / multiplied / 1e12,
    }


class Storms:
    """Made-up storms, split into those before and after the split."""

    def __init__(self, folder: Path) -> None:
        early = np.load(folder / "early.npy")
        fields, event = (np.load(folder / f"{name}.npy") for name in ("fields", "event"))
        self.fields, self.event = fields[early], event[early]
        self.test_fields, self.test_event = fields[~early], event[~early]
        self.mean = self.fields.mean(axis=(0, 1, 2), dtype=np.float64).tolist()
        self.deviation = self.fields.std(axis=(0, 1, 2), dtype=np.float64).tolist()

    def train(self, name: str, recipe: Recipe) -> tuple[keras.Model, dict[str, float]]:
        """Return a trained network, with its time of training and its skill."""
        keras.utils.set_random_seed(0)
        shape = self.fields.shape[1:3]
        network = build_network(NETWORKS[name], shape, self.mean, self.deviation)
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as place:
            checkpoint = Path(place, "unfinished.npz")
            history = fit_network(network, self.fields, self.event, recipe, 0, checkpoint)
        taken = time.perf_counter() - start
        totals = total_storms(predict_probability(network, self.test_fields), self.test_event)
        return network, {
            "seconds": round(taken, 2),
            # The last epoch includes no compilation, unless it is the only one.
            "storms_per_second": round(len(self.event) / history["seconds"].iloc[-1]),
            "brier_skill_score": round(float(brier_skill_score(totals)[0]), 4),
        }


def sampling_rate(network: keras.Model, fields: np.ndarray, members: int) -> dict[str, float]:
    """Return the time and rate of sampling MC members for all storms."""
    sampler = MemberSampler(network, members, seed=0)
    for _ in sampler.batches(fields[:1], PAIRS_AT_ONCE):
        pass  # compiles
    start = time.perf_counter()
    for _ in sampler.batches(fields, PAIRS_AT_ONCE):
        pass
    taken = time.perf_counter() - start
    return {
        "seconds": round(taken, 2),
        "members_per_second": round(len(fields) * members / taken),
    }


def measure(runs: int, storms: int, sampled: int, members: int, batch: int) -> dict[str, Any]:
    """Measure everything with storms of that many forecast runs."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "storms")
        call_module("skill", "make", folder, runs=runs, storms=storms, seed=1)
        made = Storms(folder)
    precisions: dict[str, Mapping[str, Any]] = {}
    for precision, policy in PRECISIONS.items():
        keras.config.set_dtype_policy(policy)
        training: dict[str, Any] = {}
        for recipe, settings in RECIPES.items():
            for name in NETWORKS:
                network, training.setdefault(name, {})[recipe] = made.train(name, settings)
        size, channels = made.fields.shape[2:]
        precisions[precision] = {
            "training": training,
            # The last network is the dropout network, trained with the last recipe.
            "sampling": sampling_rate(network, made.test_fields[:sampled], members),
            "bounds": convolution_rates(size, channels, batch, precision)
            | device_rates(precision, megabytes=batch),
        }
    return {
        "device": jax.devices()[0].device_kind,
        "training_storms": len(made.event),
        "sampled_storms": min(sampled, len(made.test_event)),
        "members": members,
        "precisions": precisions,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--storms", type=int, default=1211, help="storms per run")
    parser.add_argument("--sampled", type=int, default=44_760, help="storms to sample")
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=1024, help="storms per call of the bounds")
    print(json.dumps(measure(**vars(parser.parse_args()))))
