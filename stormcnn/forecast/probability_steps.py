"""The steps in which maps of forecasts show probabilities."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from stormcnn.vocabulary import Array

EDGES = (0.0, 0.05, 0.15, 0.3, 0.5, 0.7)
"""Lower edges of the steps; the upper edge of the last one is 1."""

# ColorBrewer's YlOrBr, see Harrower and Brewer (2003): lightness decreases from step to step, so
# that the colors can be told apart with any color vision and in grayscale print.
COLORS = ("#fff7bc", "#fee391", "#fec44f", "#fe9929", "#cc4c02", "#662506")
"""Colors of the steps on light paper; the style sheet of the page has the same."""


def step_labels() -> list[str]:
    """Return the ranges of the steps.

    >>> step_labels()[0], step_labels()[-1]
    ('0 to 5 %', '70 to 100 %')
    """
    percents = [f"{100 * edge:g}" for edge in (*EDGES, 1.0)]
    return [f"{low} to {high} %" for low, high in pairwise(percents)]


def step_of(probability: Array) -> Array:
    """Return the number of the step of each probability, 0 for the lowest.

    >>> step_of(np.array([0.0, 0.05, 1.0])).tolist()
    [0, 1, 5]
    """
    return np.searchsorted(EDGES, probability, side="right") - 1
