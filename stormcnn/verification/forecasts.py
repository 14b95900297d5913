"""The forecasts that a verification judges, read from predictions and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from stormcnn.errors import UserError
from stormcnn.verification.scores import check_forecast
from stormcnn.vocabulary import ALL_SEEDS, OVER_SEEDS, SEED_MEANS, Array, NetworkId

SAME_STORM = (
    "run_date",
    "valid_time",
    "forecast_hour",
    "longitude",
    "latitude",
    "label",
    "run_file",
    "patch",
)
"""Variables that must be equal in the predictions of all models."""

Predictions = Mapping[NetworkId, Mapping[Any, Any]]
"""Arrays (storms,) by name, for each network."""


class Forecast(NamedTuple):
    """The name of one forecast: the model, the kind of forecast, and the seed.

    `kind` is `single`, `mc_mean`, one of the values of `vocabulary.SEED_MEANS`, or one of
    `vocabulary.VARIANTS`. `seed` is a number as text; `vocabulary.ALL_SEEDS` if probabilities are
    averaged over the seeds; or `vocabulary.OVER_SEEDS` if the scores of several forecasts are.
    """

    model: str
    kind: str
    seed: str

    def columns(self) -> dict[str, str]:
        """Return the columns that name the forecast in tables."""
        return {"model": self.model, "forecast": self.kind, "seed": self.seed}


def read_forecasts(
    sources: Iterable[tuple[str, str, Predictions]],
) -> tuple[dict[Forecast, Array], dict[str, Array]]:
    """Return the probabilities of every forecast, and the storms that they are for.

    `sources` has, for each kind of forecast, the kind, the name of its variable, and the
    predictions that contain it. Models with several seeds also get the mean probability over the
    seeds. Probabilities are float64 (storms,); the storms are the arrays (storms,) of `SAME_STORM`.

    Raises `UserError` if there are no predictions, if two of them are not for the same storms, or
    if a probability is missing or not in [0, 1].
    """
    storms: dict[str, Array] = {}
    first = ""
    forecasts: dict[Forecast, Array] = {}
    for kind, variable, predictions in sources:
        by_model: dict[str, list[Array]] = {}
        for (model, seed), arrays in predictions.items():
            network = f"model {model}, seed {seed}"
            if not first:
                first = network
                storms = {name: np.asarray(arrays[name]) for name in SAME_STORM if name in arrays}
            _check_same_storms(arrays, storms, network, first)
            try:
                probability, _ = check_forecast(arrays[variable], storms["label"])
            except UserError as error:
                raise UserError(
                    f"{network}, {variable}: {error} Remove the file with these predictions and "
                    "run the workflow again."
                ) from None
            forecasts[Forecast(model, kind, str(seed))] = probability
            by_model.setdefault(model, []).append(probability)
        for model, probabilities in by_model.items():
            if len(probabilities) > 1 and kind in SEED_MEANS:
                forecasts[Forecast(model, SEED_MEANS[kind], ALL_SEEDS)] = np.mean(
                    probabilities, axis=0
                )
    if not forecasts:
        raise UserError(
            "There are no predictions to verify. Pass the predictions of at least one network."
        )
    return forecasts, storms


def average_over_seeds(forecasts: Iterable[Forecast]) -> dict[Forecast, list[Forecast]]:
    """Return the forecasts of several seeds whose scores are averaged, by the average's name.

    >>> forecasts = [Forecast("l2", "single", "0"), Forecast("l2", "single", "1")]
    >>> average_over_seeds(forecasts) == {Forecast("l2", "single", "mean"): forecasts}
    True
    """
    parts: dict[Forecast, list[Forecast]] = {}
    for forecast in forecasts:
        if forecast.kind in SEED_MEANS:
            parts.setdefault(forecast._replace(seed=OVER_SEEDS), []).append(forecast)
    return {average: members for average, members in parts.items() if len(members) > 1}


def _check_same_storms(
    arrays: Mapping[str, Any], storms: Mapping[str, Array], network: str, first: str
) -> None:
    """Raise `UserError` if the predictions of `network` are not for `storms`, those of `first`."""
    advice = (
        "All models must forecast the same storms in the same order. Remove the predictions of "
        "both and run the workflow again."
    )
    for name in storms:
        if name not in arrays:
            continue
        own = np.asarray(arrays[name])
        if own.shape != storms[name].shape:
            raise UserError(
                f"{network} has {own.size} storms, but {first} has {storms[name].size}. {advice}"
            )
        differs = own != storms[name]
        if differs.any():
            storm = int(differs.argmax())
            raise UserError(
                f"{network} and {first} are for different storms: {name} of storm {storm} is "
                f"{own[storm]} and {storms[name][storm]}. {advice}"
            )
