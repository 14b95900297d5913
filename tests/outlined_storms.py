"""Storms with masks and positions, for tests of outlines and of what is made from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
import xarray as xr

from stormcnn.forecast.contents import ForecastContents, Rings
from stormcnn.forecast.files import assemble_forecast
from stormcnn.forecast.outlines import signed_area, storm_outlines

DIMS = ("storm", "y", "x")


def storms_at(
    masks: npt.NDArray[Any],
    centers: Sequence[tuple[float, float]],
    *,
    spacing: float = 0.25,
    turn: float = 0.0,
    track_id: Sequence[int] | None = None,
    hours: Sequence[int] | None = None,
) -> xr.Dataset:
    """Return one storm per mask (storm, y, x), centered at these longitudes and latitudes.

    Grid points have this `spacing` in degrees, and the grid is turned by `turn` radians.
    """
    count, rows, columns = masks.shape
    north, east = np.meshgrid(
        spacing * (np.arange(rows) - rows // 2),
        spacing * (np.arange(columns) - columns // 2),
        indexing="ij",
    )
    longitude, latitude = np.array(centers, float).reshape(count, 2).T
    lon = longitude[:, None, None] + np.cos(turn) * east - np.sin(turn) * north
    lat = latitude[:, None, None] + np.sin(turn) * east + np.cos(turn) * north
    run_date = np.datetime64("2030-05-01", "ns")
    valid_time = run_date + np.array(hours or [12] * count, "timedelta64[h]")
    return xr.Dataset(
        {
            "predictors": ((*DIMS, "variable"), np.zeros((*masks.shape, 1), np.float32)),
            "masks": (DIMS, masks.astype(np.int8)),
            "lat": (DIMS, lat.astype(np.float32)),
            "lon": (DIMS, ((lon + 180) % 360 - 180).astype(np.float32)),
        },
        coords={
            "variable": ["REFL_COM_curr"],
            "run_date": ("storm", np.full(count, run_date)),
            "valid_time": ("storm", valid_time),
            "forecast_hour": ("storm", (valid_time - run_date) / np.timedelta64(1, "h")),
            "ensemble_member": ("storm", ["d01"] * count),
            "track_id": ("storm", np.array(track_id or range(count), np.int32)),
            "track_step": ("storm", np.ones(count, np.int32)),
            "longitude": ("storm", longitude.astype(np.float32)),
            "latitude": ("storm", latitude.astype(np.float32)),
            "run_file": ("storm", ["run.nc"] * count),
            "patch": ("storm", np.arange(count, dtype=np.int32)),
        },
    )


def contents_of(
    storms: xr.Dataset, probability: Sequence[float], **others: Any
) -> ForecastContents:
    """Return the contents of a forecast of `storms`, which are sorted by decreasing probability."""
    values = np.array(probability, np.float32)
    assert (np.diff(values) <= 0).all()
    outside = np.zeros(len(values), bool)
    target = "RVORT1_MAX_future"
    forecast = assemble_forecast(storms, values, values, {}, outside, target=target)
    forecast = forecast.assign_attrs(
        title="Storm patches for run 20300501-0000",
        event_title="strong low-level rotation",
        event_lead="within the next hour",
        event_threshold=0.005,
        event_units="s⁻¹",
        network_sha256="0123456789abcdef" * 4,
    )
    return ForecastContents(forecast, storms, storm_outlines(storms), **others)


def as_shape(rings: Rings) -> shapely.MultiPolygon:
    """Return an outline as a shape, after a check of the direction and order of its rings."""
    polygons: list[tuple[Any, list[Any]]] = []
    for ring in rings:
        if signed_area(ring) > 0:
            polygons.append((ring, []))
        else:
            polygons[-1][1].append(ring)
    return shapely.MultiPolygon([shapely.Polygon(ring, holes) for ring, holes in polygons])


def speckles(seed: int, count: int, size: int = 9, share: float = 0.7) -> npt.NDArray[np.bool_]:
    """Return random masks with holes, several parts, and parts that touch at corners."""
    return np.random.default_rng(seed).random((count, size, size)) < share
