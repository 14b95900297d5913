"""The simple reference: logistic regression on the mean of each predictor over the patch.

What a network gains over it is what the patterns in the patches are worth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from stormcnn.models.fields import Fields
from stormcnn.storms.patches import STORMS_AT_ONCE


def storm_means(fields: Fields, variables: Sequence[str]) -> pd.DataFrame:
    """Mean of each predictor over the patch: a row a storm, a column a variable in its unit.

    `fields` has shape (storm, y, x, variable), of which memory holds a few storms at a time.
    """
    means = np.empty((len(fields), len(variables)))
    for start in range(0, len(fields), STORMS_AT_ONCE):
        part = fields[start : start + STORMS_AT_ONCE]
        means[start : start + len(part)] = part.mean(axis=(1, 2), dtype=np.float64)
    return pd.DataFrame(means, columns=list(variables))


def fit_simple_reference(means: pd.DataFrame, event: np.ndarray) -> Pipeline:
    """Fit a logistic regression to `means` (a row a storm) and `event` (storms,), 0 or 1.

    Each column is scaled by its own mean and standard deviation. The squared coefficients, halved,
    are added to the summed log loss, so that they stay finite where storms can be told apart
    without an error. There is no chance in the fit. Source: Cox (1958); Hoerl and Kennard (1970).
    """
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(means, event)


def forecast_probability(fit: Pipeline, means: pd.DataFrame) -> np.ndarray:
    """Probability of the event of each storm (storms,), float32."""
    return fit.predict_proba(means)[:, 1].astype("float32")


def describe_fit(fit: Pipeline, names: Iterable[str]) -> pd.DataFrame:
    """The fit as a table: `term,mean,standard_deviation,coefficient`, the intercept first.

    The log odds of the event are the intercept plus the sum over the terms of
    coefficient * (value - mean) / standard deviation.
    """
    scaler, regression = fit[0], fit[-1]
    terms = pd.DataFrame(
        {
            "term": list(names),
            "mean": scaler.mean_,
            "standard_deviation": scaler.scale_,
            "coefficient": regression.coef_[0],
        }
    )
    intercept = pd.DataFrame({"term": ["intercept"], "coefficient": regression.intercept_})
    return pd.concat([intercept, terms])[terms.columns].reset_index(drop=True)
