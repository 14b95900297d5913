"""Monte Carlo dropout with coherent members.

A member is one sub-network: its masks are drawn once and serve every storm, so the members'
probabilities of several storms may be added up. A mask depends on the seed, the member and the
dropout layer alone, and is the same on every backend; so results depend neither on the order of
the storms nor on how they are split over jobs.

Monte Carlo dropout: Gal & Ghahramani (2016).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers, ops

from stormcnn.errors import UserError
from stormcnn.models import backend
from stormcnn.sampling.masks import draw_mask

if TYPE_CHECKING:
    from stormcnn.models.fields import Fields

Tensor = Any
"""A tensor of whichever backend Keras uses."""

DROPOUT_LAYERS = (layers.Dropout, layers.SpatialDropout2D)
POOLED: dict[type[keras.Layer], Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    layers.AveragePooling2D: lambda a, b, c, d: (a + b + c + d) / 4,
    layers.MaxPooling2D: lambda a, b, c, d: ops.maximum(ops.maximum(a, b), ops.maximum(c, d)),
}
"""What a pooling makes of the four corners."""


def dropout_layers(network: keras.Model) -> list[keras.Layer]:
    """The network's dropout layers with a rate above 0, in order."""
    return [
        layer for layer in network.layers if isinstance(layer, DROPOUT_LAYERS) and layer.rate > 0
    ]


def draw_masks(
    network: keras.Model, seed: int, members: Sequence[int] | range
) -> dict[str, np.ndarray]:
    """Masks of the given members by dropout layer: 0 where dropped, 1 / (1 - rate) where kept.

    Shape (member, channel) for spatial dropout, which drops whole channels, and (member, ...)
    with the layer's full shape for plain dropout.
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
    """Computes the members' probabilities of storms, sharing what dropout does not touch.

    Up to the first dropout layer nothing is random, so that part runs once a storm. Where this
    layer is spatial and a convolution follows it, the convolution of a masked input is the masked
    sum of each channel's own contribution: the contributions are computed once a storm, and the
    second convolution of all members is one matrix product, with which activation and pooling are
    computed as well. The rest runs for every member.
    """

    def __init__(self, network: keras.Model, members: int, seed: int) -> None:
        names = [layer.name for layer in dropout_layers(network)]
        if not names:
            raise UserError(
                "This network has no dropout, so its members would all be the same. Name models "
                "with dropout in uncertainty.models."
            )
        self.members = members
        self.masks = draw_masks(network, seed, range(members))
        sequence = network.layers[1:]  # the first is the input
        first = next(i for i, layer in enumerate(sequence) if layer.name == names[0])
        self._sample = SharedMembers(sequence[:first], names[0], sequence[first + 1 :])

    def probabilities(self, patches: np.ndarray, members: slice = slice(None)) -> np.ndarray:
        """Probabilities of the given members, shape (storm, member), for patches in physical units.

        Memory grows with storms times members: give few of one or of the other.
        """
        masks = {name: mask[members] for name, mask in self.masks.items()}
        return np.asarray(self._sample.predict_on_batch({"patch": patches, **masks}))

    def batches(self, patches: Fields, at_once: int = 1024) -> Iterator[tuple[slice, np.ndarray]]:
        """All members' probabilities, a few storms at a time: (which storms, (storm, member)).

        Up to `at_once` members are computed at once: all those of 1 to 16 storms, or, where a storm
        has more, those of one in equal parts. Missing storms are filled up. So memory does not grow
        with how many there are, and a storm's members do not depend on the other storms.
        """
        members = -(-self.members // -(-self.members // at_once))
        storms = max(1, min(16, at_once // members))
        for start in range(0, len(patches), storms):
            part = patches[start : start + storms]
            filled = np.zeros((storms, *part.shape[1:]), np.float32)
            filled[: len(part)] = part
            probability = np.empty((len(part), self.members), np.float32)
            for low in range(0, self.members, members):
                high = min(low + members, self.members)
                # The window slides back at the end, so every call has the same shape.
                begin = high - members
                values = self.probabilities(filled, slice(begin, high))
                probability[:, low:high] = values[: len(part), low - begin :]
            yield slice(start, start + len(part)), probability


class SharedMembers(keras.Model):
    """The network with its masks as inputs: (storm, ...) and (member, ...) to (storm, member)."""

    def __init__(self, trunk: list[keras.Layer], first: str, rest: list[keras.Layer]) -> None:
        super().__init__()
        self.trunk, self.first, self.rest = trunk, first, rest
        self.compile()

    def call(self, inputs: dict[str, Tensor]) -> Tensor:
        """Probabilities (storm, member) of `patch` (storm, ...) with masks (member, ...)."""
        x = inputs["patch"]
        for layer in self.trunk:
            x = layer(x)
        mask = inputs[self.first]
        storms, members = ops.shape(x)[0], ops.shape(mask)[0]
        rest = list(self.rest)
        if at_once := len(mask.shape) == 2 and _layers_at_once(rest):
            x = _convolve_members(x, mask, *rest[:at_once])
            rest = rest[at_once:]
        else:
            x = _each_member(ops.expand_dims(x, 1), mask)
        for layer in rest:
            if layer.name in inputs:
                x = _each_member(
                    ops.reshape(x, (storms, members, *x.shape[1:])), inputs[layer.name]
                )
            elif not isinstance(layer, DROPOUT_LAYERS):
                x = layer(x)
        return ops.reshape(x, (storms, members))


def _each_member(x: Tensor, mask: Tensor) -> Tensor:
    """Mask (storm, 1 or member, ...) by (member, ...); give (storm * member, ...)."""
    if len(mask.shape) == 2 and len(x.shape) == 5:  # one value a channel
        mask = ops.expand_dims(ops.expand_dims(mask, 1), 1)
    masked = x * mask
    return ops.reshape(masked, (-1, *masked.shape[2:]))


def _layers_at_once(rest: Sequence[keras.Layer]) -> int:
    """How many of the layers after a dropout can be computed at once: 3, 1 or 0.

    A convolution alone, or one with its activation and the pooling over 2 x 2 grid points.
    """
    if not isinstance(rest[0], layers.Conv2D):
        return 0
    if len(rest) < 3 or not isinstance(rest[1], layers.Activation):
        return 1
    pooling: Any = rest[2]
    usual = ((2, 2), (2, 2), "valid")
    if type(pooling) not in POOLED or (
        (tuple(pooling.pool_size), tuple(pooling.strides), pooling.padding) != usual
    ):
        return 1
    return 3


def _convolve_members(
    x: Tensor,
    mask: Tensor,
    convolution: layers.Conv2D,
    activation: layers.Activation | None = None,
    pooling: keras.Layer | None = None,
) -> Tensor:
    """Convolution of `x` (storm, y, x, channel) masked by (member, channel), for every pair.

    A depthwise convolution with the same kernel gives each input channel's contribution to each
    filter; a member's result is its mask times these. The bias counts as one more channel, which
    every member keeps. Where a pooling follows, the points are first sorted by their corner of the
    2 x 2, so that pooling combines four long rows; this, the activation and the product are fused.
    Gives shape (storm * member, y, x, filter).
    """
    height, width, channels = x.shape[1:]
    filters = convolution.filters
    side = 2 if pooling else 1
    height, width = height // side, width // side
    parts = ops.depthwise_conv(x, convolution.kernel, padding=convolution.padding)
    parts = parts[:, : height * side, : width * side]
    parts = ops.reshape(parts, (-1, height, side, width, side, channels, filters))
    parts = ops.transpose(parts, (0, 5, 2, 4, 1, 3, 6))
    points = side**2 * height * width
    parts = ops.reshape(parts, (-1, channels, points * filters))
    bias = ops.tile(convolution.bias, points)
    bias = ops.broadcast_to(bias, (ops.shape(parts)[0], 1, points * filters))
    parts = ops.concatenate([parts, bias], axis=1)
    mask = ops.pad(mask, ((0, 0), (0, 1)), constant_values=1)

    def combine(mask: Tensor, parts: Tensor) -> Tensor:
        convolved = ops.matmul(mask, parts)
        if activation is None or pooling is None:
            return convolved
        corners = ops.reshape(convolved, (-1, side**2, height * width, filters))
        corners = activation(corners)
        return POOLED[type(pooling)](*(corners[:, corner] for corner in range(side**2)))

    combined = backend.fused(combine) if pooling else combine
    return ops.reshape(combined(mask, parts), (-1, height, width, filters))
