"""Backends of Keras: equal results on two of them, and no effect on the reading of run files."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import keras
import netCDF4
import numpy as np
import pandas as pd
import pytest
from run_files import compress_with_zstd, write_run_file

from stormcnn.explanation.attribution import Attributor, randomize
from stormcnn.models.architecture import build_network
from stormcnn.models.network_files import save_network
from stormcnn.models.prediction import predict_probability
from stormcnn.models.recipes import Recipe
from stormcnn.models.training import fit_network
from stormcnn.sampling.sampler import MemberSampler

ARCHITECTURE = {
    "filters": [3, 4],
    "kernel_size": 5,
    "activation": "relu",
    "pooling": "average",
    "spatial_dropout": 0.3,
}
# Two batches per epoch, of which the last is shorter.
RECIPE = Recipe(epochs=2, batch_size=3, learning_rate=0.01, one_cycle=True)
ON_JAX = """
import json
import sys
from stormcnn.models import backend
backend.prepare(threads=1, seed=0)
import keras
import numpy as np
from stormcnn.explanation.attribution import Attributor, randomize
from stormcnn.sampling.sampler import MemberSampler
from stormcnn.models.network_files import load_network
from stormcnn.models.prediction import predict_probability
from stormcnn.models.recipes import Recipe
from stormcnn.models.training import fit_network
assert keras.config.backend() == "jax"
folder = sys.argv[1]
patches = np.load(f"{folder}/patches.npy")
network = load_network(f"{folder}/network.keras")
np.save(f"{folder}/plain.npy", predict_probability(network, patches, batch=4))
np.save(f"{folder}/members.npy", MemberSampler(network, 5, seed=3).probabilities(patches))
np.save(f"{folder}/attributions.npy", Attributor(network).attribute(patches, 8).values)
untrained = Attributor(randomize(network, seed=2))
np.save(f"{folder}/untrained.npy", untrained.attribute(patches, 8).values)
network = load_network(f"{folder}/without_dropout.keras")
recipe = Recipe(**json.loads(sys.argv[2]))
event = patches[:, 0, 0, 0] > 0
history = fit_network(network, patches, event, recipe, 0, f"{folder}/unfinished.npz")
history.to_csv(f"{folder}/history.csv")
np.save(f"{folder}/trained.npy", predict_probability(network, patches, batch=4))
"""


def test_probabilities_members_attributions_and_training_are_the_same_with_jax(tmp_path):
    keras.utils.set_random_seed(0)
    network = build_network(ARCHITECTURE, (8, 8), [0.0], [1.0])
    patches = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype(np.float32)
    trained = build_network(ARCHITECTURE | {"spatial_dropout": None}, (8, 8), [0.0], [1.0])
    save_network(network, tmp_path / "network.keras", {})
    save_network(trained, tmp_path / "without_dropout.keras", {})
    np.save(tmp_path / "patches.npy", patches)
    environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": os.getcwd()}
    result = subprocess.run(
        [sys.executable, "-c", ON_JAX, str(tmp_path), json.dumps(asdict(RECIPE))],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    plain = predict_probability(network, patches, batch=4)
    np.testing.assert_allclose(np.load(tmp_path / "plain.npy"), plain, atol=1e-5)
    members = MemberSampler(network, 5, seed=3).probabilities(patches)
    np.testing.assert_allclose(np.load(tmp_path / "members.npy"), members, atol=1e-5)
    attributions = Attributor(network).attribute(patches, 8).values
    np.testing.assert_allclose(np.load(tmp_path / "attributions.npy"), attributions, atol=1e-5)
    attributions = Attributor(randomize(network, seed=2)).attribute(patches, 8).values
    np.testing.assert_allclose(np.load(tmp_path / "untrained.npy"), attributions, atol=1e-5)
    event = patches[:, 0, 0, 0] > 0
    untrained = predict_probability(trained, patches, batch=4)
    history = fit_network(trained, patches, event, RECIPE, 0, tmp_path / "here.npz")
    there = pd.read_csv(tmp_path / "history.csv")
    np.testing.assert_allclose(there["loss"], history["loss"], rtol=1e-4)
    probability = predict_probability(trained, patches, batch=4)
    assert np.abs(probability - untrained).max() > 0.01
    np.testing.assert_allclose(np.load(tmp_path / "trained.npy"), probability, atol=1e-4)


def test_libraries_hidden_from_keras_can_be_imported_later():
    code = (
        "import sys; from stormcnn.models import backend\n"
        "assert not {'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "import sklearn.linear_model, matplotlib.pyplot"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("plugins", [None, "own"])
def test_run_files_with_filters_can_be_read_after_the_backend_is_imported(tmp_path, plugins):
    """TensorFlow disables the filters of HDF5 for the process that imports it."""
    path = write_run_file(tmp_path)
    compress_with_zstd(path, "V10_curr")
    environment = {key: value for key, value in os.environ.items() if key != "HDF5_PLUGIN_PATH"}
    if plugins:
        environment["HDF5_PLUGIN_PATH"] = str(Path(netCDF4.__file__).parent / "plugins")
    script = (
        "import sys; import stormcnn.models.backend; from stormcnn.storms.reading import read_run\n"
        "read_run(sys.argv[1], predictors=['U10_curr', 'V10_curr'])"
    )
    subprocess.run([sys.executable, "-c", script, path], check=True, env=environment)
