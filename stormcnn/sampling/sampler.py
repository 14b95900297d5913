"""Sample a network with Monte Carlo (MC) dropout, using the same sub-networks for every storm.

An MC member is one sub-network: its dropout masks are drawn once and applied to all storms, so
the probabilities that a member gives to several storms may be added up. A mask depends only on
the seed, the member and the dropout layer, and is the same on every backend of Keras. Results
therefore depend neither on the order of the storms nor on how they are split over jobs.

MC dropout: Gal and Ghahramani (2016).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers, ops

from stormcnn.errors import UserError
from stormcnn.sampling.convolution import (
    convolve_members,
    convolve_rows,
    is_faster_by_rows,
    take_block,
)
from stormcnn.sampling.masks import draw_mask

if TYPE_CHECKING:
    from stormcnn.models.fields import Fields
    from stormcnn.vocabulary import Array

Tensor = Any
"""A tensor of the backend of Keras."""

DROPOUT_LAYERS = (layers.Dropout, layers.SpatialDropout2D)


def dropout_layers(network: keras.Model) -> list[keras.Layer]:
    """Return the dropout layers of `network` whose rate is above 0, in order."""
    return [
        layer for layer in network.layers if isinstance(layer, DROPOUT_LAYERS) and layer.rate > 0
    ]


def draw_masks(network: keras.Model, seed: int, members: Sequence[int] | range) -> dict[str, Array]:
    """Return the masks of some MC members, by name of the dropout layer.

    Values are 0 if dropped and 1 / (1 - rate) if kept. The shape is (mc_member, channel) for
    spatial dropout, which drops whole channels, and (mc_member, *shape of the layer) for plain
    dropout.
    """
    masks = {}
    for number, layer in enumerate(dropout_layers(network)):
        spatial = isinstance(layer, layers.SpatialDropout2D)
        shape = layer.output.shape[-1:] if spatial else layer.output.shape[1:]
        drawn = np.empty((len(members), *shape), np.float32)
        for row, member in enumerate(members):
            drawn[row] = draw_mask([seed, member, number], shape, layer.rate)
        masks[layer.name] = drawn
    return masks


class MemberSampler:
    """Compute the probabilities that the MC members of a network give to storms.

    Layers before the first dropout are deterministic and are computed once per storm. If the
    first dropout is spatial and a convolution follows it, the convolution is computed once per
    storm as well: the convolution of a masked input is the masked sum of the contributions of its
    channels, so for all members together it is one matrix product. All later layers are computed
    for every member.

    Parameters: the trained `network`; the number of MC `members`; the `seed` of the masks.
    Raises `UserError` if the network has no dropout.

    >>> from stormcnn.models.architecture import build_network
    >>> architecture = {
    ...     "filters": [2],
    ...     "kernel_size": 3,
    ...     "activation": "relu",
    ...     "pooling": "average",
    ...     "spatial_dropout": 0.5,
    ... }
    >>> network = build_network(architecture, patch_size=(4, 4), mean=[0.0], std=[1.0])
    >>> sampler = MemberSampler(network, members=5, seed=0)
    >>> sampler.probabilities(np.ones((3, 4, 4, 1), np.float32)).shape
    (3, 5)
    """

    def __init__(self, network: keras.Model, members: int, seed: int) -> None:
        names = [layer.name for layer in dropout_layers(network)]
        if not names:
            raise UserError(
                "uncertainty.models: this network has no dropout, so all its MC members would be "
                "identical. List only networks with dropout."
            )
        self.members, self.seed = members, seed
        self.masks = draw_masks(network, seed, range(members))
        self._network = network
        sequence = network.layers[1:]  # without the input layer
        first = next(i for i, layer in enumerate(sequence) if layer.name == names[0])
        self._masked = MaskedNetwork(sequence[:first], names[0], sequence[first + 1 :])

    def replace_network(self, network: keras.Model, seed: int) -> None:
        """Sample another network with the same layers but other weights, and with other masks.

        The network that is sampled now takes over its weights. What was compiled for it is kept,
        because compiling takes as long as sampling about a hundred storms.
        """
        self.seed = seed
        self.masks = draw_masks(self._network, seed, range(self.members))
        self._network.set_weights(network.get_weights())

    def probabilities(self, fields: Array, members: slice = slice(None)) -> Array:
        """Return probabilities, shape (storm, mc_member), of some members (default: all).

        `fields` has shape (storm, y, x, variable) and physical units. Memory use grows with the
        number of storms times the number of members; `batches` limits it.
        """
        masks = {name: mask[members] for name, mask in self.masks.items()}
        return np.asarray(self._masked.predict_on_batch({"patch": fields, **masks}))

    def batches(self, fields: Fields, at_once: int = 1024) -> Iterator[tuple[slice, Array]]:
        """Yield the probabilities of all members for a few storms at a time.

        Each item is a slice of the storms and their probabilities, shape (storm, mc_member). At
        most `at_once` pairs of storm and member are computed in one call, and at most 16 storms;
        if one storm has more members than that, they are split into equal parts. All calls have
        the same shape (the last one is padded with zeros), so a storm's probabilities do not
        depend on the other storms, and memory use does not grow with the number of storms.
        """
        members = -(-self.members // -(-self.members // at_once))
        storms = max(1, min(16, at_once // members))
        for start in range(0, len(fields), storms):
            part = fields[start : start + storms]
            padded = np.zeros((storms, *part.shape[1:]), np.float32)
            padded[: len(part)] = part
            probability = np.empty((len(part), self.members), np.float32)
            for low in range(0, self.members, members):
                high = min(low + members, self.members)
                # The last window overlaps the one before it, so that every call has one shape.
                begin = high - members
                values = self.probabilities(padded, slice(begin, high))
                probability[:, low:high] = values[: len(part), low - begin :]
            yield slice(start, start + len(part)), probability


class MaskedNetwork(keras.Model):
    """A network that takes its dropout masks as inputs.

    It consists of the layers before the first dropout, the name of the first dropout, and the
    layers after it.
    """

    def __init__(self, before: list[keras.Layer], dropout: str, after: list[keras.Layer]) -> None:
        super().__init__()
        self.before, self.dropout, self.after = before, dropout, after
        self.compile()

    def call(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return probabilities (storm, mc_member).

        `inputs` holds `patch` (storm, y, x, variable) and, by name of the dropout layer, masks
        (mc_member, ...).
        """
        x = inputs["patch"]
        for layer in self.before:
            x = layer(x)
        mask = inputs[self.dropout]
        storms, members = ops.shape(x)[0], ops.shape(mask)[0]
        after = list(self.after)
        has_value_per_channel = len(mask.shape) == 2
        if has_value_per_channel and isinstance(after[0], layers.Conv2D):
            convolution, *following = take_block(after)
            next_mask = None
            if following and after[0].name in inputs:
                next_mask = inputs[after.pop(0).name]
            x = convolve_members(x, mask, convolution, *following, next_mask=next_mask)
        else:
            x = _apply_mask(ops.expand_dims(x, 1), mask)
        while after:
            if is_faster_by_rows(after[0], x):
                x = convolve_rows(x, *take_block(after))
                continue
            layer = after.pop(0)
            if layer.name in inputs:
                x = ops.reshape(x, (storms, members, *x.shape[1:]))
                x = _apply_mask(x, inputs[layer.name])
            elif not isinstance(layer, DROPOUT_LAYERS):
                x = layer(x)
        return ops.reshape(x, (storms, members))


def _apply_mask(x: Tensor, mask: Tensor) -> Tensor:
    """Multiply `x` (storm, 1 or mc_member, ...) by `mask` (mc_member, ...).

    Returns shape (storm * mc_member, ...).
    """
    if len(mask.shape) == 2 and len(x.shape) == 5:  # spatial dropout: one value per channel
        mask = ops.expand_dims(ops.expand_dims(mask, 1), 1)
    masked = x * mask
    return ops.reshape(masked, (-1, *masked.shape[2:]))
