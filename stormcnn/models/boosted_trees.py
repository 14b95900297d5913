"""Gradient-boosted trees on statistics of storms, the strongest opponent of the networks.

This is what the literature uses where no network is at hand: Hill et al. (2020), Flora et al.
(2021). It shows what a network gains over statistics that a meteorologist would choose.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from stormcnn.storms.events import has_enough_storms

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array

SETTINGS: dict[str, Any] = {
    "learning_rate": 0.05,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 20,
    "l2_regularization": 1.0,
    "max_features": 0.3,
}
MOST_TREES = 500
PATIENCE = 20
"""Trees that may be added without a lower log loss of the days left out."""

LEFT_OUT = 0.2
"""Share of the days that are left out to choose the number of trees."""

ONE_THREAD: dict[str, Any] = {"limits": 1, "user_api": "openmp"}
"""Threads that wait for each other take longer than one if other jobs need the cores, too."""

FEW_EVENTS_TREES = 50
"""Number of trees if the storms are too few to leave any out."""


@threadpool_limits.wrap(**ONE_THREAD)
def fit_boosted_trees(
    features: pd.DataFrame, event: Array, day: Array, seed: int
) -> HistGradientBoostingClassifier:
    """Fit boosted trees to `features` (storm, feature), `event` and `day` (storm,).

    The number of trees is the one with the lowest log loss on a fifth of the days, by trees that
    were fitted to the others. Whole days are left out, because storms of one day are alike. The
    trees are then fitted to all storms. `seed` determines the days, and the features among which
    each split may choose. Source: Friedman (2001), in the form of Ke et al. (2017).
    """
    draw = np.random.default_rng(seed)
    days = np.unique(day)
    left_out = np.isin(day, draw.permutation(days)[: round(LEFT_OUT * days.size)])
    trees = FEW_EVENTS_TREES
    if has_enough_storms(event[left_out]) and has_enough_storms(event[~left_out]):
        tried = HistGradientBoostingClassifier(
            **SETTINGS,
            max_iter=MOST_TREES,
            early_stopping=True,
            n_iter_no_change=PATIENCE,
            random_state=seed,
        ).fit(
            features[~left_out],
            event[~left_out],
            X_val=features[left_out],
            y_val=event[left_out],
        )
        # The first score is that of no tree at all.
        trees = max(1, int(np.argmax(tried.validation_score_)))
    return HistGradientBoostingClassifier(
        **SETTINGS, max_iter=trees, early_stopping=False, random_state=seed
    ).fit(features, event)


@threadpool_limits.wrap(**ONE_THREAD)
def predict_boosted_trees(trees: HistGradientBoostingClassifier, features: pd.DataFrame) -> Array:
    """Return the probability of the event for each storm, shape (storm,), float32."""
    return trees.predict_proba(features)[:, 1].astype("float32")


def tabulate_trees(
    seeds: Iterable[int], fitted: Iterable[HistGradientBoostingClassifier]
) -> pd.DataFrame:
    """Return the number of trees of each seed: `seed,trees`."""
    return pd.DataFrame({"seed": list(seeds), "trees": [trees.n_iter_ for trees in fitted]})
