"""Boosted trees find a known relation, and their seeds are reproducible and differ."""

import numpy as np
import pandas as pd

from stormcnn.models.boosted_trees import (
    FEW_EVENTS_TREES,
    fit_boosted_trees,
    predict_boosted_trees,
    tabulate_trees,
)


def make_storms(number, seed=0):
    """Return features, of which two matter together, events, days and true probabilities."""
    draw = np.random.default_rng(seed)
    features = pd.DataFrame(draw.normal(size=(number, 4)).astype("f4"), columns=[*"abcd"])
    truth = np.where((features["a"] > 0) & (features["b"] > 0), 0.8, 0.05)
    return features, draw.random(number) < truth, np.arange(number) // 40, truth


def test_probabilities_of_other_storms_are_close_to_the_truth():
    features, event, day, _ = make_storms(2000)
    trees = fit_boosted_trees(features, event, day, seed=0)
    others, _, _, truth = make_storms(2000, seed=1)
    probability = predict_boosted_trees(trees, others)
    assert probability.dtype == "float32"
    assert np.abs(probability - truth).mean() < 0.05


def test_equal_seeds_give_equal_probabilities_and_others_differ():
    features, event, day, _ = make_storms(1000)
    first, again, other = (
        predict_boosted_trees(fit_boosted_trees(features, event, day, seed), features)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_features_without_information_get_few_trees():
    features, event, day, _ = make_storms(2000)
    useless = fit_boosted_trees(features[["c", "d"]], event, day, seed=0)
    useful = fit_boosted_trees(features, event, day, seed=0)
    table = tabulate_trees([0, 1], [useless, useful])
    assert table["trees"][0] < table["trees"][1]


def test_few_events_on_one_day_and_constant_features_are_enough():
    features, _, _, _ = make_storms(60)
    event = np.arange(60) % 4 == 0
    trees = fit_boosted_trees(features.assign(a=1.0), event, np.zeros(60), seed=0)
    assert trees.n_iter_ == FEW_EVENTS_TREES
    assert np.isfinite(predict_boosted_trees(trees, features)).all()
