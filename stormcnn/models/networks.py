"""Convolutional networks described by settings, and what can be told about them.

Layers are called `scaling`, `conv_1`, `conv_2`, ..., `dense_1`, ..., `output`; dropout layers
carry the name of the layer that they follow or precede.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, regularizers

from stormcnn.errors import UserError
from stormcnn.io import replacing, to_remove

POOLING = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}
SMALL_WEIGHT = 1e-3
ABOUT = "stormcnn.json"  # a member of the .keras archive that Keras leaves alone


def build_network(
    architecture: Mapping[str, Any],
    patch_size: tuple[int, ...],
    mean: Sequence[float],
    std: Sequence[float],
) -> keras.Model:
    """Build the network that `architecture` describes, with untrained weights.

    It takes patches in physical units, shape (storm, y, x, variable), scales them by `mean` and
    `std` of each variable, and gives the probability of the event, shape (storm, 1). Each entry
    of `filters` is a convolution with "same" padding, the activation, the dropout if there is
    one, and pooling over 2 x 2 grid points.

    Spatial dropout: Tompson et al. (2015); dropout: Srivastava et al. (2014). Kept values are
    divided by 1 - rate, so that their expectation stays the same. Spatial dropout multiplies whole
    channels, so it may as well follow the pooling, where it has a quarter of the values to do.

    Raises `UserError` where the patch is too small for the number of poolings.
    """
    filters = architecture["filters"]
    if min(patch_size) < 2 ** len(filters):
        raise UserError(
            f"models: {len(filters)} poolings need patches of at least {2 ** len(filters)} grid "
            f"points a side, these have {patch_size[0]} x {patch_size[1]}. Give fewer filters."
        )
    activation = architecture["activation"]
    kernel_size = architecture["kernel_size"]
    patch = keras.Input((*patch_size, len(mean)), name="patch")
    # The same numbers for every column of grid points, because few numbers are slow to broadcast.
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
    """The weight penalty of one layer; without a list of layers it is the whole network's."""
    settings = architecture.get("regularizer")
    if not settings or (settings.get("layers") and layer not in settings["layers"]):
        return None
    return regularizers.L1L2(l1=settings.get("l1") or 0.0, l2=settings.get("l2") or 0.0)


def load_network(path: str | os.PathLike[str]) -> keras.Model:
    """Load a saved network in Keras's safe mode, which runs no code from the file.

    Raises `UserError` where the file is missing, damaged, or takes anything but patches.
    """
    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever its zip, JSON and HDF5 readers raise.
        raise UserError(
            f"{path}: this network cannot be loaded ({type(error).__name__}: {error}). "
            f"Remove {to_remove(path)} and train again, or give another network."
        ) from error
    if (
        len(network.inputs) != 1
        or len(network.input_shape) != 4
        or network.output_shape[1:] != (1,)
    ):
        raise UserError(f"{path}: this network does not turn storm patches into a probability.")
    return network


def count_trainable(network: keras.Model) -> int:
    """Number of weights that training changes."""
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)


def small_weight_share(network: keras.Model) -> float:
    """Share of kernel weights (no biases) smaller than 0.001 in size: what the lasso zeroes."""
    kernels = [layer.kernel for layer in network.layers if hasattr(layer, "kernel")]
    values = np.concatenate([np.abs(keras.ops.convert_to_numpy(k)).ravel() for k in kernels])
    return float((values < SMALL_WEIGHT).mean())


def summarise(network: keras.Model) -> str:
    """The layer table, the parameter count, and the share of weights near zero, as text."""
    lines: list[str] = []
    network.summary(line_length=78, print_fn=lines.append)
    lines.append(f"Trainable parameters: {count_trainable(network):,}")
    lines.append(
        f"Kernel weights below {SMALL_WEIGHT:g}: {100 * small_weight_share(network):.1f} %"
    )
    return "\n".join(lines) + "\n"


def save_network(
    network: keras.Model, path: str | os.PathLike[str], about: Mapping[str, Any]
) -> None:
    """Save a network, with what its user must know about it beside its weights in the same file.

    `about` is anything JSON can write; `read_about` gives it back.
    """
    with replacing(path) as temporary:
        network.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(zipfile.ZipInfo(ABOUT), json.dumps(about, indent=2))


def read_about(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What `save_network` was told about the network in `path`; nothing is loaded or run.

    Raises `UserError` where the file is no network or was saved by another program.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(ABOUT))
    except (OSError, KeyError, zipfile.BadZipFile, json.JSONDecodeError) as error:
        raise UserError(
            f"{path}: the file does not say what the network was trained on ({error}). "
            "Give a network.keras that this workflow has written."
        ) from error
