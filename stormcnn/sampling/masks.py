"""Masks of dropout, drawn with NumPy, so that they are the same on every backend of Keras.

Kept values are divided by 1 - rate, so that their expectation stays the same. Dropout: Srivastava
et al. (2014); spatial dropout, which drops whole channels: Tompson et al. (2015).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def draw_mask(seed: Sequence[int], shape: tuple[int, ...], rate: float) -> NDArray[np.float32]:
    """A mask: 0 where dropped, which has the probability `rate`, 1 / (1 - rate) where kept."""
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence(list(seed))))
    return ((generator.random(shape) >= rate) / (1 - rate)).astype(np.float32)


def drop_ones(
    shape: tuple[int, int, int], rate: float, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A field of ones, shape (y, x, channel), after dropout and after spatial dropout."""
    ones = np.ones(shape, np.float32)
    return ones * draw_mask([seed, 0], shape, rate), ones * draw_mask([seed, 1], shape[-1:], rate)
