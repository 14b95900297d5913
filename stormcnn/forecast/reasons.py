"""Why a network gives the most probable storms of a forecast their probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.explanation.completeness import completeness_error
from stormcnn.explanation.predictor_sets import flatten, flattened_sets, name_of_set
from stormcnn.report.predictor_names import predictor_name
from stormcnn.report.words import percent
from stormcnn.vocabulary import PATCH_DIMENSIONS

if TYPE_CHECKING:
    import keras

    from stormcnn.explanation.attribution import Attributor
    from stormcnn.vocabulary import Array

OF_EACH_HOUR = 3
"""Most storms of each hour that are explained, in addition to the most probable ones of the run."""

STEPS = 16
"""Points of the path of integrated gradients, doubled where they do not suffice."""

LEAST_CHANGE = 0.05
"""Smaller changes of the probability are not given as a reason."""


def choose_explained(valid_time: Array, count: int) -> Array:
    """Return the numbers of the first `count` storms, and of the first ones of each hour.

    Of each hour, there are at most `count` and at most `OF_EACH_HOUR`.

    >>> hours = np.array(["2030-05-01T20"] * 5 + ["2030-05-01T21"], "datetime64[h]")
    >>> choose_explained(hours, 4).tolist(), choose_explained(hours, 1).tolist()
    ([0, 1, 2, 3, 5], [0, 5])
    """
    hours = pd.Series(valid_time.astype("datetime64[h]"))
    within_hour = hours.groupby(hours).cumcount().to_numpy()
    return np.flatnonzero((hours.index < count) | (within_hour < min(count, OF_EACH_HOUR)))


def explain_storms(
    network: keras.Model,
    storms: xr.Dataset,
    recalibrate: Callable[[Array], Array],
    chosen: Array,
) -> xr.Dataset:
    """Return why some of `storms`, whose numbers are `chosen`, have their probabilities.

    `storms` has `predictors(storm, y, x, variable)` in physical units, and `recalibrate` is what
    the forecast does with the probabilities of the `network`. The result has the dimension
    `explained` and, with `index` in `storms`: `probability`; `attribution` (y, x, variable), the
    contribution of each value to the log odds before recalibration, by integrated gradients
    (Sundararajan et al. 2017), with its `completeness_error`; `flattened_probability` (flattened),
    the probability with some predictors replaced by their mean over the patch; and `reason`, what
    this shows in words.
    """
    # TensorFlow takes seconds to import.
    from stormcnn.models.prediction import predict_probability

    fields = storms["predictors"].values[chosen]
    variables = [str(name) for name in storms["variable"].values]

    def predict(patches: Array) -> Array:
        return np.asarray(recalibrate(predict_probability(network, patches)), np.float32)

    probability = predict(fields)
    flattened = {
        name_of_set(variables, one): predict(flatten(fields, one))
        for one in flattened_sets(variables)
    }
    if len(fields):
        found = _attributor(network).attribute(fields, STEPS)
        attribution, difference = found.values, found.log_odds - found.reference
    else:
        attribution, difference = np.zeros(fields.shape, np.float32), np.zeros(0)
    total = attribution.sum(axis=(1, 2, 3), dtype=np.float64)
    reasons = [
        describe_reason(float(one), {name: float(p[number]) for name, p in flattened.items()})
        for number, one in enumerate(probability)
    ]

    def about(long_name: str) -> dict[str, str]:
        return {"long_name": long_name, "units": "1"}

    return xr.Dataset(
        {
            "index": ("explained", chosen, about("index of the storm")),
            "probability": ("explained", probability, about("probability of the event")),
            "attribution": (
                ("explained", *PATCH_DIMENSIONS[1:]),
                attribution,
                about("contribution to the log odds of the event, before recalibration"),
            ),
            "completeness_error": (
                "explained",
                completeness_error(total, difference).astype(np.float32),
                about("relative error of the sum of the attribution"),
            ),
            "flattened_probability": (
                ("explained", "flattened"),
                np.stack(list(flattened.values()), axis=1),
                about("probability with some predictors replaced by their mean"),
            ),
            "reason": ("explained", np.array(reasons, dtype=str)),
        },
        {"variable": storms["variable"], "flattened": ("flattened", list(flattened))},
    )


def describe_reason(probability: float, flattened: Mapping[str, float]) -> str:
    """Return in a sentence which predictor's pattern the probability of a storm depends on.

    `flattened` has the probabilities with flat predictors, by their names joined by `+`.

    >>> describe_reason(0.78, {"REFL_COM_curr": 0.7, "U10_curr+V10_curr": 0.31})
    'Without the pattern of 10 m wind, the probability would be 31 % instead of 78 %.'
    """
    lowest = min(flattened, key=lambda name: flattened[name])
    highest = max(flattened, key=lambda name: flattened[name])
    if probability - flattened[lowest] >= LEAST_CHANGE:
        decisive = lowest
    elif flattened[highest] - probability >= LEAST_CHANGE:
        decisive = highest
    else:
        return (
            f"No pattern of a single field changes the probability of {percent(probability)} by "
            f"{100 * LEAST_CHANGE:g} percentage points or more."
        )
    return (
        f"Without the pattern of {predictor_name(decisive)}, the probability would be "
        f"{percent(flattened[decisive])} instead of {percent(probability)}."
    )


@lru_cache(maxsize=1)
def _attributor(network: keras.Model) -> Attributor:
    """Return the attributor of a network, which compiles its gradient once for all runs."""
    from stormcnn.explanation.attribution import Attributor

    return Attributor(network)
