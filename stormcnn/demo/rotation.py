"""The future rotation of made-up storms, and the true probability of the event.

The logarithm of the future rotation is a sum of standard normal parts: the rotation and intensity
that the patch shows, a hidden part, and a final random part. The true probability is that of the
event before the final part is drawn.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from stormcnn.demo.environment import Environment
from stormcnn.demo.grid import X, Y, as_field
from stormcnn.demo.storm_structure import Vortex
from stormcnn.vocabulary import LESSON_EVENT, Array

EVENT_THRESHOLD: float = LESSON_EVENT["threshold"]  # s-1

# The weights of the parts limit the skill that a network can reach: rotation and intensity, which
# the patch shows, have 79 % of the variance.
TYPICAL_ROTATION = 0.00176  # s-1, median over storms
ROTATION_WEIGHT = 0.52
INTENSITY_WEIGHT = 0.10
HIDDEN_WEIGHT = 0.18
FINAL_WEIGHT = 0.23
INTENSITY_OF_ROTATION = 0.4  # correlation of rotation and intensity

# Share of the variance over all storms that is between runs.
RUN_SHARE_OF_ROTATION = 0.15
RUN_SHARE_OF_HIDDEN = 0.3


def event_probability(signal: Array) -> Array:
    """Return the probability that the largest rotation exceeds the threshold, shape (storm,).

    `signal` is the mean of ln(rotation in s-1), shape (storm,); the final part is normal.
    """
    return ndtr((signal - math.log(EVENT_THRESHOLD)) / FINAL_WEIGHT)


def future_rotation(
    peak: Array,
    storm: Array,
    vortex: Vortex,
    neighbor_peak: Array,
    neighbor: Vortex,
    texture: Array,
    environment: Environment,
) -> Array:
    """Return the largest rotation within the next hour (s-1), shape (storm, y, x).

    Each vortex leaves a swath along its path. `peak`, shape (storm,), is the maximum inside the
    grid points `storm`: the swath of a neighbor is limited to it there.
    """

    def swath(start: Vortex, hours: float) -> Array:
        path = [3.6 * hours * speed for speed in environment.storm_motion]
        x, y = X - as_field(start.x), Y - as_field(start.y)
        progress = np.clip((x * path[0] + y * path[1]) / (path[0] ** 2 + path[1] ** 2), 0, 1)
        square = (x - progress * path[0]) ** 2 + (y - progress * path[1]) ** 2
        return np.exp(-0.5 * square / 6**2)

    own = swath(vortex, 1.0)
    inside = np.where(storm, own, 0).max(axis=(1, 2))
    own = as_field(peak) * np.minimum(own / as_field(inside), 1)
    others = np.maximum(as_field(neighbor_peak) * swath(neighbor, 0.5), 2e-4 * np.abs(texture))
    rotation = np.maximum(own, others)
    return np.where(storm, np.minimum(rotation, as_field(peak)), rotation)
