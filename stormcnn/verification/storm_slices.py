"""Arrays of many storms in slices, so that computing with them needs little memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stormcnn.vocabulary import Array

STORMS_AT_ONCE = 2**16
"""Storms in a slice; temporary arrays of as many numbers fit into the cache of a processor."""


def storm_slices(storms: int, at_once: int = STORMS_AT_ONCE) -> Iterator[slice]:
    """Yield the slices of arrays with that many storms.

    >>> list(storm_slices(5, at_once=3))
    [slice(0, 3, None), slice(3, 6, None)]
    """
    for start in range(0, storms, at_once):
        yield slice(start, start + at_once)


def forecast_slices(
    probability: Array, event: Array, block: Array, cells: int = 0
) -> Iterator[tuple[Array, Array, Array]]:
    """Yield slices of three arrays (storms,), `probability` and `event` as float64.

    Slices have at least as many storms as the `cells` in which they are counted, because adding up
    the counts of smaller ones would take longer than counting.
    """
    for part in storm_slices(probability.size, max(STORMS_AT_ONCE, cells)):
        yield probability[part].astype(np.float64), event[part].astype(np.float64), block[part]
