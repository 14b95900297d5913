"""Fit a network to storms whose future is known."""

from __future__ import annotations

import json
import logging
import os
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import keras
import numpy as np
import pandas as pd

from stormcnn.errors import UserError
from stormcnn.io import replacing
from stormcnn.models.fields import Fields, read_ahead
from stormcnn.provenance import digest, library_versions

logger = logging.getLogger(__name__)

FAST = {"epochs": 4, "batch_size": 128, "learning_rate": 0.006}
"""What the recipe `fast` sets; its learning rate is the highest, reached after a fifth of it."""


def shuffled_batches(storms: int, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Positions of the storms of each batch, in an order that depends on seed and epoch alone.

    So an epoch, the first of which is 0, is the same whether the epochs before it ran in this
    process or in an earlier one, and on every backend.
    """
    order = np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(storms)
    return [order[start : start + batch_size] for start in range(0, storms, batch_size)]


class _Checkpoint:
    """A file that keeps after each epoch all that the next one needs.

    One archive holds everything, so that it is whole or absent: the weights, the state of the
    optimiser and of the dropout layers' random generators, and the history. It is of use for the
    same `training` alone, which its `key` tells.
    """

    def __init__(self, path: Path, key: str, network: keras.Model) -> None:
        generators = (getattr(layer, "seed_generator", None) for layer in network.layers)
        states = [generator.state for generator in generators if generator]
        self.path, self.key = path, key
        self.state = [*network.weights, *states, *network.optimizer.variables]

    def restore(self) -> list[dict[str, float]]:
        """Put the network where the last epoch left it and return the rows of its history."""
        try:
            with np.load(self.path) as kept:
                if str(kept["key"]) != self.key:
                    logger.info("%s is of another training: starting anew", self.path)
                    return []
                values = [kept[f"state_{number}"] for number in range(len(self.state))]
                rows: list[dict[str, float]] = json.loads(str(kept["history"]))
        except FileNotFoundError:
            return []
        except (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error) as error:
            logger.warning("%s cannot be read (%s): starting anew", self.path, error)
            return []
        for variable, value in zip(self.state, values, strict=True):
            variable.assign(value)
        logger.info("going on after epoch %d", len(rows))
        return rows

    def keep(self, rows: list[dict[str, float]]) -> None:
        """Keep the network as it is now, with the rows of its history."""
        state = {
            f"state_{number}": keras.ops.convert_to_numpy(variable)
            for number, variable in enumerate(self.state)
        }
        with replacing(self.path) as temporary, open(temporary, "wb") as stream:
            np.savez(stream, key=self.key, history=json.dumps(rows), **state)


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


def _fit_epoch(
    network: keras.Model, patches: Fields, event: np.ndarray, batches: Sequence[np.ndarray]
) -> float:
    """Train on each batch in turn and return the mean loss of their storms.

    Not by Keras's `fit`: the threads that hand over its batches wait for each other where all
    cores are at work, as with a job on each, and an epoch takes up to a half longer. Raises
    `UserError` at a loss that is not a finite number.
    """
    losses = []
    for batch, fields in zip(batches, read_ahead(patches, batches), strict=True):
        losses.append(float(network.train_on_batch(fields, event[batch])))
        if not np.isfinite(losses[-1]):
            raise UserError(
                "The loss is no longer a finite number. "
                "Lower training.learning_rate or the model's regularizer."
            )
    return float(np.average(losses, weights=[len(batch) for batch in batches]))


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
    network's weight penalty; `loss` is their sum, averaged over the storms of the epoch.

    After each epoch the state of the training is kept in the file `checkpoint`; where that holds
    an earlier, broken-off training of the same, this one goes on from there and ends with the same
    weights. Raises `UserError` where the loss is no longer a finite number.
    """
    if training["recipe"] == "fast":
        training = {**training, **FAST}
    steps = training["epochs"] * -(-len(event) // training["batch_size"])
    network.compile(
        optimizer=keras.optimizers.Adam(learning_rate=_learning_rate(training, steps)),
        loss="binary_crossentropy",
    )
    network.optimizer.build(network.trainable_variables)  # its state belongs to the checkpoint
    kept = _Checkpoint(Path(checkpoint), _training_key(network, event, training, seed), network)
    rows = kept.restore()
    happened = event.astype(np.float32)[:, np.newaxis]  # shape of the network's output
    epochs = training["epochs"]
    for epoch in range(len(rows), epochs):
        start = time.perf_counter()
        batches = shuffled_batches(len(event), training["batch_size"], seed, epoch)
        loss = _fit_epoch(network, patches, happened, batches)
        seconds = time.perf_counter() - start
        logger.info("epoch %d of %d: loss %.4f, %.1f s", epoch + 1, epochs, loss, seconds)
        rows.append({"epoch": epoch + 1, "loss": loss, "seconds": round(seconds, 3)})
        kept.keep(rows)
    return pd.DataFrame(rows)


def predict_probability(network: keras.Model, patches: Fields, batch: int = 256) -> np.ndarray:
    """Probability of the event for each storm, shape (storm,), without dropout.

    Batches all have one size (the last is filled up and cut), so that a storm's probability does
    not depend on how many storms are asked for. Raises `UserError` where the network takes
    patches of another size or another number of variables.
    """
    if network.input_shape[1:] != patches.shape[1:]:
        wanted, given = (
            " x ".join(map(str, shape[1:])) for shape in (network.input_shape, patches.shape)
        )
        raise UserError(
            f"The network takes patches of {wanted} (grid points, grid points, variables), but "
            f"these have {given}. Give run files like those that it was trained on."
        )
    probability = np.empty(len(patches), np.float32)
    for start in range(0, len(patches), batch):
        part = patches[start : start + batch]
        filled = np.concatenate([part, np.zeros((batch - len(part), *part.shape[1:]), part.dtype)])
        probability[start : start + batch] = network.predict_on_batch(filled)[: len(part), 0]
    return probability
