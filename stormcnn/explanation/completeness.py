"""The test that attributions add up to what they attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stormcnn.vocabulary import Array

TOLERANCE = 0.01
"""Largest error of a complete attribution, see `completeness_error`."""


def completeness_error(total: ArrayLike, difference: ArrayLike) -> Array:
    """Return how far sums of attributions are from the differences of the log odds, relatively.

    The error is divided by the absolute difference, but by 1 if that is less: where a storm and the
    reference hardly differ, a relative error would say nothing. Completeness: Sundararajan et al.
    (2017).

    >>> completeness_error([4.02, 0.02], [4.0, 0.0]).round(3)
    array([0.005, 0.02 ])
    """
    expected = np.asarray(difference, np.float64)
    return np.abs(np.asarray(total) - expected) / np.maximum(np.abs(expected), 1)
