"""Apply a network to storms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stormcnn.errors import UserError

if TYPE_CHECKING:
    import keras

    from stormcnn.models.fields import Fields
    from stormcnn.vocabulary import Array


def predict_probability(network: keras.Model, fields: Fields, batch: int = 256) -> Array:
    """Return the probability of the event for each storm, shape (storm,), without dropout.

    `fields` has shape (storm, y, x, variable) and physical units. All batches have the same size
    (the last one is padded with zeros), so the probability of a storm does not depend on the
    other storms.
    Raises `UserError` if the network takes patches of another size or number of variables.
    """
    if network.input_shape[1:] != fields.shape[1:]:
        expected, actual = (
            " x ".join(map(str, shape[1:])) for shape in (network.input_shape, fields.shape)
        )
        raise UserError(
            f"The network takes patches of {expected} (y, x, variable), but the storms have "
            f"{actual}. Use run files like those that the network was trained on."
        )
    probability = np.empty(len(fields), np.float32)
    for start in range(0, len(fields), batch):
        part = fields[start : start + batch]
        padded = np.concatenate([part, np.zeros((batch - len(part), *part.shape[1:]), part.dtype)])
        probability[start : start + batch] = network.predict_on_batch(padded)[: len(part), 0]
    return probability
