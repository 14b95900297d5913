"""Train networks, with a checkpoint after each epoch."""

from __future__ import annotations

import json
import logging
import time
import zlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import keras
import numpy as np
import pandas as pd

from stormcnn.errors import UserError
from stormcnn.io import replacing
from stormcnn.models.fields import Fields, read_ahead
from stormcnn.models.recipes import Recipe, learning_rates
from stormcnn.provenance import digest, library_versions

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array, StrPath

logger = logging.getLogger(__name__)


def shuffled_batches(storms: int, batch_size: int, seed: int, epoch: int) -> list[Array]:
    """Return the indices of the storms in each batch of an epoch, counted from 0.

    The order depends only on the seed and the epoch, so it is the same on every backend and after
    training has been resumed.

    >>> [len(batch) for batch in shuffled_batches(storms=10, batch_size=4, seed=0, epoch=0)]
    [4, 4, 2]
    """
    order = np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(storms)
    return [order[start : start + batch_size] for start in range(0, storms, batch_size)]


def training_state(network: keras.Model) -> list[keras.Variable]:
    """Return all variables that a training changes.

    They are the weights and the states of the random generators of the dropout layers and of the
    optimizer.
    """
    generators = (getattr(layer, "seed_generator", None) for layer in network.layers)
    states = [generator.state for generator in generators if generator]
    return [*network.weights, *states, *network.optimizer.variables]


class _Checkpoint:
    """A file with the state of the training after an epoch.

    It is one archive, which is replaced atomically, with the weights, the state of the optimizer
    and of the random generators of the dropout layers, and the history. It is valid only for the
    training identified by `key`.
    """

    def __init__(self, path: Path, key: str, network: keras.Model) -> None:
        self.path, self.key = path, key
        self.state = training_state(network)

    def restore(self) -> list[dict[str, float]]:
        """Restore the state after the last completed epoch and return the rows of its history.

        A file that is damaged or belongs to another training is ignored.
        """
        try:
            with np.load(self.path) as archive:
                if str(archive["key"]) != self.key:
                    logger.info(
                        "%s belongs to another training. Starting from the first epoch.", self.path
                    )
                    return []
                values = [archive[f"state_{number}"] for number in range(len(self.state))]
                rows: list[dict[str, float]] = json.loads(str(archive["history"]))
        except FileNotFoundError:
            return []
        except (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error) as error:
            logger.warning(
                "%s cannot be read (%s). Starting from the first epoch.", self.path, error
            )
            return []
        for variable, value in zip(self.state, values, strict=True):
            variable.assign(value)
        logger.info("Resuming training after epoch %d.", len(rows))
        return rows

    def save(self, rows: list[dict[str, float]]) -> None:
        """Save the current state, with the rows of the history."""
        state = {f"state_{number}": variable.numpy() for number, variable in enumerate(self.state)}
        with replacing(self.path) as temporary, open(temporary, "wb") as stream:
            np.savez(stream, key=self.key, history=json.dumps(rows), **state)


def _training_key(
    network: keras.Model, event: Array, recipe: Recipe, seed: int, version: str
) -> str:
    """Return a digest of everything that a training depends on.

    The scaling is part of the configuration of the layers.
    """
    layers = [layer.get_config() for layer in network.layers]
    versions = library_versions() | {"backend": keras.config.backend(), "version": version}
    return digest([layers, np.packbits(event).tobytes().hex(), asdict(recipe), seed, versions])


def fit_epoch(
    network: keras.Model,
    patches: Fields,
    event: Array,
    batches: Sequence[Array],
    rates: Array,
) -> float:
    """Train on each batch in turn, each with its learning rate, and return the mean loss.

    `event` has shape (storm, 1), as the network's output; `batches` holds indices of storms.
    This replaces `fit` of Keras, whose threads block each other if all cores are busy, as they are
    with one job per core; an epoch then takes up to 50 % longer.
    Raises `UserError` if the loss is not finite.
    """
    losses = []
    for batch, fields, rate in zip(batches, read_ahead(patches, batches), rates, strict=True):
        network.optimizer.learning_rate = rate
        losses.append(float(network.train_on_batch(fields, event[batch])))
        if not np.isfinite(losses[-1]):
            raise UserError(
                f"training.learning_rate: the training loss is not finite (got {losses[-1]}). "
                "Lower it, or the network's regularizer."
            )
    return float(np.average(losses, weights=[len(batch) for batch in batches]))


def compile_network(network: keras.Model) -> None:
    """Compile `network` for `fit_network`, which sets the learning rate."""
    network.compile(optimizer=keras.optimizers.Adam(), loss="binary_crossentropy")
    network.optimizer.build(network.trainable_variables)  # creates the state to be saved


def _set_output_bias(network: keras.Model, event: Array) -> None:
    """Let an untrained network forecast about the event frequency instead of one half."""
    frequency = event.mean()
    network.get_layer("output").bias.assign([np.log(frequency / (1 - frequency))])


def fit_network(
    network: keras.Model,
    patches: Fields,
    event: Array,
    recipe: Recipe,
    seed: int,
    checkpoint: StrPath,
    version: str = "",
) -> pd.DataFrame:
    """Train `network` in place and return its history.

    A network that `compile_network` has not compiled is compiled first. It is trained with Adam
    (Kingma and Ba 2015) on the binary cross-entropy plus its weight penalty. The state is saved to
    `checkpoint` after each epoch. If that file holds the state of the same training, it is resumed
    and ends with the same weights.

    Parameters: `patches`, shape (storm, y, x, variable), in physical units; `event`, shape
    (storm,); `seed` of the order of storms; `checkpoint`, the path of a file; `version`, whatever
    else may change the weights, such as a digest of the code, so that it resumes no training.
    Returns a table with one row per epoch: `epoch` (from 1), `loss` (penalty included, averaged
    over the storms) and `seconds`.
    Raises `UserError` if the loss is not finite.
    """
    if not network.compiled:
        compile_network(network)
    key = _training_key(network, event, recipe, seed, version)
    saved = _Checkpoint(Path(checkpoint), key, network)
    rows = saved.restore()
    if recipe.output_bias and not rows:
        _set_output_bias(network, event)
    label = event.astype(np.float32)[:, np.newaxis]  # the shape of the network's output
    steps = recipe.steps_per_epoch(len(event))
    rates = learning_rates(recipe, recipe.epochs * steps)
    for epoch in range(len(rows), recipe.epochs):
        start = time.perf_counter()
        batches = shuffled_batches(len(event), recipe.batch_size, seed, epoch)
        loss = fit_epoch(network, patches, label, batches, rates[epoch * steps :][:steps])
        seconds = time.perf_counter() - start
        logger.info("Epoch %d of %d: loss %.4f, %.1f s.", epoch + 1, recipe.epochs, loss, seconds)
        rows.append({"epoch": epoch + 1, "loss": loss, "seconds": round(seconds, 3)})
        saved.save(rows)
    return pd.DataFrame(rows)
