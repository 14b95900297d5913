"""Fit an opponent of the networks to the features of storms, and write its probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from stormcnn.io import read_netcdf, write_netcdf
from stormcnn.models.held_out import held_out_start
from stormcnn.models.prediction_files import describe_predictions
from stormcnn.provenance import provenance
from stormcnn.storms.events import check_any_storm, check_enough_storms, exceeds

if TYPE_CHECKING:
    import xarray as xr

    from stormcnn.vocabulary import Array, StrPath

Fitted = TypeVar("Fitted")


def fit_and_predict(
    fit: Callable[[pd.DataFrame, Array, Array, int], Fitted],
    predict: Callable[[Fitted, pd.DataFrame], Array],
    features: Mapping[str, StrPath],
    event: Mapping[str, Any],
    model: str,
    seeds: Sequence[int],
    held_out: str | None,
    output: Mapping[str, Sequence[StrPath]],
) -> list[Fitted]:
    """Fit a model with each seed, write its probabilities, and return the fitted models.

    Parameters
    ----------
    fit
        Fits the model to features (storm, feature), events, days (storm,) and a seed.
    predict
        Returns the probability of the event for features (storm, feature).
    features
        The file of each period, `training` and `test`, see `storm_features.compute_features`.
    event
        `threshold` and other settings of the event.
    held_out
        First run date of the end of the training period that is predicted by a model fitted
        without it, with the first seed; None if the training period is too short.
    output
        Files of the probabilities of the periods `training` and `test`, one per seed, and of the
        end of the training period, `held_out`.

    Raises `UserError` if a period has no storm, or the training period too few events or others.
    """
    periods = {period: read_netcdf(features[period]) for period in ("training", "test")}
    for storms in periods.values():
        check_any_storm(storms.sizes["storm"])
    tables = {period: _table(storms) for period, storms in periods.items()}
    training = periods["training"]
    label = exceeds(training["peak"].values, event["threshold"])
    check_enough_storms(label, event["threshold"])
    run_date = training["run_date"].values
    day = run_date.astype("datetime64[D]")

    def write(storms: xr.Dataset, probability: Array, seed: int, path: StrPath) -> None:
        predicted = describe_predictions(probability, storms["peak"], event["threshold"])
        about = provenance({"model": model, "event": dict(event)}, model=model, seed=seed)
        write_netcdf(predicted.assign_attrs(title=storms.attrs["title"], **about), path)

    every = []
    for number, seed in enumerate(seeds):
        every.append(fit(tables["training"], label, day, seed))
        for period, storms in periods.items():
            probability = predict(every[-1], tables[period])
            write(storms, probability, seed, output[period][number])
    start = held_out_start(run_date, label, held_out)
    known, end = slice(None, start), slice(start, None)
    table = tables["training"][end]
    probability = np.zeros(len(table), np.float32)
    if probability.size:
        fitted = fit(tables["training"][known], label[known], day[known], seeds[0])
        probability = predict(fitted, table)
    write(training.isel(storm=end), probability, seeds[0], output["held_out"][0])
    return every


def _table(storms: xr.Dataset) -> pd.DataFrame:
    """Return the features of storms, with one row per storm."""
    return pd.DataFrame(storms["features"].values, columns=storms["feature"].values.astype(str))
