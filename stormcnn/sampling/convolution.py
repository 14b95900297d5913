"""Convolve the fields of all MC members with fewer multiplications than layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers, ops

from stormcnn.models import backend

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array

Tensor = Any
"""A tensor of the backend of Keras."""

POOLED: dict[type[keras.Layer], Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    layers.AveragePooling2D: lambda a, b, c, d: (a + b + c + d) / 4,
    layers.MaxPooling2D: lambda a, b, c, d: ops.maximum(ops.maximum(a, b), ops.maximum(c, d)),
}
"""How each pooling layer combines the four grid points of a 2 x 2 window."""

ROWS = 4
"""The number of rows that `convolve_rows` computes together."""
POINTS = (0, 1, -1, 2, -2, 1 / 2, -1 / 2)
"""Where polynomials are evaluated; powers of two near 1 keep rounding errors small."""
FEWEST_CHANNELS = 32
"""With 16 channels, the transforms take about as long as the multiplications that they save."""


def take_block(remaining: list[keras.Layer]) -> list[keras.Layer]:
    """Remove a convolution from the front of a list of layers, and return it.

    If an activation and a pooling over 2 x 2 grid points follow, they are removed and returned
    with it, because all three can be computed together.
    """
    block = [remaining.pop(0)]
    if len(remaining) >= 2 and isinstance(remaining[0], layers.Activation):
        pooling: Any = remaining[1]
        usual = ((2, 2), (2, 2), "valid")
        if type(pooling) in POOLED and (
            (tuple(pooling.pool_size), tuple(pooling.strides), pooling.padding) == usual
        ):
            block += [remaining.pop(0), remaining.pop(0)]
    return block


def convolve_members(
    x: Tensor,
    mask: Tensor,
    convolution: layers.Conv2D,
    activation: layers.Activation | None = None,
    pooling: keras.Layer | None = None,
    *,
    next_mask: Tensor | None = None,
) -> Tensor:
    """Convolve `x` (storm, y, x, channel), masked by `mask` (mc_member, channel), for each pair.

    A depthwise convolution with the same kernel gives the contribution of each input channel to
    each filter; the result of a member is the sum of these, weighted by its mask.

    If there is a pooling, the grid points are first sorted by their position in the 2 x 2 window,
    so that pooling combines four contiguous arrays, and the matrix product, activation, pooling
    and the dropout that may follow, with `next_mask`, are compiled together.

    Returns shape (storm * mc_member, y, x, filter).
    """
    height, width, channels = x.shape[1:]
    filters = convolution.filters
    side = 2 if pooling else 1
    height, width = height // side, width // side
    # In mixed precision, weights have more digits than fields and masks.
    kernel = ops.cast(convolution.kernel, x.dtype)
    bias = ops.cast(convolution.bias, x.dtype)
    parts = ops.depthwise_conv(x, kernel, padding=convolution.padding)
    parts = parts[:, : height * side, : width * side]
    parts = ops.reshape(parts, (-1, height, side, width, side, channels, filters))
    parts = ops.transpose(parts, (0, 5, 2, 4, 1, 3, 6))
    parts = ops.reshape(parts, (-1, channels, side**2 * height * width * filters))

    def combine(mask: Tensor, parts: Tensor, next_mask: Tensor | None) -> Tensor:
        convolved = ops.matmul(mask, parts)
        convolved = ops.reshape(convolved, (-1, side**2, height * width, filters))
        convolved += bias
        if activation is None or pooling is None:
            return convolved
        corners = activation(convolved)
        pooled = POOLED[type(pooling)](*(corners[:, corner] for corner in range(side**2)))
        if next_mask is None:
            return pooled
        pooled = ops.reshape(pooled, (-1, ops.shape(mask)[0], height * width, filters))
        return pooled * ops.reshape(next_mask, (ops.shape(mask)[0], -1, filters))

    combined = backend.fused(combine) if pooling else combine
    x = combined(mask, parts, next_mask)
    return ops.reshape(x, (-1, height, width, filters))


def minimal_filter(outputs: int, weights: int) -> tuple[Array, Array, Array]:
    """Return the matrices of a filter with few multiplications, as F(outputs, weights).

    For the matrices A, G and B, `A @ ((G @ w) * (B @ x))` is the filter with the `weights` w that
    gives a number of `outputs` from `outputs + weights - 1` values x. It multiplies as many pairs
    of numbers, where the definition multiplies outputs * weights. The algorithm is that of Toom
    and Cook, transposed: polynomials of both lengths are evaluated at points, one of them
    infinity (Winograd 1980; for networks Lavin and Gray 2016).

    >>> a, g, b = minimal_filter(outputs=2, weights=3)
    >>> x, w = np.array([1.0, 2.0, 4.0, 8.0]), np.array([1.0, 0.0, -1.0])
    >>> np.round(a @ ((g @ w) * (b @ x)), 6).tolist()
    [-3.0, -6.0]
    """
    points = np.array(POINTS[: outputs + weights - 2])

    def values(length: int) -> Array:
        leading = np.zeros((1, length))
        leading[0, -1] = 1
        return np.vstack([np.vander(points, length, increasing=True), leading])

    interpolation = np.linalg.inv(values(outputs + weights - 1))
    return values(outputs).T, values(weights), interpolation.T


def is_faster_by_rows(layer: keras.Layer, x: Tensor) -> bool:
    """Return whether `convolve_rows` applies `layer` to `x` in less time than Keras.

    It does so on a CPU in single precision. In half precision its rounding errors would be large,
    and on GPUs it has not been measured.
    """
    return (
        isinstance(layer, layers.Conv2D)
        and layer.padding == "same"
        and tuple(layer.strides) == tuple(layer.dilation_rate) == (1, 1)
        and 2 <= layer.kernel_size[0] <= len(POINTS) + 2 - ROWS
        and min(x.shape[-1], layer.filters) >= FEWEST_CHANNELS
        and keras.backend.standardize_dtype(x.dtype) == "float32"
        and backend.computes_on_cpu()
    )


def convolve_rows(
    x: Tensor,
    convolution: layers.Conv2D,
    activation: layers.Activation | None = None,
    pooling: keras.Layer | None = None,
) -> Tensor:
    """Convolve `x` (storm * mc_member, y, x, channel); apply the activation and pooling if given.

    Along y, groups of four rows are computed with a `minimal_filter`. For a kernel of 5 x 5 points,
    this takes 8 of 20 multiplications. Returns shape (storm * mc_member, y, x, filter).
    """
    height, width, channels = x.shape[1:]
    taps, filters = convolution.kernel_size[0], convolution.filters
    groups = -(-height // ROWS)
    to_outputs, of_kernel, of_inputs = minimal_filter(ROWS, taps)
    terms = len(of_inputs)
    # Rows outside the field are zero, so their columns of the matrix are left out.
    above = (taps - 1) // 2
    of_rows = np.zeros((terms, groups, above + groups * ROWS + taps))
    for group in range(groups):
        of_rows[:, group, group * ROWS : group * ROWS + terms] = of_inputs
    of_rows = of_rows[:, :, above : above + height].reshape(-1, height)

    rows = ops.reshape(ops.transpose(x, (1, 0, 2, 3)), (height, -1))
    factors = ops.matmul(of_rows.astype(np.float32), rows)
    factors = ops.reshape(factors, (terms, -1, 1, width, channels))
    kernels = ops.tensordot(of_kernel.astype(np.float32), convolution.kernel, 1)
    products = [
        ops.conv(factors[term], kernels[term : term + 1], padding="same") for term in range(terms)
    ]
    bias = ops.cast(convolution.bias, x.dtype)

    def combine(products: list[Tensor]) -> Tensor:
        parts = [ops.reshape(product, (groups, -1, width, filters)) for product in products]
        combined = [
            bias + sum(float(w) * part for w, part in zip(weights, parts, strict=True) if w)
            for weights in to_outputs
        ]
        if activation is not None and pooling is not None:
            active = [activation(row) for row in combined]
            columns = [slice(0, width // 2 * 2, 2), slice(1, None, 2)]
            combined = [
                POOLED[type(pooling)](*(row[:, :, side] for row in pair for side in columns))
                for pair in (active[:2], active[2:])
            ]
        grouped = ops.transpose(ops.stack(combined, axis=2), (1, 0, 2, 3, 4))
        return ops.reshape(grouped, (-1, groups * len(combined), *grouped.shape[3:]))

    whole = backend.fused(combine)(products)
    return whole[:, : height // 2 if pooling else height]
