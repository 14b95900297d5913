"""Draw dropout masks with NumPy, so that they are the same on every backend of Keras.

Values that are kept are divided by 1 - rate, so that their expectation does not change. Dropout:
Srivastava et al. (2014); spatial dropout, which drops whole channels: Tompson et al. (2015).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def draw_mask(seed: Sequence[int], shape: tuple[int, ...], rate: float) -> NDArray[np.float32]:
    """Return a mask: 0 with probability `rate`, otherwise 1 / (1 - rate).

    >>> draw_mask(seed=[1, 2], shape=(8,), rate=0.5).tolist()
    [0.0, 0.0, 2.0, 0.0, 0.0, 2.0, 2.0, 0.0]
    """
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence(list(seed))))
    return ((generator.random(shape) >= rate) / (1 - rate)).astype(np.float32)


def drop_ones(
    shape: tuple[int, int, int], rate: float, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a field of ones, shape (y, x, channel), after dropout and after spatial dropout.

    >>> dropout, spatial_dropout = drop_ones((2, 2, 3), rate=0.5, seed=1)
    >>> bool((spatial_dropout == spatial_dropout[0, 0]).all())
    True
    """
    ones = np.ones(shape, np.float32)
    return ones * draw_mask([seed, 0], shape, rate), ones * draw_mask([seed, 1], shape[-1:], rate)
