"""The data that the page of a forecast embeds for its map, list and storms."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.explanation.completeness import TOLERANCE
from stormcnn.forecast.contents import ForecastContents
from stormcnn.forecast.headline import EventSum, sum_by_hour, sum_total
from stormcnn.forecast.map_shapes import MapShapes, map_shapes, neighborhood_areas
from stormcnn.forecast.probability_steps import EDGES, step_labels
from stormcnn.forecast.selection import select_storms
from stormcnn.forecast.storm_texts import outer_quantiles, window_text, window_texts
from stormcnn.report.decision_texts import aim_label, threshold_text
from stormcnn.report.field_bytes import encode, palette, quantize_attributions, quantize_fields
from stormcnn.report.field_style import field_label
from stormcnn.report.predictor_names import predictor_name
from stormcnn.storms.event_texts import display_units
from stormcnn.storms.patch_file import GRID_SPACING
from stormcnn.verification.decisions import LARGEST_CSI, UNBIASED, cost_loss_of
from stormcnn.vocabulary import Array

MOST_FIELD_BYTES = 2_400_000
"""Largest size of the compressed fields of all storms together."""

STORMS_PER_CHUNK = 32
"""Storms whose fields are compressed together. The page decompresses those that it shows."""

FIELD_STEP = 4
"""Distance of the bytes of fields: 64 levels of a color scale cannot be told apart by eye."""

UNITS_PER_KM = 10
"""Units of the coordinates of the map, which are integers, per kilometer."""

BINS = 20
"""Bins of the histogram of MC members."""


def page_data(contents: ForecastContents, shown: Array) -> dict[str, Any]:
    """Return what the script of the page needs, in types that JSON can express.

    `contents` has at least one storm. `shown` are the numbers of the storms on the page; sums are
    those of all storms. Storms are in the order of the forecast and are lists of one value per
    storm.
    """
    hours = contents.hours
    sums = {"hours": _hours(contents), "total": _total(contents)}
    contents = select_storms(contents, shown)
    forecast = contents.forecast
    shapes = map_shapes(contents)
    windows, place = np.unique(window_texts(forecast), return_inverse=True)
    hour_of_storm = np.searchsorted(hours, forecast["valid_time"].values.astype("datetime64[h]"))
    quantiles = outer_quantiles(forecast)
    corner = np.array([shapes.low[0], shapes.high[1]])
    return {
        **sums,
        "map": _map(contents, shapes, corner, hours),
        "edges": EDGES,
        "steps": step_labels(),
        "windows": windows.tolist(),
        "thresholds": [
            {
                "name": _aim_name(aim),
                # Single precision, as the probabilities with which the page compares it.
                "value": float(str(np.float32(value))),
                "text": threshold_text(value),
            }
            for aim, value in contents.thresholds.items()
            if 0 < value <= 1
        ],
        "storms": {
            "number": forecast["patch"].values.tolist(),
            "probability": _exact(forecast["probability"].values),
            "raw": _exact(forecast["probability_raw"].values),
            "spread": None if quantiles is None else _rounded(quantiles),
            "mean": _rounded(forecast["mc_mean"].values) if "mc_mean" in forecast else None,
            "members": _histograms(forecast),
            "window": place.reshape(-1).tolist(),
            "hour": hour_of_storm.tolist(),
            "time": ((forecast["valid_time"].values - hours[0]) / np.timedelta64(1, "h"))
            .round(3)
            .tolist(),
            "track": forecast["track_id"].values.tolist(),
            "step": forecast["track_step"].values.tolist(),
            "latitude": forecast["latitude"].values.round(2).astype(float).round(2).tolist(),
            "longitude": forecast["longitude"].values.round(2).astype(float).round(2).tolist(),
            "center": _as_units(shapes.centers, corner).tolist(),
            "outline": [_path(rings, corner, closed=True) for rings in shapes.outlines],
            "outside": forecast["outside_training"].values.astype(int).tolist(),
        },
        "fields": _fields(contents),
        "explained": _explained(contents.explanations),
        "similar": _similar(contents),
    }


def _aim_name(aim: str) -> str:
    """Return an aim for parentheses; an unknown one, from another version, as it is."""
    if (cost_loss := cost_loss_of(aim)) is not None:
        return f"if acting costs {100 * cost_loss:g} % of the loss"
    if aim not in (LARGEST_CSI, UNBIASED):
        return aim
    label = aim_label(aim)
    return f"{label[0].lower()}{label[1:]}"


def _exact(values: Array) -> list[float]:
    """Return numbers of single precision with as many digits as identify them.

    >>> _exact(np.array([0.1, 2 / 3], np.float32))
    [0.1, 0.6666667]
    """
    exact: list[float] = values.astype(str).astype(float).tolist()
    return exact


def _rounded(values: Array) -> Any:
    """Return values as lists with four decimals; None for those that are not finite."""
    rounded = np.round(values.astype(float), 4).astype(object)
    rounded[~np.isfinite(values)] = None
    return rounded.tolist()


def _as_units(points: Array, corner: Array) -> Array:
    """Return x and y in kilometers as integers from the upper left corner of the map."""
    return np.round((points - corner) * [UNITS_PER_KM, -UNITS_PER_KM]).astype(int)


def _path(lines: Sequence[Array], corner: Array, closed: bool = False) -> str:
    """Return lines as an SVG path; points that are the same in integers are left out."""
    parts = []
    for line in lines:
        points = _as_units(line, corner)
        moves = np.diff(points, axis=0)
        moves = moves[(moves != 0).any(axis=1)]
        if len(moves) == 0:
            continue
        if closed and len(moves) > 1:  # The last move is that of `z`.
            moves = moves[:-1]
        steps = " ".join(f"{x},{y}" for x, y in moves.tolist())
        parts.append(f"M{points[0, 0]},{points[0, 1]}l{steps}{'z' if closed else ''}")
    return "".join(parts)


def _map(
    contents: ForecastContents, shapes: MapShapes, corner: Array, hours: Array
) -> dict[str, Any]:
    width, height = _as_units(np.array([shapes.high[0], shapes.low[1]]), corner).tolist()
    areas = None
    if contents.neighbourhood is not None:
        by_time = neighborhood_areas(contents.neighbourhood, shapes.projection)
        areas = {}
        for time, polygons in by_time.items():
            hour = np.flatnonzero(hours == time.astype("datetime64[h]"))
            if hour.size:
                areas[str(hour[0])] = [
                    [step, path]
                    for step, rings in polygons
                    if (path := _path(rings, corner, closed=True))
                ]
    return {
        "width": width,
        "height": height,
        "units_per_km": UNITS_PER_KM,
        "states": _path(shapes.states, corner),
        "countries": _path(shapes.countries, corner),
        "areas": areas,
    }


def _hours(contents: ForecastContents) -> list[dict[str, Any]]:
    """Return label, number of storms and expected events of each hour."""
    forecast = contents.forecast
    times = forecast["valid_time"].values
    own = times.astype("datetime64[h]")
    starts, ends = (forecast[name].values for name in ("valid_from", "valid_to"))
    with_day = np.unique(starts.astype("datetime64[D]")).size > 1
    hours = []
    for hour, sums in zip(contents.hours, sum_by_hour(contents), strict=True):
        storms = np.flatnonzero(own == hour)
        if storms.size:
            first = storms[np.argmin(times[storms])]
            start, end = starts[first], ends[first]
        else:
            start, end = hour + (starts - own)[0], hour + (ends - own)[0]
        hours.append(
            {
                "label": window_text(start, end, with_day),
                "short": window_text(start, start, with_day=False).removesuffix(" UTC"),
                "storms": len(storms),
                **_rounded_sums(sums),
            }
        )
    return hours


def _total(contents: ForecastContents) -> dict[str, Any]:
    return {"storms": contents.forecast.sizes["storm"], **_rounded_sums(sum_total(contents))}


def _rounded_sums(sums: EventSum) -> dict[str, float | None]:
    return {
        name: None if value is None else round(value, 2) for name, value in sums._asdict().items()
    }


def _histograms(forecast: xr.Dataset) -> list[list[int]] | None:
    """Return how many MC members are in each bin of probability, for each storm."""
    if "member_probability" not in forecast:
        return None
    members = forecast["member_probability"].values
    places = np.clip((members * BINS).astype(int), 0, BINS - 1)
    storms = np.arange(len(members))[:, None]
    counts = np.bincount((places + BINS * storms).ravel(), minlength=BINS * len(members))
    histograms: list[list[int]] = counts.reshape(-1, BINS).tolist()
    return histograms


def _fields(contents: ForecastContents) -> dict[str, Any]:
    """Return the compressed fields of the most probable storms.

    A chunk has, for each of its storms, one byte per value in the order variable, row, column,
    and then its mask, one bit per grid point. Chunks are in the format of zlib (RFC 1950).
    """
    storms = contents.storms
    names = [str(name) for name in storms["variable"].values]
    units = json.loads(contents.forecast.attrs.get("predictor_units", "{}"))
    values, ranges = quantize_fields(storms["predictors"].values, names, FIELD_STEP)
    masks = storms["masks"].values if "masks" in storms else None
    records = values.reshape(len(values), -1)
    if masks is not None:
        packed = np.packbits((masks != 0).reshape(len(values), -1), axis=1)
        records = np.concatenate([records, packed], axis=1)
    chunks: list[str] = []
    room = MOST_FIELD_BYTES
    for start in range(0, len(records), STORMS_PER_CHUNK):
        chunk = encode(zlib.compress(records[start : start + STORMS_PER_CHUNK].tobytes(), 9))
        room -= len(chunk)
        if room < 0:
            break
        chunks.append(chunk)
    return {
        "size": list(values.shape[2:]),
        "spacing": round(float(storms.attrs.get(GRID_SPACING, 0.0)), 3),
        "wind": [names.index(name) for name in ("U10_curr", "V10_curr") if name in names],
        "masks": masks is not None,
        "variables": [
            {
                "name": field_label(name, ""),
                "units": display_units(units.get(name, "")),
                "low": low,
                "high": high,
                "palette": encode(palette(name)),
            }
            for name, (low, high) in zip(names, ranges, strict=True)
        ],
        "per_chunk": STORMS_PER_CHUNK,
        "count": min(len(records), len(chunks) * STORMS_PER_CHUNK),
        "chunks": chunks,
    }


def _explained(explanations: xr.Dataset | None) -> dict[str, dict[str, Any]]:
    """Return the reasons for the probability of each explained storm, by its number."""
    if explanations is None:
        return {}
    names = [predictor_name(str(name)) for name in explanations["flattened"].values]
    explained = {}
    for one in (explanations.isel(explained=[i]) for i in range(explanations.sizes["explained"])):
        values, largest = quantize_attributions(one["attribution"].values)
        explained[str(int(one["index"].item()))] = {
            "reason": str(one["reason"].item()),
            "probability": round(float(one["probability"].item()), 4),
            "flattened": [
                [name, round(float(value), 4)]
                for name, value in zip(names, one["flattened_probability"].values[0], strict=True)
            ],
            "attribution": encode(values),
            "largest": float(f"{largest[0]:.2g}"),
            "complete": bool(one["completeness_error"].item() <= TOLERANCE),
        }
    return explained


def _similar(contents: ForecastContents) -> dict[str, Any] | None:
    """Return the past storms that any storm is similar to, and which ones these are for each."""
    similar = contents.similar
    if similar is None:
        return None
    texts = pd.to_datetime(similar["valid_time"].values.ravel()).strftime("%Y-%m-%d %H")
    columns = {
        name: similar[name].values.ravel() for name in ("track_id", "event", "probability", "peak")
    }
    rows = pd.DataFrame({"time": texts, **columns})
    codes = rows.groupby(list(rows), sort=False, dropna=False).ngroup().to_numpy()
    past = rows.drop_duplicates()
    return {
        "past": [
            [
                row.time,
                int(row.event),
                None if pd.isna(row.probability) else round(float(row.probability), 4),
                None if pd.isna(row.peak) else f"{row.peak:.3g}",
            ]
            for row in past.itertuples()
        ],
        "of": codes.reshape(similar["event"].shape).tolist(),
        "few": similar["few"].values.astype(int).tolist(),
    }
