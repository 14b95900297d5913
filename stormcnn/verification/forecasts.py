"""The forecasts that a verification judges, read from predictions and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stormcnn.errors import UserError
from stormcnn.verification.blocks import block_of
from stormcnn.verification.reading import Stored, opened, read_storms
from stormcnn.verification.scores import check_compact
from stormcnn.verification.storm_slices import STORMS_AT_ONCE, storm_slices
from stormcnn.vocabulary import ALL_SEEDS, OVER_SEEDS, SEED_MEANS, Array, BlockSize, NetworkId

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

Predictions = Mapping[NetworkId, Stored]
"""The predictions of each network."""


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


class Source(NamedTuple):
    """Where the probabilities of a forecast are.

    Those of many storms are in memory only while they are used.
    """

    variable: str
    networks: tuple[Stored, ...]
    """The networks whose mean probability is the forecast."""

    def read(self) -> Array:
        """Return the probabilities (storms,): those of one network in the precision of its file."""
        total: Any = 0
        for stored in self.networks:
            with opened(stored) as variables:
                probability = read_storms(variables, self.variable)
            if len(self.networks) == 1:
                return probability
            total = total + probability.astype(np.float64)
        return total / len(self.networks)


class Storms(NamedTuple):
    """The storms that all forecasts are for."""

    event: Array
    """Whether the event occurred (storms,)."""
    run: Array
    """Index of each storm's run date in `run_dates` (storms,)."""
    run_dates: Array
    """The different run dates in ascending order (runs,)."""
    stored: Stored
    """Predictions with the other coordinates of the storms."""
    texts: Mapping[str, list[pd.Categorical]]
    """Slices of their texts, which take much longer to read than to compare."""

    def block(self, size: BlockSize) -> tuple[Array, Array]:
        """Return the labels of the blocks in ascending order, and each storm's index in them."""
        labels, block_of_run = np.unique(block_of(self.run_dates, size), return_inverse=True)
        return labels, block_of_run.astype(np.int32)[self.run]


def read_forecasts(
    sources: Iterable[tuple[str, str, Predictions]],
) -> tuple[dict[Forecast, Source], Storms]:
    """Return every forecast, checked, and the storms that they are for.

    `sources` has, for each kind of forecast, the kind, the name of its variable, and the
    predictions that contain it. Models with several seeds also get the mean probability over the
    seeds.

    Raises `UserError` if there are no predictions, if two of them are not for the same storms, or
    if a probability is missing or not in [0, 1].
    """
    storms: Storms | None = None
    first = ""
    forecasts: dict[Forecast, Source] = {}
    for kind, variable, predictions in sources:
        by_model: dict[str, list[Stored]] = {}
        for (model, seed), stored in predictions.items():
            network = f"model {model}, seed {seed}"
            with opened(stored) as variables:
                if storms is None:
                    first, storms = network, _read_storms(stored, variables)
                else:
                    _check_same_storms(variables, storms, network, first)
                try:
                    probability, event = check_compact(
                        read_storms(variables, variable), storms.event
                    )
                except UserError as error:
                    raise UserError(
                        f"{network}, {variable}: {error} Remove the file with these predictions "
                        "and run the workflow again."
                    ) from None
            storms = storms._replace(event=event)
            # They are used many times, and opening a file takes as long as scoring few storms.
            kept = {variable: probability} if probability.size <= STORMS_AT_ONCE else stored
            forecasts[Forecast(model, kind, str(seed))] = Source(variable, (kept,))
            by_model.setdefault(model, []).append(kept)
        for model, networks in by_model.items():
            if len(networks) > 1 and kind in SEED_MEANS:
                mean = Forecast(model, SEED_MEANS[kind], ALL_SEEDS)
                forecasts[mean] = Source(variable, tuple(networks))
    if storms is None:
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


def _read_storms(stored: Stored, variables: Mapping[Any, Any]) -> Storms:
    label = read_storms(variables, "label")
    run_dates, run = np.unique(read_storms(variables, "run_date"), return_inverse=True)
    texts = {
        name: [
            pd.Categorical(read_storms(variables, name, part)) for part in storm_slices(label.size)
        ]
        for name in SAME_STORM
        if name in variables and read_storms(variables, name, slice(1)).dtype.kind in "OU"
    }
    return Storms(label, run.astype(np.int32), run_dates, stored, texts)


def _check_same_storms(
    variables: Mapping[Any, Any], storms: Storms, network: str, first: str
) -> None:
    """Raise `UserError` if the predictions of `network` are not for `storms`, those of `first`."""
    advice = (
        "All models must forecast the same storms in the same order. Remove the predictions of "
        "both and run the workflow again."
    )
    with opened(storms.stored) as others:
        for name in SAME_STORM:
            if name not in variables or name not in others:
                continue
            number = np.shape(variables[name])[0]
            if number != storms.run.size:
                raise UserError(
                    f"{network} has {number} storms, but {first} has {storms.run.size}. {advice}"
                )
            for index, part in enumerate(storm_slices(number)):
                own = read_storms(variables, name, part)
                texts = storms.texts.get(name)
                other = np.asarray(texts[index]) if texts else read_storms(others, name, part)
                differs = own != other
                if differs.any():
                    storm = int(differs.argmax())
                    raise UserError(
                        f"{network} and {first} are for different storms: {name} of storm "
                        f"{part.start + storm} is {own[storm]} and {other[storm]}. {advice}"
                    )
