"""The threshold rule: the statistic of storms that tells events best, turned into a probability.

It is the general form of rules such as "updraft helicity above 75 m2 s-2", with which forecasters
mark severe storms in convection-allowing forecasts (Sobash et al. 2011).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.isotonic import IsotonicRegression

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array


@dataclass(frozen=True)
class ThresholdRule:
    """A statistic and the probability of the event by its value."""

    statistic: str
    frequency: IsotonicRegression
    auc: pd.Series
    """Area under the ROC curve of each statistic, the largest first; 1 minus it if below 0.5."""


def fit_threshold_rule(features: pd.DataFrame, event: Array) -> ThresholdRule:
    """Fit the rule to `features` (storm, feature) and `event` (storm,), 0 or 1.

    The statistic is the one with the largest area under the ROC curve, either of its values or, if
    low values go with the event, of their negatives. The probability is the isotonic regression of
    the event on the statistic. It is at least 1 / (n + 2) and at most 1 - 1 / (n + 2) for n storms,
    so that no outcome is impossible. Sources: Mason and Graham (2002), Zadrozny and Elkan (2002).

    >>> features = pd.DataFrame({"wind": [3.0, 9.0, 7.0, 1.0], "latitude": [30.0, 31, 32, 33]})
    >>> rule = fit_threshold_rule(features, np.array([0, 1, 1, 0]))
    >>> rule.statistic, [f"{p:.2f}" for p in predict_threshold_rule(rule, features)]
    ('wind', ['0.17', '0.83', '0.83', '0.17'])
    """
    auc = area_under_curve(features, event)
    strength = np.maximum(auc, 1 - auc).sort_values(ascending=False, kind="stable")
    best = str(strength.index[0])
    least = 1 / (event.size + 2)
    frequency = IsotonicRegression(
        y_min=least, y_max=1 - least, increasing=bool(auc[best] >= 0.5), out_of_bounds="clip"
    )
    frequency.fit(features[best].to_numpy(), event.astype(float))
    return ThresholdRule(best, frequency, strength)


def predict_threshold_rule(rule: ThresholdRule, features: pd.DataFrame) -> Array:
    """Return the probability of the event for each storm, shape (storm,), float32."""
    return rule.frequency.predict(features[rule.statistic].to_numpy()).astype("float32")


def area_under_curve(features: pd.DataFrame, event: Array) -> pd.Series:
    """Return the area under the ROC curve of each column of `features` (storm, feature).

    It is the probability that the value of a storm with the event exceeds that of one without;
    ties count half. `event` (storm,) is 0 or 1.
    """
    happened = np.asarray(event, bool)
    events, others = happened.sum(), (~happened).sum()
    ranks = rankdata(features.to_numpy(), axis=0)[happened].sum(axis=0)
    return pd.Series((ranks - events * (events + 1) / 2) / (events * others), features.columns)


def tabulate_rule(rule: ThresholdRule) -> pd.DataFrame:
    """Return the rule as a table: `statistic,value,probability`, linear between the values."""
    return pd.DataFrame(
        {
            "statistic": rule.statistic,
            "value": rule.frequency.X_thresholds_,
            "probability": rule.frequency.y_thresholds_,
        }
    )


def tabulate_statistics(rule: ThresholdRule) -> pd.DataFrame:
    """Return the area under the ROC curve of each statistic, the best first: `statistic,auc`."""
    return rule.auc.rename_axis("statistic").rename("auc").reset_index()
