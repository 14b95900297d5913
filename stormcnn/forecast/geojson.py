"""A forecast as GeoJSON (RFC 7946): an outline per storm and a line per track."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stormcnn.forecast.antimeridian import as_polygons, cut_line, cut_polygon
from stormcnn.forecast.contents import ForecastContents
from stormcnn.forecast.files import notice_of, tabulate_forecast
from stormcnn.forecast.outlines import track_lines
from stormcnn.vocabulary import Array

if TYPE_CHECKING:
    import xarray as xr

    from stormcnn.forecast.contents import Rings

DECIMALS = 5
"""Decimals of longitudes and latitudes, which are then exact to about a meter."""

METADATA = (
    "title",
    "model",
    "trained_from",
    "trained_until",
    "event_title",
    "event_lead",
    "event_target",
    "event_threshold",
    "event_threshold_units",
    "issued",
    "network_sha256",
    "stormcnn_commit",
    "rejected_storms",
    "rejected_reason",
)
"""Attributes of a forecast that the member `metadata` has as well."""


def as_geojson(contents: ForecastContents) -> str:
    """Return a forecast as GeoJSON text, storms first, in the order of the forecast.

    A storm is a polygon, a multipolygon if it consists of several parts or crosses the
    antimeridian, or a point if its outline is unknown. A track with at least two storms is a line.
    The member `metadata` describes the forecast. The text contains no `<` or `&`, so a web page can
    embed it.
    """
    features = (*_storm_features(contents), *_track_features(contents.forecast))
    written = ",\n".join(
        json.dumps(feature, allow_nan=False, separators=(",", ":")) for feature in features
    )
    metadata = json.dumps(_metadata(contents), allow_nan=False, indent=1)
    text = (
        f'{{"type": "FeatureCollection",\n"metadata": {metadata},\n"features": [\n{written}\n]}}\n'
    )
    return text.replace("<", r"\u003c").replace("&", r"\u0026")


def _metadata(contents: ForecastContents) -> dict[str, Any]:
    attributes = contents.forecast.attrs
    notice = notice_of(attributes.get("title", ""))
    return {
        **({"notice": notice} if notice else {}),
        **{name: _json_value(attributes[name]) for name in METADATA if name in attributes},
        "storms": contents.forecast.sizes["storm"],
        "thresholds": {aim: _json_value(value) for aim, value in contents.thresholds.items()},
    }


def _storm_features(contents: ForecastContents) -> Iterator[dict[str, Any]]:
    forecast = contents.forecast
    table = tabulate_forecast(forecast)
    points = table[["longitude", "latitude"]].to_numpy(np.float64)
    probability = forecast["probability"].values
    shared = _shared_properties(forecast.attrs)
    reasons: dict[int, str] = {}
    if contents.explanations is not None:
        numbers, texts = (contents.explanations[name].values for name in ("index", "reason"))
        reasons = dict(zip(map(int, numbers), map(str, texts), strict=True))
    few = None if contents.similar is None else contents.similar["few"].values
    columns = [_json_values(table[name].to_numpy()) for name in table]
    for number, values in enumerate(zip(*columns, strict=True)):
        row = dict(zip(map(str, table), values, strict=True))
        yield {
            "type": "Feature",
            "geometry": _storm_geometry(contents.outlines[number], points[number]),
            "properties": {
                "feature": "storm",
                **row,
                "outside_training": bool(row["outside_training"]),
                "exceeded_thresholds": [
                    aim
                    for aim, threshold in contents.thresholds.items()
                    if probability[number] >= threshold
                ],
                "reason": reasons.get(number),
                "few_similar": None if few is None else bool(few[number]),
                **shared,
            },
        }


def _track_features(forecast: xr.Dataset) -> Iterator[dict[str, Any]]:
    """Yield the feature of each track that has a length."""
    probability = _json_values(forecast["probability"].values)
    times = _json_values(forecast["valid_time"].values)
    shared = _shared_properties(forecast.attrs)
    for track in track_lines(forecast):
        if lines := cut_line(track.points):
            storms = track.storms.tolist()
            most = max(storms, key=lambda storm: probability[storm])
            yield {
                "type": "Feature",
                "geometry": _geometry("LineString", [_rounded(line) for line in lines]),
                "properties": {
                    "feature": "track",
                    "track_id": track.track_id,
                    "storms": len(storms),
                    "valid_from": times[storms[0]],
                    "valid_to": times[storms[-1]],
                    "highest_probability": probability[most],
                    "highest_probability_at": times[most],
                    **shared,
                },
            }


def _shared_properties(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that are the same in all features."""
    event = " ".join(
        str(attributes[name]) for name in ("event_title", "event_lead") if attributes.get(name)
    )
    return {
        "event": event or None,
        "event_threshold": _json_value(attributes.get("event_threshold")),
        "event_units": attributes.get("event_units") or None,
        "network": str(attributes.get("network_sha256", ""))[:12] or None,
    }


def _storm_geometry(rings: Rings, point: Array) -> dict[str, Any] | None:
    if len(rings):
        parts = [part for polygon in as_polygons(rings) for part in cut_polygon(polygon)]
        return _geometry("Polygon", [[_rounded(ring) for ring in part] for part in parts])
    return {"type": "Point", "coordinates": _rounded(point)}


def _geometry(kind: str, parts: Sequence[Any]) -> dict[str, Any]:
    if len(parts) == 1:
        return {"type": kind, "coordinates": parts[0]}
    return {"type": f"Multi{kind}", "coordinates": list(parts)}


def _rounded(points: Array) -> Any:
    return np.round(points, DECIMALS).tolist()


def _json_value(value: Any) -> Any:
    """Return a value in a type that JSON can express, as `_json_values` does."""
    return value if isinstance(value, str) else _json_values(np.asarray([value]))[0]


def _json_values(values: Array) -> list[Any]:
    """Return values in types that JSON can express; null stands for NaN, and times are in UTC."""
    if values.dtype.kind == "M":
        return [f"{time}Z" for time in np.datetime_as_string(values, unit="s").tolist()]
    if values.dtype.kind == "f":
        # Single precision has no more than six reliable digits.
        return [float(f"{one:.6g}") if math.isfinite(one) else None for one in values.tolist()]
    return list(values.tolist())
