"""Random values and smooth random fields that are correlated along the track of a storm."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from stormcnn.demo.grid import SIZE, SPACING
from stormcnn.vocabulary import Array


class TrackRandom:
    """Standard normal random values that are correlated between successive steps of a track.

    `track_step` has shape (storm,), ordered by track and step; steps count from 1.
    """

    def __init__(self, random: np.random.Generator, track_step: Array) -> None:
        self._random = random
        self._later = [
            np.flatnonzero(track_step == step) for step in range(2, track_step.max() + 1)
        ]
        self._storms = len(track_step)

    def values(self, persistence: float = 0.6) -> Array:
        """Return values of shape (storm,) with the correlation `persistence` from hour to hour."""
        return self._persist((self._storms,), persistence)

    def fields(self, length: float, persistence: float = 0.6) -> Array:
        """Return fields (storm, y, x) with a Gaussian correlation of scale `length` (km)."""
        white = self._persist((self._storms, SIZE, SIZE), persistence)
        root = _correlation_root(length)
        return root @ white @ root.T

    def _persist(self, shape: tuple[int, ...], persistence: float) -> Array:
        draws = self._random.standard_normal(shape, dtype=np.float32)
        renewal = math.sqrt(1 - persistence**2)
        for step in self._later:
            draws[step] = persistence * draws[step - 1] + renewal * draws[step]
        return draws


@cache
def _correlation_root(length: float) -> Array:
    """Return the matrix that gives white noise along one side of a patch this correlation."""
    distance = SPACING * np.subtract.outer(np.arange(SIZE), np.arange(SIZE))
    correlation = np.exp(-0.5 * (distance / length) ** 2)
    return np.linalg.cholesky(correlation + 1e-4 * np.eye(SIZE)).astype(np.float32)
