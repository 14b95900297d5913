"""Match forecasts with their outcomes, so that they can be verified."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.forecast.files import of_storms
from stormcnn.vocabulary import Array


def check_unseen(forecast: xr.Dataset) -> None:
    """Raise `UserError` if the network may have been trained on the run that it forecast."""
    trained_until = forecast.attrs["trained_until"]
    run_dates = forecast["run_date"].values.astype("datetime64[m]")
    if (run_dates <= np.datetime64(trained_until)).any():
        raise UserError(
            f"forecast.observed: the forecast of the run of {run_dates[0]} cannot be verified, "
            f"because its network was trained on runs up to {trained_until}. Remove the run from "
            "forecast.observed, or forecast it with a network whose training period ends earlier."
        )


def join_by_network(forecasts: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """Join the forecasts of each network along `storm`; return one dataset per network.

    Variables that some forecasts of a network lack, such as those of MC members, are dropped.
    """
    by_network: dict[str, list[xr.Dataset]] = {}
    for forecast in forecasts:
        by_network.setdefault(forecast.attrs["network_sha256"], []).append(forecast)
    joined = []
    for parts in by_network.values():
        common = set.intersection(*(set(part.variables) for part in parts))
        same = [part.drop_vars(set(part.variables) - common) for part in parts]
        joined.append(xr.concat(same, "storm", combine_attrs="override"))
    return joined


def match_outcome(forecast: xr.Dataset, outcome: xr.Dataset) -> Array:
    """Return the observed peak of each storm of `forecast` in the units of the target, (storm,).

    `outcome` holds the same run read with its future; storms are identified by run date, ensemble
    member and index in the run file. Forecast storms that `outcome` lacks get NaN. Raises
    `UserError` if no storm matches, or if a storm belongs to another track than when it was
    forecast.
    """
    key = ["run_date", "ensemble_member", "patch"]
    observed = outcome[["peak"]].to_dataframe().set_index(key)
    expected = of_storms(forecast).to_dataframe().set_index(key)
    peaks = observed["peak"].reindex(expected.index)
    if peaks.isna().all():
        raise UserError(
            "forecast.observed: none of the forecast storms is in the observed run files. List the "
            "run files of the same run dates."
        )
    track = ["track_id", "track_step"]
    matched = peaks.notna().to_numpy()
    expected_tracks = expected.loc[matched, track]
    same = expected_tracks.eq(observed.loc[:, track].reindex(expected_tracks.index))
    if not same.all(axis=None):
        run_date, member, patch = same.index[~same.all(axis=1).to_numpy()][0]
        raise UserError(
            f"forecast.observed: storm {patch} of run {run_date} and ensemble member {member} "
            "belongs to another track than when it was forecast, so the run file has changed. "
            "Forecast the run again."
        )
    return peaks.to_numpy()
