"""Let `mlflow.pyfunc.load_model` load a recorded network; MLflow imports this module for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stormcnn.forecast.network_metadata import recalibration_of
from stormcnn.vocabulary import Array

NETWORK = "network.keras"
"""Name of the file of the network in its folder of artifacts."""


class RecordedModel:
    """A network with its recalibration, as forecasts use it."""

    def __init__(self, path: str) -> None:
        # TensorFlow takes seconds to import, and recording a network does not need it.
        from stormcnn.models.network_files import load_network

        self._recalibrate = recalibration_of(path)
        self._network = load_network(path)

    def predict(self, model_input: Array, params: Mapping[str, Any] | None = None) -> Array:
        """Return the probability of the event, shape (storm,).

        `model_input` has shape (storm, y, x, variable): the predictors of the network in their
        order and in physical units. `params`, which MLflow passes, are not used.
        """
        from stormcnn.models.prediction import predict_probability

        return self._recalibrate(predict_probability(self._network, np.asarray(model_input, "f4")))


def _load_pyfunc(path: str) -> RecordedModel:
    """Return the model in a file; MLflow calls this."""
    return RecordedModel(path)


def describe_model(folder: Path) -> None:
    """Write the file `MLmodel` that tells MLflow how to load the network in a folder."""
    from mlflow.models import Model

    model = Model()
    model.add_flavor("python_function", loader_module=__name__, data=NETWORK)
    model.save(str(folder / "MLmodel"))
