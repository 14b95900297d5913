"""Networks, training and members work on another backend of Keras, with the same masks."""

import json
import os
import subprocess
import sys

import numpy as np

from stormcnn.dropout import draw_masks
from stormcnn.networks import build_network

MASKS = """
import json
from stormcnn import backend
backend.prepare(threads=1, seed=0)
import keras
from stormcnn.dropout import draw_masks
from stormcnn.networks import build_network
assert keras.config.backend() == "jax"
settings = {architecture!r}
network = build_network(settings, (8, 8), [0.0], [1.0])
masks = draw_masks(network, 3, range(2))
print(json.dumps({{name: mask.tolist() for name, mask in masks.items()}}))
"""
ARCHITECTURE = {
    "filters": [3, 4],
    "kernel_size": 3,
    "activation": "relu",
    "pooling": "average",
    "spatial_dropout": 0.5,
}


def with_jax(*arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
    )


def test_training_and_members_hold_with_jax():
    files = [f"tests/unit/test_{name}.py" for name in ("training", "dropout")]
    # Compiling takes jax seconds a network, so not every variant is repeated.
    chosen = "history_has_a_row or (agree and (two or plain))"
    result = with_jax("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, *files)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "3 passed" in result.stdout


def test_masks_are_the_same_on_every_backend():
    result = with_jax("-c", MASKS.format(architecture=ARCHITECTURE))
    assert result.returncode == 0, result.stderr
    network = build_network(ARCHITECTURE, (8, 8), [0.0], [1.0])
    for name, mask in draw_masks(network, 3, range(2)).items():
        np.testing.assert_array_equal(np.array(json.loads(result.stdout)[name], np.float32), mask)
