"""How networks are trained: the settings of each training recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array

OWN_SETTINGS = ("epochs", "batch_size", "learning_rate")
"""Settings of a recipe that the config may replace."""
FEWEST_STEPS = 120
"""Training steps that the recipe `fast` makes at least. With few storms it takes more epochs."""


@dataclass(frozen=True)
class Recipe:
    """Settings of one training.

    `one_cycle`: the learning rate rises to `learning_rate` and then falls to 0, see
    `learning_rates`. `output_bias`: the bias of the output starts at the log odds of the event
    frequency instead of 0, so that the first steps need not learn the frequency.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    one_cycle: bool = False
    output_bias: bool = False

    def steps_per_epoch(self, storms: int) -> int:
        """Return the number of training steps in an epoch; the last may have fewer storms."""
        return math.ceil(storms / self.batch_size)


LESSON = Recipe(epochs=10, batch_size=512, learning_rate=0.001)
FAST = Recipe(epochs=1, batch_size=64, learning_rate=0.003, one_cycle=True, output_bias=True)


def choose_recipe(training: Mapping[str, Any], storms: int) -> Recipe:
    """Return the recipe for a training on that many storms.

    Parameters: `training`, with the key `recipe` (`lesson` or `fast`), and with `epochs`,
    `batch_size` and `learning_rate`, which replace those of the recipe unless they are None.

    >>> choose_recipe({"recipe": "fast"}, storms=20_000).epochs
    1
    >>> choose_recipe({"recipe": "fast"}, storms=2_560).epochs
    3
    >>> choose_recipe({"recipe": "lesson", "epochs": 2}, storms=2_560).epochs
    2
    """
    own = {key: training[key] for key in OWN_SETTINGS if training.get(key) is not None}
    if training["recipe"] == "lesson":
        return replace(LESSON, **own)
    recipe = replace(FAST, **own)
    if "epochs" in own:
        return recipe
    return replace(recipe, epochs=math.ceil(FEWEST_STEPS / recipe.steps_per_epoch(storms)))


def learning_rates(recipe: Recipe, steps: int) -> Array:
    """Return the learning rate of each step of a training.

    One cycle rises linearly during the first fifth of the steps, and then falls along half a period
    of a cosine to almost 0 (Smith and Topin 2019).

    >>> one_cycle = Recipe(epochs=1, batch_size=64, learning_rate=0.01, one_cycle=True)
    >>> learning_rates(one_cycle, steps=10).round(4).tolist()
    [0.0004, 0.0052, 0.01, 0.0096, 0.0085, 0.0069, 0.005, 0.0031, 0.0015, 0.0004]
    """
    if not recipe.one_cycle:
        return np.full(steps, recipe.learning_rate)
    step = np.arange(steps)
    rise = steps // 5
    fall = (1 + np.cos(np.pi * (step - rise) / (steps - rise))) / 2
    return recipe.learning_rate * np.where(step < rise, 0.04 + 0.96 * step / max(rise, 1), fall)
