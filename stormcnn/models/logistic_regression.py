"""Logistic regression on the mean of each predictor over the patch.

It is the simplest opponent of the networks: the skill that a network gains over it comes from the
spatial patterns in the patches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from stormcnn.storms.patches import STORMS_AT_ONCE

if TYPE_CHECKING:
    from stormcnn.models.fields import Fields
    from stormcnn.vocabulary import Array


def average_over_patch(fields: Fields, variables: Sequence[str]) -> pd.DataFrame:
    """Return the mean of each predictor over the patch: one row per storm, one column per variable.

    `fields` has shape (storm, y, x, variable) and is read a few storms at a time.

    >>> fields = np.array([[[[20.0], [40.0]]]])
    >>> average_over_patch(fields, ["REFL_COM_curr"])
       REFL_COM_curr
    0           30.0
    """
    means = np.empty((len(fields), len(variables)))
    for start in range(0, len(fields), STORMS_AT_ONCE):
        part = fields[start : start + STORMS_AT_ONCE]
        means[start : start + len(part)] = part.mean(axis=(1, 2), dtype=np.float64)
    return pd.DataFrame(means, columns=list(variables))


def fit_logistic_regression(means: pd.DataFrame, event: Array) -> Pipeline:
    """Fit a logistic regression to `means` (one row per storm) and `event` (storm,), 0 or 1.

    Each column is standardized first. An L2 penalty (half the sum of squared coefficients, added
    to the summed log loss) keeps the coefficients finite if the means separate the events
    perfectly. The fit is deterministic.

    Sources: Cox (1958), Hoerl and Kennard (1970).

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
