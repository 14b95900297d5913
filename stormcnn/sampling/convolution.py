"""Convolution of small maps in fewer products, exact but for rounding.

A convolution is a product of Fourier coefficients: along y each coefficient of the map, a row of
grid points, is multiplied by one of the kernel, which along x remains a convolution. A map of 8
rows has 10 coefficients with the 2 rows of padding that a kernel of 5 needs, and 14 products where
a complex one is made of three, against 40 of rows with rows of the kernel (6 of them of padding).
Source: Mathieu et al. (2014), who take both directions and complex products.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops
from numpy.typing import NDArray

from stormcnn.models import backend

Array = NDArray[Any]
Tensor = Any
"""A tensor of whichever backend Keras uses."""


class Series(NamedTuple):
    """Matrices with which `gather @ ((spread @ rows) * (weigh @ kernel))` is a convolution.

    As a layer with "same" padding has it, so not turned round. Shapes (product, row),
    (product, tap) and (row, product).
    """

    spread: Array
    weigh: Array
    gather: Array


def series(rows: int, taps: int) -> Series:
    """The matrices for maps of `rows` rows and kernels of `taps` rows.

    There must be two rows: of one, all sines are 0. The period is so long that what goes round at
    one end meets padding at the other. The three products that make the complex one
    (a + ib)(c + is) are c(a + b), a(s - c) and b(c + s).
    """
    period = rows + taps // 2
    y, tap = np.arange(rows), np.arange(taps) - (taps - 1) // 2
    spread, weigh, gather = [], [], []
    for wave in range(period // 2 + 1):
        angle = 2 * np.pi * wave / period
        cos, sin = np.cos(angle * y), np.sin(angle * y)
        c, s = np.cos(angle * tap), np.sin(angle * tap)
        if 2 * wave in (0, period):  # these two are real
            spread += [cos]
            weigh += [c]
            gather += [cos / period]
        else:
            spread += [cos - sin, cos, -sin]
            weigh += [c, s - c, c + s]
            gather += [2 / period * (cos - sin), -2 / period * sin, -2 / period * cos]
    # Rounded, so that what should be 0 is 0, and is left out of the sums.
    return Series(*(np.round(form, 15) for form in (spread, weigh, np.transpose(gather))))


def convolve(
    x: Tensor,
    kernel: Tensor,
    begin: Callable[[Tensor], Tensor],
    finish: Callable[[list[Tensor]], Tensor],
) -> Tensor:
    """Convolve `begin(x)` (map, y, x, channel) with `kernel` (y, x, channel, filter).

    Padding is "same", the stride 1. `begin` leaves the last three dimensions of `x` as they are;
    `finish` takes the rows of the result, each (map, x, filter). Both are computed in one go with
    the sums next to them, if the backend can do that.
    """
    rows = x.shape[-3]
    form = series(rows, kernel.shape[0])

    def spread(x: Tensor) -> tuple[Tensor, ...]:
        begun = begin(x)
        return tuple(_sums(form.spread, [begun[:, row] for row in range(rows)]))

    def gather(*products: Tensor) -> Tensor:
        return finish(_sums(form.gather, products))

    kernels = ops.einsum("jt,txio->jxio", ops.cast(form.weigh, kernel.dtype), kernel)
    products = [
        ops.conv(part, kernels[number], padding="same")
        for number, part in enumerate(backend.fused(spread)(x))
    ]
    return backend.fused(gather)(*products)


def _sums(weights: Array, parts: Sequence[Tensor]) -> list[Tensor]:
    """Sum `parts` with the weights of each row of `weights`."""
    return [
        sum(float(weight) * part for weight, part in zip(row, parts, strict=True) if weight)
        for row in weights
    ]
