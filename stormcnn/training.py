"""Fit a network to storms whose future is known."""

from __future__ import annotations

import json
import logging
import os
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from stormcnn.files import digest, library_versions, replacing

if TYPE_CHECKING:
    from stormcnn.patches import Fields

logger = logging.getLogger(__name__)

FAST = {"epochs": 4, "batch_size": 128, "learning_rate": 0.006}
"""What the recipe `fast` sets; its learning rate is the highest, reached after a fifth of it."""


class ShuffledStorms(keras.utils.PyDataset):
    """Batches of storms in an order that depends on the seed and the epoch alone.

    So an epoch is the same whether the epochs before it ran in this process or in an earlier one,
    and on every backend.
    """

    def __init__(
        self, patches: Fields, event: np.ndarray, batch_size: int, seed: int, epoch: int = 0
    ) -> None:
        super().__init__()
        self.patches = patches
        self.event = event.astype(np.float32)[:, np.newaxis]
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = epoch
        self._shuffle()

    def _shuffle(self) -> None:
        generator = np.random.Generator(np.random.Philox(key=[self.seed, self.epoch]))
        self.order = generator.permutation(len(self.event))

    def __len__(self) -> int:
        return -(-len(self.event) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return self.patches[chosen], self.event[chosen]

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch."""
        self.epoch += 1
        self._shuffle()


class _Progress(keras.callbacks.Callback):
    """Keep the loss and the seconds of each epoch, and show a bar in the log."""

    def __init__(self, epochs: int, rows: list[dict[str, float]]) -> None:
        super().__init__()
        self.bar = tqdm(total=epochs, initial=len(rows), unit="epoch", mininterval=5)
        self.rows = rows

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        seconds = time.perf_counter() - self.start
        row = {"epoch": epoch + 1, **(logs or {}), "seconds": round(seconds, 3)}
        self.rows.append(row)
        self.bar.set_postfix(loss=f"{row['loss']:.4f}")
        self.bar.update()
        logger.info("epoch %d: loss %.4f, %.1f s", epoch + 1, row["loss"], seconds)


class _Checkpoint(keras.callbacks.Callback):
    """After each epoch, keep in a file all that the next one needs.

    One archive holds everything, so that it is whole or absent: the weights, the state of the
    optimiser and of the dropout layers' random generators, and the history. It is of use for the
    same `training` alone, which its `key` tells.
    """

    def __init__(self, path: Path, key: str, rows: list[dict[str, float]]) -> None:
        super().__init__()
        self.path, self.key, self.rows = path, key, rows

    def _state(self) -> list[Any]:
        generators = (getattr(layer, "seed_generator", None) for layer in self.model.layers)
        states = [generator.state for generator in generators if generator]
        return [*self.model.weights, *states, *self.model.optimizer.variables]

    def restore(self, network: keras.Model) -> None:
        """Put `network` and the rows of the history where the last epoch left them."""
        self.set_model(network)
        network.optimizer.build(network.trainable_variables)
        try:
            with np.load(self.path) as kept:
                if str(kept["key"]) != self.key:
                    logger.info("%s is of another training: starting anew", self.path)
                    return
                values = [kept[f"state_{number}"] for number in range(len(self._state()))]
                rows = json.loads(str(kept["history"]))
        except FileNotFoundError:
            return
        except (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error) as error:
            logger.warning("%s cannot be read (%s): starting anew", self.path, error)
            return
        for variable, value in zip(self._state(), values, strict=True):
            variable.assign(value)
        self.rows += rows
        logger.info("going on after epoch %d", len(rows))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        state = {
            f"state_{number}": keras.ops.convert_to_numpy(variable)
            for number, variable in enumerate(self._state())
        }
        with replacing(self.path) as temporary, open(temporary, "wb") as stream:
            np.savez(stream, key=self.key, history=json.dumps(self.rows), **state)


def _training_key(
    network: keras.Model, event: np.ndarray, training: Mapping[str, Any], seed: int
) -> str:
    """Digest of what a training depends on: layers (which hold the scaling), data and settings."""
    layers = [layer.get_config() for layer in network.layers]
    versions = library_versions() | {"backend": keras.config.backend()}
    return digest([layers, np.packbits(event).tobytes().hex(), dict(training), seed, versions])


def _learning_rate(training: Mapping[str, Any], steps: int) -> Any:
    """The learning rate, or its course: one rise and one fall (Smith and Topin 2019)."""
    highest = training["learning_rate"]
    if training["recipe"] == "lesson":
        return highest
    rise = steps // 5
    return keras.optimizers.schedules.CosineDecay(
        highest / 25, steps - rise, warmup_target=highest, warmup_steps=rise
    )


def fit_network(
    network: keras.Model,
    patches: Fields,
    event: np.ndarray,
    training: Mapping[str, Any],
    seed: int,
    checkpoint: str | os.PathLike[str],
) -> pd.DataFrame:
    """Train `network` in place and return its history: a row an epoch, `epoch,loss,seconds`.

    `patches` has shape (storm, y, x, variable) and physical units, `event` shape (storm,).
    `training` gives `recipe`, `epochs`, `batch_size` and `learning_rate`, of which the recipe
    `fast` sets the last three. Adam (Kingma & Ba 2015) lowers the binary cross-entropy plus the
    network's weight penalty; `loss` is their sum averaged over the epoch, as Keras prints it.

    After each epoch the state of the training is kept in the file `checkpoint`; where that holds
    an earlier, broken-off training of the same, this one goes on from there and ends with the same
    weights. Raises `ValueError` where the loss is no longer a number.
    """
    if training["recipe"] == "fast":
        training = {**training, **FAST}
    steps = training["epochs"] * -(-len(event) // training["batch_size"])
    network.compile(
        optimizer=keras.optimizers.Adam(learning_rate=_learning_rate(training, steps)),
        loss="binary_crossentropy",
    )
    rows: list[dict[str, float]] = []
    key = _training_key(network, event, training, seed)
    keeper = _Checkpoint(Path(checkpoint), key, rows)
    keeper.restore(network)
    done = len(rows)
    network.fit(
        ShuffledStorms(patches, event, training["batch_size"], seed, epoch=done),
        initial_epoch=done,
        epochs=training["epochs"],
        shuffle=False,
        verbose=0,
        callbacks=[
            _Progress(training["epochs"], rows),
            keras.callbacks.TerminateOnNaN(),
            keeper,
        ],
    )
    history = pd.DataFrame(rows)
    if not np.isfinite(history["loss"]).all():
        raise ValueError(
            f"The loss is no longer a number in epoch {len(history)}. "
            "Lower training.learning_rate or the model's regularizer."
        )
    return history


def predict_probability(network: keras.Model, patches: Fields, batch: int = 256) -> np.ndarray:
    """Probability of the event for each storm, shape (storm,), without dropout.

    Batches all have one size (the last is filled up and cut), so that a storm's probability does
    not depend on how many storms are asked for. Raises `ValueError` where the network takes
    patches of another size or another number of variables.
    """
    if network.input_shape[1:] != patches.shape[1:]:
        wanted, given = (
            " x ".join(map(str, shape[1:])) for shape in (network.input_shape, patches.shape)
        )
        raise ValueError(
            f"The network takes patches of {wanted} (grid points, grid points, variables), but "
            f"these have {given}. Give run files like those that it was trained on."
        )
    probability = np.empty(len(patches), np.float32)
    for start in range(0, len(patches), batch):
        part = patches[start : start + batch]
        filled = np.concatenate([part, np.zeros((batch - len(part), *part.shape[1:]), part.dtype)])
        probability[start : start + batch] = network.predict_on_batch(filled)[: len(part), 0]
    return probability
