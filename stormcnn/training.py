"""Fit a network to storms whose future is known."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

logger = logging.getLogger(__name__)


class ShuffledStorms(keras.utils.PyDataset):
    """Batches of storms in an order that depends on the seed and the epoch alone.

    So an epoch is the same whether the epochs before it ran in this process or in an earlier one,
    and on every backend.
    """

    def __init__(
        self, patches: np.ndarray, event: np.ndarray, batch_size: int, seed: int, epoch: int = 0
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

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.bar = tqdm(total=epochs, unit="epoch", mininterval=5)
        self.rows: list[dict[str, float]] = []

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        seconds = time.perf_counter() - self.start
        row = {"epoch": epoch + 1, **(logs or {}), "seconds": round(seconds, 3)}
        self.rows.append(row)
        self.bar.set_postfix(loss=f"{row['loss']:.4f}")
        self.bar.update()
        logger.info("epoch %d: loss %.4f, %.1f s", epoch + 1, row["loss"], seconds)


def fit_network(
    network: keras.Model,
    patches: np.ndarray,
    event: np.ndarray,
    training: Mapping[str, Any],
    seed: int,
) -> pd.DataFrame:
    """Train `network` in place and return its history: a row an epoch, `epoch,loss,seconds`.

    `patches` has shape (storm, y, x, variable) and physical units, `event` shape (storm,).
    `training` gives `epochs`, `batch_size` and `learning_rate`. Adam (Kingma & Ba 2015) lowers
    the binary cross-entropy plus the network's weight penalty; `loss` is their sum averaged over
    the epoch, as Keras prints it. Raises `ValueError` where the loss is no longer a number.
    """
    network.compile(
        optimizer=keras.optimizers.Adam(learning_rate=training["learning_rate"]),
        loss="binary_crossentropy",
    )
    progress = _Progress(training["epochs"])
    network.fit(
        ShuffledStorms(patches, event, training["batch_size"], seed),
        epochs=training["epochs"],
        shuffle=False,
        verbose=0,
        callbacks=[progress, keras.callbacks.TerminateOnNaN()],
    )
    history = pd.DataFrame(progress.rows)
    if not np.isfinite(history["loss"]).all():
        raise ValueError(
            f"The loss is no longer a number in epoch {len(history)}. "
            "Lower training.learning_rate or the model's regularizer."
        )
    return history


def predict_probability(network: keras.Model, patches: np.ndarray, batch: int = 256) -> np.ndarray:
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
