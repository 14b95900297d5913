"""Compare the speed of training and sampling with upper bounds.

`python -m benchmark.kernels sampling` prints JSON. Everything runs on one thread, like the jobs of
the workflow, and the alternatives are measured in alternation in one process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.measure import ratio
from benchmark.workflow import NETWORKS
from stormcnn.models import backend
from stormcnn.models.architecture import build_network
from stormcnn.models.recipes import LESSON
from stormcnn.models.training import fit_network
from stormcnn.sampling.sampler import MemberSampler

backend.prepare(threads=1, seed=0)

import keras  # noqa: E402, because the number of threads must be set first
import tensorflow as tf  # noqa: E402

SIZE, VARIABLES, BATCH, EPOCHS = 32, 3, 512, 2
STORMS = 16 * BATCH
MEMBERS, SAMPLED_STORMS = 256, 32
STRIDES = [1, 1, 1, 1]


def made_up_fields(storms: int) -> np.ndarray:
    """Return random fields; the run time of a network does not depend on the values."""
    return np.random.default_rng(0).normal(size=(storms, SIZE, SIZE, VARIABLES)).astype("f4")


def build(name: str) -> keras.Model:
    """Return an untrained network of the lesson."""
    return build_network(NETWORKS[name], (SIZE, SIZE), [0.0] * 3, [1.0] * 3)


def seconds(work: Callable[[], Any]) -> float:
    """Return the seconds that a function takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def repeated(work: Callable[[], Any], times: int) -> Callable[[], None]:
    """Return a function that calls another one several times."""

    def run() -> None:
        for _ in range(times):
            work()

    return run


def convolutions(filters: list[int], kernel: int) -> Iterator[tuple[float, Callable[[], Any]]]:
    """Yield the convolution of each layer for one batch, forward and for both gradients.

    Yields the number of floating-point operations, without those on the padding, and a function
    that performs them. The first layer needs no gradient with respect to its input.
    """
    size, channels = SIZE, VARIABLES
    for number, width in enumerate(filters):
        x = tf.random.normal((BATCH, size, size, channels))
        w = tf.random.normal((kernel, kernel, channels, width))
        y = tf.random.normal((BATCH, size, size, width))
        reach = kernel // 2
        products = (kernel * size - reach * (reach + 1)) ** 2
        operations = 2.0 * BATCH * products * channels * width
        yield operations, tf.function(lambda x=x, w=w: tf.nn.conv2d(x, w, 1, "SAME"))
        yield (
            operations,
            tf.function(
                lambda x=x, w=w, y=y: tf.raw_ops.Conv2DBackpropFilter(
                    input=x,
                    filter_sizes=w.shape,
                    out_backprop=y,
                    strides=STRIDES,
                    padding="SAME",
                )
            ),
        )
        if number:
            yield (
                operations,
                tf.function(
                    lambda x=x, w=w, y=y: tf.raw_ops.Conv2DBackpropInput(
                        input_sizes=x.shape,
                        filter=w,
                        out_backprop=y,
                        strides=STRIDES,
                        padding="SAME",
                    )
                ),
            )
        size, channels = size // 2, width


def matrix_product_rate() -> float:
    """Return the floating-point operations per second of a large matrix product on one thread."""
    a = tf.random.normal((2048, 2048))
    product = tf.function(lambda: tf.linalg.matmul(a, a))
    product()
    return 2 * 2048**3 / min(seconds(product) for _ in range(9))


def measure_training(pairs: int) -> dict[str, Any]:
    """Compare the speed of an epoch with that of its convolutions alone, for each network."""
    peak = matrix_product_rate()
    patches = made_up_fields(STORMS)
    event = patches[:, SIZE // 2, SIZE // 2, 0] > 1.5
    recipe = replace(LESSON, epochs=EPOCHS + 1, batch_size=BATCH)
    by_network: dict[str, Any] = {}
    for name, architecture in NETWORKS.items():
        parts = list(convolutions(architecture["filters"], architecture["kernel_size"]))
        for _, part in parts:
            part()
        ours, bound = [], []
        for _ in range(pairs):
            alone = sum(seconds(repeated(part, 4)) / 4 for _, part in parts) / BATCH
            with tempfile.TemporaryDirectory() as folder:
                checkpoint = Path(folder, "unfinished.npz")
                history = fit_network(build(name), patches, event, recipe, 0, checkpoint)
            # The first epoch includes compilation.
            whole = history["seconds"].iloc[1:].mean() / STORMS
            bound.append(1 / alone)
            ours.append(1 / whole)
        operations = sum(operations for operations, _ in parts) / BATCH
        by_network[name] = {
            "vs_bound": ratio(ours, bound),
            "storms_per_second": round(statistics.median(ours)),
            "bound_storms_per_second": round(statistics.median(bound)),
            "share_of_matrix_product_rate": round(statistics.median(ours) * operations / peak, 3),
        }
    worst = min(by_network.values(), key=lambda network: network["vs_bound"]["median"])
    return {
        "vs_bound": worst["vs_bound"],
        "by_network": by_network,
        "matrix_product_gflops": round(peak / 1e9),
    }


def measure_sampling(pairs: int) -> dict[str, Any]:
    """Compare the speed of sampling with calls of the Keras network and with the bound."""
    network = build("dropout")
    storms = made_up_fields(SAMPLED_STORMS)
    sampler = MemberSampler(network, MEMBERS, seed=0)
    batched = tf.function(lambda x: network(x, training=True))
    one = tf.constant(storms[:1])
    many = tf.constant(np.repeat(storms[:1], BATCH, axis=0))
    third = tf.random.normal((BATCH, SIZE // 4, SIZE // 4, 32))
    kernel = tf.random.normal((5, 5, 32, 64))
    convolve = tf.function(lambda: tf.nn.conv2d(third, kernel, 1, "SAME"))

    def ours() -> None:
        for _ in sampler.batches(storms):
            pass

    ways: dict[str, tuple[int, Callable[[], Any]]] = {
        "ours": (SAMPLED_STORMS * MEMBERS, ours),
        "batched": (8 * BATCH, repeated(lambda: batched(many), 8)),
        "call": (500, repeated(lambda: batched(one), 500)),
        "bound": (8 * BATCH, repeated(convolve, 8)),
    }
    for _, work in ways.values():
        work()
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(pairs):
        for name, (members, work) in ways.items():
            rates[name].append(members / seconds(work))
    return {
        f"vs_{name}": ratio(rates["ours"], rates[name]) for name in ("batched", "call", "bound")
    } | {
        "storms": SAMPLED_STORMS,
        "members": MEMBERS,
        "members_per_second": {
            name: round(statistics.median(rate)) for name, rate in rates.items()
        },
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["sampling", "training"])
    arguments = parser.parse_args()
    # One measurement of sampling takes half a second, one of training several seconds.
    measure, pairs = {"sampling": (measure_sampling, 15), "training": (measure_training, 5)}[
        arguments.what
    ]
    print(json.dumps(measure(pairs)))
