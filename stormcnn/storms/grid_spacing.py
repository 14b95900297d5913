"""The distance of neighboring grid points, for scales in kilometers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from stormcnn.vocabulary import Array

EARTH_RADIUS = 6371.0
"""In kilometers."""

LARGEST_DIFFERENCE = 0.1
"""Relative difference up to which spacings are taken for those of the same grid."""


def spacing_of(latitude: Array, longitude: Array) -> float:
    """Return the distance of neighboring grid points in kilometers, or NaN if it is unknown.

    `latitude` and `longitude` (storm, row, col) are in degrees. Patches without positions (NaN, or
    zeros beyond the edge of the domain) are left out. The spacing is unknown if rows and columns
    have different ones.

    >>> latitude, longitude = np.meshgrid([40, 40.027], [-100, -99.965], indexing="ij")
    >>> round(spacing_of(latitude[np.newaxis], longitude[np.newaxis]), 2)
    2.99
    """
    known = np.isfinite(latitude) & np.isfinite(longitude) & ((latitude != 0) | (longitude != 0))
    known = known.all(axis=(1, 2))
    if not known.any() or min(latitude.shape[1:]) < 2:
        return float("nan")
    north, east = np.radians(latitude[known].astype("f8")), np.radians(longitude[known])
    return common_spacing(float(np.median(_distances(north, east, axis))) for axis in (1, 2))


def common_spacing(spacings: Iterable[float]) -> float:
    """Return the median of spacings that belong to one grid, or NaN if they differ or are unknown.

    >>> common_spacing([3.0, 3.1, 2.9, float("nan")])
    3.0
    >>> common_spacing([3.0, 1.0])
    nan
    """
    known = np.array([one for one in spacings if np.isfinite(one) and one > 0])
    if not known.size or np.ptp(known) > LARGEST_DIFFERENCE * known.max():
        return float("nan")
    return float(np.median(known))


def _distances(latitude: Array, longitude: Array, axis: int) -> Array:
    """Return the distances in kilometers along an axis on a sphere; positions are in radians."""
    north, east = np.diff(latitude, axis=axis), np.diff(longitude, axis=axis)
    first = np.take(latitude, range(latitude.shape[axis] - 1), axis)
    haversine = np.sin(north / 2) ** 2
    haversine += np.cos(first) * np.cos(first + north) * np.sin(east / 2) ** 2
    distances: Array = 2 * EARTH_RADIUS * np.arcsin(np.sqrt(haversine))
    return distances
