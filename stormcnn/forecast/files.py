"""Forecasts for storms whose future is unknown, as files for people and for maps."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.sampling.members import LEVELS

FIELDS = {
    "probability": ("probability of strong low-level rotation in the next hour", "1"),
    "mc_mean": ("mean of the members' probabilities", "1"),
    "mc_std": ("standard deviation of the members' probabilities", "1"),
    "mc_quantile": ("quantile of the members' probabilities", "1"),
    "outside_training": ("whether a predictor leaves the range of the training period", "1"),
}


def outside_range(
    predictors: np.ndarray, minimum: Sequence[float], maximum: Sequence[float]
) -> np.ndarray:
    """Whether any value of each storm leaves the range met in training, shape (storm,).

    `predictors` has shape (storm, y, x, variable); `minimum` and `maximum` have one value a
    variable, in the same units. A network has learnt nothing about such values.
    """
    lowest = predictors.min(axis=(1, 2))
    highest = predictors.max(axis=(1, 2))
    # Files hold single precision, the ranges' text may not.
    below = lowest < np.asarray(minimum, predictors.dtype)
    above = highest > np.asarray(maximum, predictors.dtype)
    return (below | above).any(axis=1)


def assemble_forecast(
    storms: xr.Dataset,
    probability: np.ndarray,
    summary: Mapping[str, np.ndarray],
    outside_training: np.ndarray,
) -> xr.Dataset:
    """One dataset of all that is said of each storm, the most probable storm first.

    `storms` brings the coordinates; `probability` and `outside_training` have shape (storm,);
    `summary` is what `members.summarise_members` gives, or empty without members.
    """
    values = {
        "probability": probability,
        **{name: value for name, value in summary.items() if name in FIELDS},
        "outside_training": outside_training.astype("int8"),
    }
    forecast = xr.Dataset(
        {
            name: (
                ("storm", "quantile")[: value.ndim],
                value if value.dtype == np.int8 else value.astype(np.float32),
                dict(zip(("long_name", "units"), FIELDS[name], strict=True)),
            )
            for name, value in values.items()
        },
        coords={
            name: coordinate
            for name, coordinate in storms.coords.items()
            if coordinate.dims == ("storm",)
        },
    )
    if "quantile" in forecast.dims:
        forecast = forecast.assign_coords(quantile=LEVELS)
    order = np.argsort(-probability, kind="stable")
    return forecast.isel(storm=order)


def tabulate_forecast(forecast: xr.Dataset) -> pd.DataFrame:
    """A row a storm: run, time, track, position, probabilities; quantiles as `mc_q05`, ..."""
    first = [
        "run_date",
        "valid_time",
        "ensemble_member",
        "track_id",
        "track_step",
        "longitude",
        "latitude",
    ]
    table = forecast.drop_dims("quantile", errors="ignore").to_dataframe().reset_index(drop=True)
    if "mc_quantile" in forecast:
        for level, values in zip(
            forecast["quantile"].values, forecast["mc_quantile"].values.T, strict=True
        ):
            table[f"mc_q{100 * level:02.0f}"] = values
    probabilities = [name for name in table if name in FIELDS or name.startswith("mc_")]
    others = [name for name in table if name not in (*first, *probabilities)]
    return table[[*first, *probabilities, *others]]


def as_geojson(table: pd.DataFrame) -> str:
    """The storms of `tabulate_forecast` as GeoJSON points (RFC 7946), in the table's order."""

    def plain(value: Any) -> Any:
        if isinstance(value, pd.Timestamp):
            return value.isoformat()
        if isinstance(value, float | np.floating):
            # JSON has no NaN, and more digits than single precision has would be invented.
            return float(f"{value:.6g}") if np.isfinite(value) else None
        return value.item() if isinstance(value, np.generic) else value

    features = [
        {
            "type": "Feature",
            "geometry": {
                "type": "Point",
                "coordinates": [plain(row["longitude"]), plain(row["latitude"])],
            },
            "properties": {
                name: plain(value)
                for name, value in row.items()
                if name not in ("longitude", "latitude")
            },
        }
        for row in table.to_dict("records")
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, indent=1) + "\n"


def check_unseen(forecast: xr.Dataset) -> None:
    """Raise `UserError` where the network may have been trained on the run that it forecast."""
    trained_until = forecast.attrs["trained_until"]
    run_dates = forecast["run_date"].values.astype("datetime64[m]")
    if (run_dates <= np.datetime64(trained_until)).any():
        raise UserError(
            f"The run of {run_dates[0]} was forecast by a network that was trained on runs up "
            f"to {trained_until}. To score that would flatter the network. Take the run out of "
            "forecast.observed, or forecast it with a network whose training ends before it."
        )


def join_by_network(forecasts: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """All storms that one network has forecast as one dataset, for each network that has.

    Variables that not every forecast of a network has, such as those of the members, are left out.
    """
    parts: dict[str, list[xr.Dataset]] = {}
    for forecast in forecasts:
        parts.setdefault(forecast.attrs["network_sha256"], []).append(forecast)
    joined = []
    for alike in parts.values():
        common = set.intersection(*(set(part.variables) for part in alike))
        same = [part.drop_vars(set(part.variables) - common) for part in alike]
        joined.append(xr.concat(same, "storm", combine_attrs="override"))
    return joined


def match_outcome(forecast: xr.Dataset, outcome: xr.Dataset) -> np.ndarray:
    """Peak of each storm of `forecast` (s-1), taken from the same run read with its future.

    Storms are the same where run date, member and the index in the run file are. Storms of
    `outcome` need not be all of the forecast's: the others get NaN. Raises `UserError` where no
    storm is found, or one lies elsewhere than it was forecast.
    """
    key = ["run_date", "ensemble_member", "patch"]
    there = outcome[["peak"]].to_dataframe().set_index(key)
    here = forecast.drop_dims("quantile", errors="ignore").to_dataframe().set_index(key)
    peaks = there["peak"].reindex(here.index)
    if peaks.isna().all():
        raise UserError(
            "None of the storms that were forecast is in the run files with their future. "
            "Give the run files of the same run dates in forecast.observed."
        )
    found = there.reindex(here.index[peaks.notna()])
    same = here.loc[peaks.notna().to_numpy(), ["track_id", "track_step"]].eq(
        found[["track_id", "track_step"]]
    )
    if not same.all(axis=None):
        run_date, member, patch = same.index[~same.all(axis=1).to_numpy()][0]
        raise UserError(
            f"Storm {patch} of run {run_date} member {member} is of another track than the one "
            "that was forecast: the run file has changed. Forecast it again."
        )
    return peaks.to_numpy()
