"""Logistic regression on the mean of each predictor over the patch.

It is the simplest opponent of the networks: the skill that a network gains over it comes from the
spatial patterns in the patches.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from stormcnn.models.storm_features import PATCH_MEAN

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array


def patch_means(features: pd.DataFrame) -> pd.DataFrame:
    """Return the means over the patch: one row per storm, one column per predictor.

    `features` is as in `storm_features.compute_features`.

    >>> patch_means(pd.DataFrame({"T2_curr_patch_mean": [280.0], "latitude": [35.0]}))
       T2_curr_patch_mean
    0               280.0
    """
    return features[[name for name in features if name.endswith(PATCH_MEAN)]]


def fit_logistic_regression(means: pd.DataFrame, event: Array) -> Pipeline:
    """Fit a logistic regression to `means` (one row per storm) and `event` (storm,), 0 or 1.

    Each column is standardized first. An L2 penalty (half the sum of squared coefficients, added
    to the summed log loss) keeps the coefficients finite if the means separate the events
    perfectly. The fit is deterministic.

    Sources: Cox (1958), Hoerl and Kennard (1970).

    >>> import numpy as np
    >>> means = pd.DataFrame({"REFL_COM_curr": [10.0, 20.0, 30.0, 40.0]})
    >>> regression = fit_logistic_regression(means, np.array([0, 0, 1, 1]))
    >>> [f"{p:.2f}" for p in predict_logistic_regression(regression, means)]
    ['0.22', '0.40', '0.60', '0.78']
    """
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(means, event)


def predict_logistic_regression(regression: Pipeline, means: pd.DataFrame) -> Array:
    """Return the probability of the event for each storm, shape (storm,), float32."""
    return regression.predict_proba(means)[:, 1].astype("float32")


def tabulate_coefficients(regression: Pipeline, variables: Iterable[str]) -> pd.DataFrame:
    """Return the coefficients as a table: `term,mean,standard_deviation,coefficient`.

    The first row is the intercept. The log odds of the event are the intercept plus the sum of
    coefficient * (value - mean) / standard deviation over the other terms.
    """
    scaler, fit = regression[0], regression[-1]
    terms = pd.DataFrame(
        {
            "term": list(variables),
            "mean": scaler.mean_,
            "standard_deviation": scaler.scale_,
            "coefficient": fit.coef_[0],
        }
    )
    intercept = pd.DataFrame({"term": ["intercept"], "coefficient": fit.intercept_})
    return pd.concat([intercept, terms])[terms.columns].reset_index(drop=True)
