"""Assemble the forecast of one run file and convert it to a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.sampling.members import LEVELS, number_members
from stormcnn.storms.titles import MADE_UP, is_made_up_title
from stormcnn.vocabulary import Array

FIELDS = {
    "probability": ("probability of the event", "1"),
    "probability_raw": ("probability before recalibration, the output of the network", "1"),
    "mc_mean": ("mean of the probabilities of the MC members", "1"),
    "mc_std": ("standard deviation of the probabilities of the MC members", "1"),
    "mc_quantile": ("quantile of the probabilities of the MC members", "1"),
    "member_probability": ("probability of the event of each MC member", "1"),
    "outside_training": ("whether a predictor leaves the range of the training period", "1"),
}
"""Long name and units of each variable of a forecast."""

SECOND_DIMENSIONS = {"mc_quantile": "quantile", "member_probability": "mc_member"}
"""The dimension after `storm` of variables that have one."""

WINDOWS = {"prev": (-1, -1), "future": (0, 1)}
"""When the event of a target with this suffix happens, in hours after the valid time."""

LEADING_COLUMNS = (
    "run_date",
    "valid_time",
    "ensemble_member",
    "track_id",
    "track_step",
    "longitude",
    "latitude",
)
"""First columns of the table of a forecast."""


def outside_range(fields: Array, minimum: Sequence[float], maximum: Sequence[float]) -> Array:
    """Return whether any predictor of each storm leaves its range in the training period.

    `fields` has shape (storm, y, x, variable); `minimum` and `maximum` have one value per
    variable, in the same units. The result has shape (storm,). A network has learned nothing about
    values outside the range.
    """
    lowest = fields.min(axis=(1, 2))
    highest = fields.max(axis=(1, 2))
    # Fields are single precision, so the limits are rounded to it before they are compared.
    below = lowest < np.asarray(minimum, fields.dtype)
    above = highest > np.asarray(maximum, fields.dtype)
    return (below | above).any(axis=1)


def ranking(probability: Array, raw: Array) -> Array:
    """Return the numbers of the storms by decreasing probability, then by decreasing `raw`.

    >>> ranking(np.array([0.3, 0.9, 0.3]), np.array([0.2, 0.8, 0.4])).tolist()
    [1, 2, 0]
    """
    return np.lexsort((-raw, -probability))


def assemble_forecast(
    storms: xr.Dataset,
    probability: Array,
    raw: Array,
    summary: Mapping[str, Array],
    outside_training: Array,
    event: str = "the event",
    target: str = "",
) -> xr.Dataset:
    """Return the forecast as one dataset, in the order of `ranking`.

    In the CF conventions (chapter 9), its storms are the features of the type `point`.

    `storms` provides the coordinates; `probability`, `raw` (before recalibration) and
    `outside_training` have shape (storm,). `summary` is the result of
    `stormcnn.sampling.members.summarize_members` with the `member_probability` (storm, mc_member)
    that it summarizes, or empty if there are no MC members. `event` is the event in words, and
    `target` the variable that tells it, whose suffix determines `valid_from` and `valid_to`.
    """
    values = {
        "probability": probability,
        "probability_raw": raw,
        **{name: value for name, value in summary.items() if name in FIELDS},
        "outside_training": outside_training.astype("int8"),
    }
    forecast = xr.Dataset(
        {
            name: (
                ("storm", SECOND_DIMENSIONS.get(name, ""))[: value.ndim],
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
        attrs={"featureType": "point"},
    )
    forecast["outside_training"].attrs.update(
        flag_values=np.array([0, 1], "int8"), flag_meanings="no yes"
    )
    forecast["probability"].attrs["long_name"] = f"probability of {event}"
    if "quantile" in forecast.dims:
        forecast = forecast.assign_coords(quantile=LEVELS)
    if "mc_member" in forecast.dims:
        forecast = forecast.assign_coords(mc_member=number_members(forecast.sizes["mc_member"]))
    return _with_window(forecast, target).isel(storm=ranking(probability, raw))


def _with_window(forecast: xr.Dataset, target: str) -> xr.Dataset:
    """Return the forecast with the first and the last time at which the event may happen."""
    hours = WINDOWS.get(target.rpartition("_")[2], (0, 0))
    ends = zip(("valid_from", "valid_to"), ("first", "last"), hours, strict=True)
    return forecast.assign_coords(
        {
            name: (
                "storm",
                forecast["valid_time"].values + np.timedelta64(hour, "h"),
                {"long_name": f"{which} time at which the event may happen"},
            )
            for name, which, hour in ends
        }
    )


def of_storms(forecast: xr.Dataset) -> xr.Dataset:
    """Return the variables of a forecast that have one value per storm."""
    return forecast.drop_dims(SECOND_DIMENSIONS.values(), errors="ignore")


def tabulate_forecast(forecast: xr.Dataset) -> pd.DataFrame:
    """Return a table with one row per storm, in the order of the forecast.

    The first columns are `LEADING_COLUMNS`, followed by the probabilities and by all other
    coordinates. Quantiles become the columns `mc_q05`, `mc_q25`, ... If the storms are made up, the
    last column is `notice`, which says so: a comment above the header would break readers.
    """
    table = of_storms(forecast).to_dataframe().reset_index(drop=True)
    if "mc_quantile" in forecast:
        for level, values in zip(
            forecast["quantile"].values, forecast["mc_quantile"].values.T, strict=True
        ):
            table[f"mc_q{100 * level:02.0f}"] = values
    probabilities = [name for name in table if name in FIELDS or name.startswith("mc_")]
    others = [name for name in table if name not in (*LEADING_COLUMNS, *probabilities)]
    notice = notice_of(forecast.attrs.get("title", ""))
    columns = table[[*LEADING_COLUMNS, *probabilities, *others]]
    return columns.assign(notice=notice) if notice else columns


def notice_of(title: str) -> str:
    """Return the notice that a forecast of storms with this title needs; empty if none.

    >>> notice_of("Made-up storm patches for run 20300101-0000: not a real forecast")
    'Made-up storms: not a real forecast'
    """
    return f"{MADE_UP} storms: not a real forecast" if is_made_up_title(title) else ""
