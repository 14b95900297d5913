"""A network trained on one backend of Keras gives the same forecasts on another."""

import os
import subprocess
import sys

import keras
import numpy as np

from stormcnn.dropout import MemberSampler
from stormcnn.networks import build_network, save_network
from stormcnn.training import predict_probability

ARCHITECTURE = {
    "filters": [3, 4, 5],
    "kernel_size": 5,
    "activation": "relu",
    "pooling": "average",
    "spatial_dropout": 0.3,
}
ON_JAX = """
import sys
from stormcnn import backend
backend.prepare(threads=1, seed=0)
import keras
import numpy as np
from stormcnn.dropout import MemberSampler
from stormcnn.networks import load_network
from stormcnn.training import fit_network, predict_probability
assert keras.config.backend() == "jax"
folder = sys.argv[1]
patches = np.load(f"{folder}/patches.npy")
network = load_network(f"{folder}/network.keras")
np.save(f"{folder}/plain.npy", predict_probability(network, patches, batch=4))
np.save(f"{folder}/members.npy", MemberSampler(network, 5, seed=3).probabilities(patches))
training = {"recipe": "lesson", "epochs": 2, "batch_size": 4, "learning_rate": 0.01}
checkpoint = f"{folder}/unfinished.npz"
history = fit_network(network, patches, patches[:, 0, 0, 0] > 0, training, 0, checkpoint)
assert len(history) == 2, history
"""


def test_probabilities_and_members_are_the_same_with_jax(tmp_path):
    keras.utils.set_random_seed(0)
    network = build_network(ARCHITECTURE, (16, 16), [0.0], [1.0])
    patches = np.random.default_rng(0).normal(size=(4, 16, 16, 1)).astype(np.float32)
    save_network(network, tmp_path / "network.keras", {})
    np.save(tmp_path / "patches.npy", patches)
    environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": os.getcwd()}
    result = subprocess.run(
        [sys.executable, "-c", ON_JAX, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    plain = predict_probability(network, patches, batch=4)
    np.testing.assert_allclose(np.load(tmp_path / "plain.npy"), plain, atol=1e-5)
    members = MemberSampler(network, 5, seed=3).probabilities(patches)
    np.testing.assert_allclose(np.load(tmp_path / "members.npy"), members, atol=1e-5)


def test_libraries_that_keras_would_import_for_itself_are_left_for_who_needs_them():
    code = (
        "import sys; from stormcnn import backend\n"
        "assert not {'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "import sklearn.linear_model, matplotlib.pyplot"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
