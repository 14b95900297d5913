"""Judge the same forecasts by the event of the NWP model and by the observed event."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.storms.events import has_enough_storms
from stormcnn.storms.observed_events import UNKNOWN, YES
from stormcnn.verification.tables import Tables, verify
from stormcnn.vocabulary import Array, NetworkId

NWP, OBSERVED = "nwp", "observed"
"""Values of the column `truth`."""

DAYLIGHT = (6.0, 18.0)
"""Hours of local solar time that count as day."""

Predictions = Mapping[NetworkId, xr.Dataset]


def verify_both(
    predictions: Predictions,
    observations: xr.Dataset,
    *,
    training_climatology: float,
    monte_carlo: Predictions,
    recalibrated: Predictions,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    """Return the tables of `tables.verify` for both truths, with the column `truth`.

    Both truths are judged on the storms whose observed event is known. `observations` is the result
    of `find_observed_events` with the attribute `training_frequency`, the frequency of the observed
    event in the training period; NaN if the reports do not cover it. `training_climatology` is the
    frequency of the NWP event. `settings` are those of `verify`.

    Without 10 observed events and 10 other storms, all tables are empty. Raises `UserError` if the
    observations are not for the storms of the predictions.
    """
    known = observations["observed"].values != UNKNOWN
    if not has_enough_storms(observations["observed"].values[known] == YES):
        return {name: pd.DataFrame(columns=["model", "truth"]) for name in Tables._fields}
    climatologies = {
        NWP: training_climatology,
        OBSERVED: float(observations.attrs["training_frequency"]),
    }
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in Tables._fields}
    for truth, climatology in climatologies.items():
        judged, of_members, of_recalibrated = (
            {
                network: judge_by(truth, of_network, observations)
                for network, of_network in source.items()
            }
            for source in (predictions, monte_carlo, recalibrated)
        )
        found = verify(
            judged,
            monte_carlo=of_members,
            recalibrated=of_recalibrated,
            training_climatology=climatology,
            **settings,
        )
        for name, table in found._asdict().items():
            tables[name].append(table.assign(truth=truth))
    return {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}


def judge_by(truth: str, predictions: xr.Dataset, observations: xr.Dataset) -> xr.Dataset:
    """Return the predictions for storms whose observed event is known, with the label of a truth.

    Raises `UserError` if the observations are for other storms.
    """
    _check_same_storms(predictions, observations)
    observed = observations["observed"].values
    chosen = predictions.isel(storm=observed != UNKNOWN)
    if truth == NWP:
        return chosen
    event = (observed[observed != UNKNOWN] == YES).astype(np.int8)
    return chosen.assign(label=("storm", event))


def compare_truths(predictions: Predictions, observations: xr.Dataset) -> pd.DataFrame:
    """Return what each model forecasts for each combination of the two events.

    The columns are `model`, `seed`, `part`, `nwp_event` and `observed_event` (0 or 1), `storms`
    and `mean_probability`. The parts are `all` storms whose observed event is known, and those by
    `day` (6 to 18 hours of local solar time) and `night`. The numbers of storms are the same for
    all models.
    """
    rows = []
    for (model, seed), of_network in predictions.items():
        known = judge_by(NWP, of_network, observations)
        event = known["label"].values == 1
        observed = judge_by(OBSERVED, of_network, observations)["label"].values == 1
        probability = known["probability"].values.astype(np.float64)
        day = is_day(known["valid_time"].values, known["longitude"].values)
        for part, inside in {"all": np.ones_like(day), "day": day, "night": ~day}.items():
            for one, other in product((True, False), repeat=2):
                chosen = inside & (event == one) & (observed == other)
                rows.append(
                    {
                        "model": model,
                        "seed": seed,
                        "part": part,
                        "nwp_event": int(one),
                        "observed_event": int(other),
                        "storms": int(chosen.sum()),
                        "mean_probability": probability[chosen].mean() if chosen.any() else np.nan,
                    }
                )
    return pd.DataFrame(rows)


def is_day(time: Array, longitude: Array) -> Array:
    """Return whether it is day at times in UTC (storm,) and longitudes in degrees (storm,).

    >>> is_day(np.array(["2015-05-01T20", "2015-05-01T04"], "datetime64[h]"), np.array([-90, -90]))
    array([ True, False])
    """
    hour = (time - time.astype("datetime64[D]")) / np.timedelta64(1, "h")
    local = (hour + longitude / 15) % 24
    day: Array = (local >= DAYLIGHT[0]) & (local < DAYLIGHT[1])
    return day


def _check_same_storms(predictions: xr.Dataset, observations: xr.Dataset) -> None:
    names = ("run_file", "patch")
    if predictions.sizes["storm"] != observations.sizes["storm"] or any(
        (predictions[name].values != observations[name].values).any() for name in names
    ):
        raise UserError(
            "observations.nc is for other storms than the predictions. Remove both and run the "
            "workflow again."
        )
