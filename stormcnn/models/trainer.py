"""Train one network several times on the same storms, one training after another.

The weights are those of trainings in separate processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

# The backend must be imported before Keras.
from stormcnn.models import backend
from stormcnn.models.architecture import build_network
from stormcnn.models.fields import hold_fields
from stormcnn.models.recipes import choose_recipe
from stormcnn.models.training import compile_network, fit_network, training_state

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from stormcnn.storms.patches import StoredFields
    from stormcnn.vocabulary import Array


class Trainer:
    """Trains a network of one architecture with different seeds.

    Parameters: `fields` and `event` of the storms of the training period; `scaling`, a table with
    `mean` and `std` of each variable; `architecture` and `training`, settings of the network and
    of the block `training`; `memory_mb`, see `hold_fields`; `code`, a digest of the code; `seeds`,
    with which it can train.
    `fields` holds the fields of the storms in memory or on disk.
    """

    def __init__(
        self,
        fields: StoredFields,
        event: Array,
        scaling: pd.DataFrame,
        architecture: Mapping[str, Any],
        training: Mapping[str, Any],
        memory_mb: int | None,
        code: str,
        seeds: Iterable[int],
    ) -> None:
        backend.prepare(training["threads"], seed=0)  # each training sets its own seed
        self.fields = hold_fields(fields, memory_mb)
        self._event = event
        self._scales = scaling["mean"].tolist(), scaling["std"].tolist()
        self._architecture, self._training = architecture, training
        self._version = f"{code}, {training['threads']} threads"
        self._checkpoints: list[Path] = []
        self._network: keras.Model
        # Setting a seed makes TensorFlow forget what it has optimized, and optimizing the training
        # step again takes as long as many steps. So all seeds are used before the first training.
        self._initial = {seed: self._draw_state(seed) for seed in seeds}

    def train(
        self, seed: int, checkpoint: Path, storms: int | None = None
    ) -> tuple[keras.Model, pd.DataFrame]:
        """Return the network trained with `seed`, and its history.

        It is trained on the first `storms` storms, or on all. An interrupted training is resumed
        from the file `checkpoint`. The next training changes the same network, because tracing
        another one takes as long as many training steps.
        """
        event = self._event[:storms]
        network = self._network
        for variable, value in zip(training_state(network), self._initial[seed], strict=True):
            variable.assign(value)
        self._checkpoints.append(checkpoint)
        recipe = choose_recipe(self._training, event.size)
        history = fit_network(network, self.fields, event, recipe, seed, checkpoint, self._version)
        return network, history

    def _draw_state(self, seed: int) -> list[Array]:
        """Return the state of an untrained network, with the weights that `seed` draws."""
        backend.start_over(seed)
        self._network = build_network(self._architecture, self.fields.shape[1:3], *self._scales)
        compile_network(self._network)
        return [variable.numpy() for variable in training_state(self._network)]

    def remove_checkpoints(self) -> None:
        """Remove the checkpoints of all trainings, when all their results have been written."""
        for checkpoint in self._checkpoints:
            # A job that outlived an earlier workflow may have removed the file already.
            checkpoint.unlink(missing_ok=True)
