"""Attributions: how much each value of a storm's fields changes the log odds of the event.

Integrated gradients (Sundararajan et al. 2017) add up the gradient of the log odds along the
straight path from a reference, the mean of each predictor over the training period, to the storm,
and multiply it by the departure of the storm from the reference. The sum over all values is then
the difference of the log odds between the two, which is checked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np
from keras import ops

from stormcnn.errors import UserError
from stormcnn.explanation.completeness import TOLERANCE, completeness_error
from stormcnn.sampling.sampler import DROPOUT_LAYERS

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array

Tensor = Any
"""A tensor of the backend of Keras."""

DOUBLINGS = 4
"""How often the number of steps is doubled for storms whose attribution is not complete."""


class Attributions(NamedTuple):
    """Attributions of several storms.

    `values` (storm, y, x, variable) and `log_odds` (storm,), both natural logarithms; `reference`,
    the log odds of the reference fields; `steps` (storm,), how many points of the path were used.
    """

    values: Array
    log_odds: Array
    reference: float
    steps: Array


def average(parts: Sequence[Attributions]) -> Attributions:
    """Return the mean of the attributions by several members, with the largest number of steps."""
    return Attributions(
        np.mean([part.values for part in parts], axis=0),
        np.mean([part.log_odds for part in parts], axis=0),
        float(np.mean([part.reference for part in parts])),
        np.max([part.steps for part in parts], axis=0),
    )


def log_odds_function(network: keras.Model) -> Callable[[Tensor, Mapping[str, Tensor]], Tensor]:
    """Return the function that computes the log odds (storm,) of patches (storm, y, x, variable).

    It is the network without its last layer, the sigmoid. The second argument has masks without a
    dimension for storms by name of the dropout layer, as `sampler.draw_masks` returns for one
    member; dropout layers without a mask are left out.
    """

    def log_odds(patches: Tensor, masks: Mapping[str, Tensor]) -> Tensor:
        x = patches
        for layer in network.layers[1:-1]:
            if layer.name in masks:
                x = x * masks[layer.name]
            elif not isinstance(layer, DROPOUT_LAYERS):
                x = layer(x)
        return x[:, 0]

    return log_odds


def gradient_of(
    function: Callable[[Tensor, Mapping[str, Tensor]], Tensor],
) -> Callable[[Tensor, Mapping[str, Tensor]], Tensor]:
    """Return the gradient of a function of storms with respect to its first argument.

    The value of each storm must not depend on the others. Raises `UserError` for backends of Keras
    other than TensorFlow and JAX.
    """
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        def gradient(x: Tensor, constants: Mapping[str, Tensor]) -> Tensor:
            with tf.GradientTape() as tape:
                tape.watch(x)
                values = function(x, constants)
            return tape.gradient(values, x)

        compiled: Callable[..., Tensor] = tf.function(gradient)
        return compiled
    if backend == "jax":
        import jax

        differentiated: Callable[..., Tensor] = jax.jit(
            jax.grad(lambda x, constants: ops.sum(function(x, constants)))
        )
        return differentiated
    raise UserError(
        f"KERAS_BACKEND must be tensorflow or jax to explain networks (got {backend}). Change it, "
        "or set explanation.models to []."
    )


class Attributor:
    """Integrated gradients of one network.

    >>> from stormcnn.models.architecture import build_network
    >>> architecture = {
    ...     "filters": [2], "kernel_size": 3, "activation": "relu", "pooling": "average"
    ... }
    >>> network = build_network(architecture, patch_size=(4, 4), mean=[0.0], std=[1.0])
    >>> fields = np.ones((1, 4, 4, 1), np.float32)
    >>> attributed = Attributor(network).attribute(fields, steps=4)
    >>> total = attributed.values.sum() + attributed.reference
    >>> bool(abs(total - attributed.log_odds[0]) < 0.01)
    True
    """

    def __init__(self, network: keras.Model) -> None:
        self._log_odds = log_odds_function(network)
        self._gradient = gradient_of(self._log_odds)
        mean = ops.convert_to_numpy(network.get_layer("scaling").mean)
        self._reference = np.broadcast_to(mean, (1, *network.input_shape[1:])).astype(np.float32)

    def attribute(
        self, fields: Array, steps: int, masks: Mapping[str, Array] | None = None
    ) -> Attributions:
        """Return the attributions of storms.

        `fields` (storm, y, x, variable) are in physical units. The integral is computed with
        Gauss-Legendre quadrature at `steps` points. If the sum misses the difference of the log
        odds by more than `TOLERANCE` (see `completeness_error`), twice as many points are used, at
        most `DOUBLINGS` times. `masks` are those of one Monte Carlo member.
        """
        constants = {
            name: ops.convert_to_tensor(mask[None]) for name, mask in (masks or {}).items()
        }
        log_odds = self._log_odds_of(fields, constants)
        reference = float(self._log_odds_of(self._reference, constants)[0])
        values = np.empty(fields.shape, np.float32)
        used = np.empty(len(fields), np.int64)
        for storm, field in enumerate(fields):
            for doubling in range(DOUBLINGS + 1):
                used[storm] = steps * 2**doubling
                values[storm] = self._integrate(field, int(used[storm]), steps, constants)
                total = values[storm].sum(dtype=np.float64)
                if completeness_error(total, log_odds[storm] - reference) <= TOLERANCE:
                    break
        return Attributions(values, log_odds, reference, used)

    def _log_odds_of(self, fields: Array, constants: Mapping[str, Tensor]) -> Array:
        parts = [
            ops.convert_to_numpy(
                self._log_odds(ops.convert_to_tensor(fields[start : start + 256]), constants)
            )
            for start in range(0, len(fields), 256)
        ]
        return np.concatenate(parts).astype(np.float64)

    def _integrate(
        self, field: Array, points: int, at_once: int, constants: Mapping[str, Tensor]
    ) -> Array:
        """Return the integrated gradients of one storm (y, x, variable)."""
        node, weight = np.polynomial.legendre.leggauss(points)
        position, weight = ((node + 1) / 2).astype(np.float32), weight / 2
        departure = field[None] - self._reference
        mean = np.zeros(field.shape)
        # Every call has the same shape, so that the gradient is compiled once.
        for start in range(0, points, at_once):
            part = slice(start, start + at_once)
            path = self._reference + position[part, None, None, None] * departure
            gradient = self._gradient(ops.convert_to_tensor(path), constants)
            mean += np.tensordot(weight[part], ops.convert_to_numpy(gradient), axes=1)
        return mean * departure[0]


def randomize(network: keras.Model, seed: int) -> keras.Model:
    """Return a copy of a network with random weights, for the test of Adebayo et al. (2018).

    Kernels are drawn uniformly within the limits of Glorot and Bengio (2010), as for an untrained
    network, and biases are 0. The scaling is kept. Draws are the same on every backend.
    """
    random = np.random.Generator(np.random.Philox(seed))
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    for weight in copy.trainable_weights:
        shape = tuple(weight.shape)
        if len(shape) < 2:
            weight.assign(np.zeros(shape, np.float32))
            continue
        fans = math.prod(shape[:-2]) * (shape[-2] + shape[-1])
        limit = math.sqrt(6 / fans)
        weight.assign(random.uniform(-limit, limit, shape).astype(np.float32))
    return copy
