"""Bins of equal count, and weighted sums in bins."""

from __future__ import annotations

import numpy as np

from stormcnn.verification.resampling import Resamples
from stormcnn.vocabulary import Array


def bins_of_equal_count(values: Array, bins: int) -> Array:
    """Return the bin of each value (storms,), counted from 0.

    Equal values share a bin, so there may be fewer than `bins`.

    >>> bins_of_equal_count(np.array([1, 1, 1, 2, 3, 4]), bins=3)
    array([0, 0, 0, 1, 2, 2])
    """
    edges = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1])
    return np.unique(np.searchsorted(edges, values), return_inverse=True)[1]


def sums_in_bins(term: Array, bins: Array, resamples: Resamples) -> Array:
    """Return the sums of `term` in each bin, for each resample (resamples, bins).

    `term` (storms,) is summed, and `bins` (storms,) are counted from 0.

    >>> draws = Resamples(np.array([1, 2]), block=np.array([0, 0, 1]), weights=np.array([[1, 2]]))
    >>> sums_in_bins(np.array([0.1, 0.2, 0.3]), bins=np.array([0, 1, 1]), resamples=draws)
    array([[0.1, 0.8]])
    """
    number, blocks = int(bins.max()) + 1, resamples.weights.shape[1]
    by_block = np.bincount(resamples.block * number + bins, term, blocks * number)
    return resamples.weights @ by_block.reshape(-1, number)
