"""The probability of an event near each point of a grid, of which outlooks are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from scipy import sparse
from scipy.spatial import cKDTree

from stormcnn.forecast.grids import Grid, chord, grid_around, on_sphere
from stormcnn.storms.storm_dataset import COORDINATES

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array

RADIUS = 40.0
"""Kilometers within which an event counts, about the 25 miles of outlooks for the United States."""

POINTS_AT_ONCE = 20_000


def neighbourhood_probability(forecast: xr.Dataset, storms: xr.Dataset) -> xr.Dataset:
    """Return the probability of at least one event within `RADIUS` of each grid point.

    `forecast` and `storms` have the same storms. The result `probability(time, y, x)` has a map for
    each hour with storms. Grid and positions are those of `stormcnn.forecast.grids`.

    For MC member m, in which storm i has the event with the probability p_im, the probability of
    at least one event is 1 - Π (1 - p_im), over the storms whose position lies within `RADIUS`;
    the result is the mean over the members. Given the member, storms are taken as independent;
    what the members say about all storms together, for example that the network overestimates all
    of them, is kept. Without members, the probability of the network takes the place of p_im.
    Storms of one track in the same hour are one storm, with the largest of their probabilities and
    with all of their positions.

    Source of the neighborhood: Sobash et al. (2011), Hitchens et al. (2013).
    """
    grid = grid_around(storms, RADIUS)
    points = cKDTree(on_sphere(grid.longitude, grid.latitude).reshape(-1, 3), compact_nodes=False)
    positions = on_sphere(
        *(forecast[name].values.astype("f8") for name in ("longitude", "latitude"))
    )
    members = (
        forecast["member_probability"].transpose("storm", "mc_member").values
        if "member_probability" in forecast
        else forecast["probability"].values[:, np.newaxis]
    ).astype(np.float64)
    times = forecast["valid_time"].values.astype("datetime64[h]")
    hours, hour_of = np.unique(times, return_inverse=True)
    shape = (hours.size, *grid.latitude.shape)
    probability = np.zeros((hours.size, grid.latitude.size), np.float32)
    for number in range(hours.size):
        storm = np.flatnonzero(hour_of == number)
        near = points.query_ball_point(positions[storm], chord(RADIUS), return_sorted=False)
        tracks, track = np.unique(forecast["track_id"].values[storm], return_inverse=True)
        largest = np.zeros((tracks.size, members.shape[1]))
        np.maximum.at(largest, track, members[storm])
        sizes = [len(indices) for indices in near]
        point, row = np.unique(np.concatenate([*near, []]).astype(int), return_inverse=True)
        reached = sparse.coo_matrix(
            (np.ones(row.size), (row, np.repeat(track, sizes))), (point.size, tracks.size)
        ).tocsr()
        reached.data[:] = 1  # a track with several storms in reach counts once
        probability[number, point] = _at_least_one(reached, largest)
    return _describe(forecast, grid, hours, probability.reshape(shape))


def _at_least_one(reached: sparse.csr_matrix, probability: Array) -> Array:
    """Return the mean over the members of the probability of at least one event (point,).

    `reached` (point, track) is 1 for the tracks in reach; `probability` has shape
    (track, mc_member).
    """
    with np.errstate(divide="ignore"):
        none = np.log1p(-np.clip(probability, 0, 1))
    parts = [
        -np.expm1(reached[start : start + POINTS_AT_ONCE] @ none).mean(axis=1)
        for start in range(0, reached.shape[0], POINTS_AT_ONCE)
    ]
    return np.concatenate([*parts, []])


def _describe(forecast: xr.Dataset, grid: Grid, hours: Array, probability: Array) -> xr.Dataset:
    event = " ".join(
        str(forecast.attrs[name])
        for name in ("event_title", "event_lead")
        if forecast.attrs.get(name)
    )
    coordinates: dict[str, Any] = {
        "time": ("time", hours.astype("datetime64[ns]"), COORDINATES["valid_time"]),
        "latitude": (
            ("y", "x"),
            grid.latitude.astype(np.float32),
            COORDINATES["latitude"] | {"long_name": "latitude of the grid point"},
        ),
        "longitude": (
            ("y", "x"),
            grid.longitude.astype(np.float32),
            COORDINATES["longitude"] | {"long_name": "longitude of the grid point"},
        ),
    }
    if forecast.sizes["storm"]:
        coordinates["run_date"] = ((), forecast["run_date"].values[0], COORDINATES["run_date"])
    where = "a regular grid" if grid.first is None else "the grid of the NWP model"
    first = grid.first or (0, 0)
    for axis, size, start in zip(("y", "x"), grid.latitude.shape, first, strict=True):
        about = {"long_name": f"index along {axis} in {where}", "units": "1"}
        coordinates[axis] = (axis, np.arange(start, start + size, dtype=np.int32), about)
    attributes = {name: value for name, value in forecast.attrs.items() if name != "featureType"}
    return xr.Dataset(
        {
            "probability": (
                ("time", "y", "x"),
                probability,
                {
                    "long_name": f"probability of {event or 'the event'}, of at least one storm "
                    f"within {RADIUS:g} km",
                    "units": "1",
                },
            )
        },
        coordinates,
        attributes | {"neighbourhood_radius_km": RADIUS},
    )
