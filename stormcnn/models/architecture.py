"""Build convolutional networks from their settings, and describe them.

Layers are named `scaling`, `conv_1`, `conv_2`, ..., `dense_1`, ..., `output`. An activation,
dropout or pooling layer has the name of its convolution or dense layer as a prefix, as in
`conv_1_dropout`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, regularizers

from stormcnn.errors import UserError

POOLING = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}
SMALL_WEIGHT = 1e-3
"""Kernel weights with a smaller absolute value count as small."""


def build_network(
    architecture: Mapping[str, Any],
    patch_size: tuple[int, ...],
    mean: Sequence[float],
    std: Sequence[float],
) -> keras.Model:
    """Build an untrained network.

    The network takes patches in physical units, shape (storm, y, x, variable), scales them, and
    returns the probability of the event, shape (storm, 1).

    Parameters: `architecture`, the settings of one network; each entry of `filters` adds a
    convolution with "same" padding, the activation, the dropout if there is one, and
    pooling over 2 x 2 grid points; `patch_size`, grid points in y and x; `mean` and `std` of each
    variable, in its unit.
    Raises `UserError` if the patches are too small for the number of poolings.

    Spatial dropout: Tompson et al. (2015); dropout: Srivastava et al. (2014). Values that are
    kept are divided by 1 - rate, so that their expectation does not change. Spatial dropout
    multiplies whole channels, so it commutes with the pooling and is applied after it, to a
    quarter of the values.

    >>> architecture = {
    ...     "filters": [8, 16, 32], "kernel_size": 5, "activation": "relu", "pooling": "average"
    ... }
    >>> network = build_network(architecture, (32, 32), mean=[22.0, 0.0, 1.0], std=[15.0, 5.0, 5.0])
    >>> measure_size(network)["trainable_parameters"]
    17169
    """
    filters = architecture["filters"]
    smallest = 2 ** len(filters)
    if min(patch_size) < smallest:
        raise UserError(
            f"models: a network with {len(filters)} entries in filters halves the patch "
            f"{len(filters)} times and needs at least {smallest} x {smallest} grid points (got "
            f"{patch_size[0]} x {patch_size[1]}). Use fewer filters."
        )
    activation = architecture["activation"]
    kernel_size = architecture["kernel_size"]
    patch = keras.Input((*patch_size, len(mean)), name="patch")
    # Repeat the numbers for every column of grid points: broadcasting short arrays is slow.
    columns = (patch_size[1], 1)
    x = layers.Normalization(
        axis=(2, 3),
        mean=np.tile(np.asarray(mean, np.float64), columns),
        variance=np.tile(np.square(np.asarray(std, np.float64)), columns),
        name="scaling",
    )(patch)
    for number, width in enumerate(filters, start=1):
        name = f"conv_{number}"
        x = layers.Conv2D(
            width,
            kernel_size,
            padding="same",
            kernel_regularizer=_regularizer(architecture, name),
            name=name,
        )(x)
        x = layers.Activation(activation, name=f"{name}_activation")(x)
        if rate := architecture.get("dropout"):
            x = layers.Dropout(rate, name=f"{name}_dropout")(x)
        x = POOLING[architecture["pooling"]](2, name=f"{name}_pooling")(x)
        if rate := architecture.get("spatial_dropout"):
            x = layers.SpatialDropout2D(rate, name=f"{name}_dropout")(x)
    x = layers.Flatten(name="flatten")(x)
    if rate := architecture.get("dense_dropout"):
        x = layers.Dropout(rate, name="dense_dropout")(x)
    for number, width in enumerate(architecture.get("dense") or (), start=1):
        name = f"dense_{number}"
        x = layers.Dense(width, kernel_regularizer=_regularizer(architecture, name), name=name)(x)
        x = layers.Activation(activation, name=f"{name}_activation")(x)
    x = layers.Dense(1, kernel_regularizer=_regularizer(architecture, "output"), name="output")(x)
    return keras.Model(patch, layers.Activation("sigmoid", name="probability")(x))


def _regularizer(architecture: Mapping[str, Any], layer: str) -> regularizers.Regularizer | None:
    """Return the weight penalty of one layer, which applies to all layers unless some are named."""
    settings = architecture.get("regularizer")
    if not settings or (settings.get("layers") and layer not in settings["layers"]):
        return None
    return regularizers.L1L2(l1=settings.get("l1") or 0.0, l2=settings.get("l2") or 0.0)


def measure_size(network: keras.Model) -> dict[str, float]:
    """Return the size of a network.

    `trainable_parameters` is their number, `small_weight_share` the share (0 to 1) of kernel
    weights smaller than 0.001 in absolute value. An L1 penalty (lasso) drives weights to zero, and
    the share shows how many. Biases do not count.

    >>> network = keras.Sequential([keras.Input((2,)), layers.Dense(1, kernel_initializer="zeros")])
    >>> measure_size(network)
    {'trainable_parameters': 3, 'small_weight_share': 1.0}
    """
    kernels = [layer.kernel.numpy() for layer in network.layers if hasattr(layer, "kernel")]
    weights = np.concatenate([np.abs(kernel).ravel() for kernel in kernels])
    return {
        "trainable_parameters": sum(weight.numpy().size for weight in network.trainable_weights),
        "small_weight_share": float((weights < SMALL_WEIGHT).mean()),
    }


def summarize(network: keras.Model) -> str:
    """Return the table of layers as text, with the size of the network below it."""
    lines: list[str] = []
    network.summary(line_length=78, print_fn=lines.append)
    size = measure_size(network)
    lines.append(f"Trainable parameters: {size['trainable_parameters']:,}")
    lines.append(f"Kernel weights below {SMALL_WEIGHT:g}: {100 * size['small_weight_share']:.1f} %")
    return "\n".join(lines) + "\n"
