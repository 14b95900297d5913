"""Write the files of tiny networks with random weights, as if they had been trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stormcnn.models import backend  # isort: skip  # it prepares the import of Keras

import keras

from stormcnn.models.architecture import build_network
from stormcnn.models.network_files import save_network
from stormcnn.models.stored_recalibration import add_recalibration
from stormcnn.storms.run_summary import TRAINING_ATTRIBUTES
from stormcnn.vocabulary import LESSON_EVENT

# Before anything is computed, because later the number of threads is fixed.
backend.prepare(threads=1, seed=0)

ARCHITECTURE = {
    "filters": [4],
    "kernel_size": 3,
    "activation": "relu",
    "pooling": "average",
    "spatial_dropout": 0.3,
}


def write_trained(path: Path, seed: int = 0, trained_until: str = "2010-10-01T00:00") -> Path:
    """Write a network without recalibration, `trained.keras`, for patches of 8 x 8 grid points."""
    keras.utils.set_random_seed(seed)
    network = build_network(ARCHITECTURE, (8, 8), [0.0], [5.0])
    about: dict[str, Any] = {
        "model": "dropout",
        "seed": str(seed),
        "predictors": ["U10_curr"],
        "predictor_units": {"U10_curr": "m s-1"},
        "event": LESSON_EVENT,
        "event_attributes": {"threshold_units": "s-1"},
        **dict.fromkeys(TRAINING_ATTRIBUTES, "2010-01-01T00:00"),
        "trained_until": trained_until,
        "training_event_frequency": 0.1,
        "training_minimum": [-30.0],
        "training_maximum": [30.0],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_network(network, path, about)
    return path


def write_network(path: Path, seed: int = 0, trained_until: str = "2010-10-01T00:00") -> Path:
    """Write a network with thresholds at which to act, `network.keras`."""
    trained = write_trained(path.with_name("trained.keras"), seed, trained_until)
    add_recalibration(trained, None, path, {"unbiased": 0.4, "cost_loss=0.5": None})
    return path
