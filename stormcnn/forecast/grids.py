"""Grids on which probabilities for places are forecast: that of the NWP model, or a regular one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stormcnn.storms.grid_spacing import EARTH_RADIUS
from stormcnn.storms.storm_dataset import GRID_CORNER

if TYPE_CHECKING:
    import xarray as xr

    from stormcnn.vocabulary import Array

MOST_POINTS = 4_000_000
"""Largest number of grid points. A regular grid gets coarser rather than larger."""

REGULAR_SPACING = 3.0
"""Spacing of a regular grid in kilometers if that of the NWP model is unknown."""

LARGEST_ERROR = 0.05
"""Largest error of a fitted position, in grid spacings."""

MOST_FITTED = 20_000
HIGHEST_DEGREE = 6

KILOMETERS_PER_DEGREE = EARTH_RADIUS * math.pi / 180


class Grid(NamedTuple):
    """Latitude and longitude (y, x) in degrees of the points of a grid.

    `first` are the indices of the first row and column in the grid of the NWP model, or None for a
    regular grid.
    """

    latitude: Array
    longitude: Array
    first: tuple[int, int] | None


def grid_around(storms: xr.Dataset, radius: float) -> Grid:
    """Return a grid that contains all points within `radius` kilometers of any storm.

    It is a part of the grid of the NWP model if the patches have the indices and positions of its
    points. Otherwise it is regular in longitude and latitude.
    """
    return _model_grid(storms, radius) or _regular_grid(storms, radius)


def on_sphere(longitude: Array, latitude: Array) -> Array:
    """Return positions in degrees as points on the unit sphere, shape (..., 3).

    >>> on_sphere(np.array(90.0), np.array(0.0)).round(3).tolist()
    [0.0, 1.0, 0.0]
    """
    east, north = np.radians(longitude), np.radians(latitude)
    return np.stack(
        [np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=-1
    )


def chord(kilometers: float) -> float:
    """Return the straight distance on the unit sphere between points that far apart on the earth.

    >>> round(chord(EARTH_RADIUS * np.pi), 3)
    2.0
    """
    return 2 * math.sin(min(kilometers / EARTH_RADIUS, math.pi) / 2)


def _model_grid(storms: xr.Dataset, radius: float) -> Grid | None:
    """Return the part of the NWP model's grid around the storms, if the storms tell it."""
    spacing = float(storms.attrs.get("grid_spacing_km", math.nan))
    needed = {"lat", "lon", *GRID_CORNER.values()}
    if not storms.sizes["storm"] or not spacing > 0 or not needed <= set(storms.data_vars):
        return None
    rows, columns = storms.sizes["y"], storms.sizes["x"]
    corners = np.stack([storms[name].values for name in GRID_CORNER.values()], axis=1)
    lowest, highest, size = corners.min(axis=0), corners.max(axis=0), np.array([rows, columns])
    margin = math.ceil(radius / spacing) + 1
    first = np.minimum(lowest, np.maximum(lowest + size // 2 - margin, 0))
    last = np.maximum(highest + size - 1, highest + size // 2 + margin)
    shape = tuple((last - first + 1).tolist())
    if math.prod(shape) > MOST_POINTS:
        return None
    latitude, longitude = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)
    positions = zip(corners - first, storms["lat"].values, storms["lon"].values, strict=True)
    allowed = LARGEST_ERROR * spacing / KILOMETERS_PER_DEGREE
    for (i, j), lat, lon in positions:
        place = np.s_[i : i + rows, j : j + columns]
        if (np.abs(latitude[place] - lat) > allowed).any():
            return None  # the indices are not those of one grid
        latitude[place], longitude[place] = lat, lon
    known = np.isfinite(latitude) & np.isfinite(longitude)
    fitted = _fit_positions(known, on_sphere(longitude[known], latitude[known]), spacing)
    if fitted is None:
        return None
    latitude[~known], longitude[~known] = fitted
    return Grid(latitude, longitude, (int(first[0]), int(first[1])))


def _fit_positions(known: Array, positions: Array, spacing: float) -> tuple[Array, Array] | None:
    """Return latitude and longitude of the grid points that are not `known` (y, x).

    `positions` (point, 3) are those of the known ones on the unit sphere. They are fitted with
    polynomials in the indices of the grid, of the lowest degree at which the largest error is a
    small part of the grid spacing. Returns None if none is.
    """
    if not len(positions):
        return None
    scaled = [np.linspace(-1, 1, size) if size > 1 else np.zeros(1) for size in known.shape]
    y, x = np.nonzero(known)
    some = np.arange(0, len(y), max(1, len(y) // MOST_FITTED))
    tolerance = LARGEST_ERROR * spacing / EARTH_RADIUS
    for degree in range(1, HIGHEST_DEGREE + 1):
        terms = _terms(scaled[0][y[some]], scaled[1][x[some]], degree)
        weights = np.linalg.lstsq(terms, positions[some], rcond=None)[0]
        if np.abs(terms @ weights - positions[some]).max() < tolerance:
            break
    else:
        return None
    y, x = np.nonzero(~known)
    points = _terms(scaled[0][y], scaled[1][x], degree) @ weights
    latitude = np.degrees(np.arctan2(points[:, 2], np.hypot(points[:, 0], points[:, 1])))
    return latitude, np.degrees(np.arctan2(points[:, 1], points[:, 0]))


def _terms(y: Array, x: Array, degree: int) -> Array:
    powers = [(n, m) for n in range(degree + 1) for m in range(degree + 1 - n)]
    return np.stack([y**n * x**m for n, m in powers], axis=1)


def _regular_grid(storms: xr.Dataset, radius: float) -> Grid:
    """Return a grid that is regular in longitude and latitude, with about the model's spacing."""
    spacing = float(storms.attrs.get("grid_spacing_km", math.nan))
    spacing = spacing if spacing > 0 else REGULAR_SPACING
    latitude = storms["latitude"].values.astype(np.float64)
    longitude = _without_gap(storms["longitude"].values.astype(np.float64))
    if not latitude.size:
        return Grid(np.zeros((0, 0)), np.zeros((0, 0)), None)
    margin = (radius + 2 * spacing) / KILOMETERS_PER_DEGREE
    south, north = max(latitude.min() - margin, -90), min(latitude.max() + margin, 90)
    narrowest = max(math.cos(math.radians(max(abs(south), abs(north)))), margin / 180)
    west, east = longitude.min() - margin / narrowest, longitude.max() + margin / narrowest
    width = min(east - west, 360.0)
    height, middle = north - south, math.cos(math.radians((south + north) / 2))
    step = spacing / KILOMETERS_PER_DEGREE
    step = max(step, math.sqrt(height * width * middle / MOST_POINTS))
    rows = south + step * np.arange(math.floor(height / step) + 2)
    columns = west + step / middle * np.arange(math.floor(width / (step / middle)) + 1)
    rows = np.minimum(rows, 90)
    lat, lon = np.meshgrid(rows, (columns + 180) % 360 - 180, indexing="ij")
    return Grid(lat, lon, None)


def _without_gap(longitude: Array) -> Array:
    """Return longitudes that are continuous around the earth but for their widest gap.

    >>> _without_gap(np.array([179.0, -179.0, 170.0])).tolist()
    [179.0, 181.0, 170.0]
    """
    ordered = np.sort(longitude % 360)
    if not ordered.size:
        return longitude
    gaps = np.diff(ordered, append=ordered[0] + 360)
    start = ordered[(int(np.argmax(gaps)) + 1) % ordered.size]
    return (longitude - start) % 360 + start
