"""Recipes have the settings that the config describes."""

import numpy as np
import pytest

from stormcnn.models.recipes import (
    FAST,
    FEWEST_STEPS,
    LESSON,
    Recipe,
    choose_recipe,
    learning_rates,
)


def test_lesson_recipe_is_that_of_the_ams_lesson():
    assert choose_recipe({"recipe": "lesson"}, 76_377) == Recipe(10, 512, 0.001)


@pytest.mark.parametrize("name", ["lesson", "fast"])
def test_settings_of_the_config_replace_those_of_the_recipe(name):
    recipe = choose_recipe(
        {"recipe": name, "epochs": 4, "batch_size": 8, "learning_rate": 0.5}, 100
    )
    assert (recipe.epochs, recipe.batch_size, recipe.learning_rate) == (4, 8, 0.5)
    default = {"lesson": LESSON, "fast": FAST}[name]
    assert (recipe.one_cycle, recipe.output_bias) == (default.one_cycle, default.output_bias)


@pytest.mark.parametrize("storms", [1, 64, 2_560, 7_617, 7_680, 1_000_000])
def test_fast_recipe_takes_as_few_epochs_as_its_smallest_number_of_steps_allows(storms):
    recipe = choose_recipe({"recipe": "fast", "epochs": None}, storms)
    steps = recipe.steps_per_epoch(storms)
    assert recipe.epochs * steps >= FEWEST_STEPS
    assert (recipe.epochs - 1) * steps < FEWEST_STEPS


def test_lesson_recipe_keeps_the_learning_rate():
    assert learning_rates(LESSON, 7).tolist() == [0.001] * 7


@pytest.mark.parametrize("steps", [1, 2, 4, 5, 120, 313])
def test_one_cycle_rises_once_to_the_maximum_and_falls_almost_to_zero(steps):
    rates = learning_rates(FAST, steps)
    top = int(np.argmax(rates))
    assert top == steps // 5
    assert rates[top] == pytest.approx(FAST.learning_rate)
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()
    assert rates.min() > 0
    if steps > 100:
        assert rates[-1] < 0.001 * rates[top]
