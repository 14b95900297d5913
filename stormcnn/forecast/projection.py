"""The projection of maps: that of the model grid, as far as the positions of its points tell it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from stormcnn.vocabulary import Array

EARTH_RADIUS_KM = 6371.0

LEAST_SPREAD = 3.0
"""Smallest range of longitudes in degrees from which the constant of the cone is estimated."""

LARGEST_RESIDUAL = np.radians(1.0)
"""Largest root mean square deviation of the rows of a grid from those of a conformal cone."""

LEAST_CONE = 0.02
"""Below this constant, a cone cannot be told from the cylinder of the Mercator projection."""

POLE = 89.0
"""Latitudes beyond this one are moved to it, because a pole can be infinitely far away."""


class Projection(NamedTuple):
    """A conformal projection of the sphere: Lambert's cone, or its limit, Mercator's cylinder.

    `cone` is the constant of the cone: the sine of the latitude at which it touches the sphere; 1
    is the polar stereographic projection and 0 the Mercator projection. The lengths of a cone with
    two standard parallels differ from these by a constant factor only. `longitude` is the meridian
    that points upwards; lengths are true at `latitude`, which is at y = 0.
    """

    cone: float
    longitude: float
    latitude: float

    def project(self, longitude: Array, latitude: Array) -> Array:
        """Return x and y in kilometers, with a last dimension of length 2.

        Source: Snyder (1987), Map projections: a working manual, equations 7-1, 7-2 and 15-1 to
        15-4. Longitudes may be given in any range.
        """
        east = np.radians(offset(np.asarray(longitude, float), self.longitude))
        center = np.radians(self.latitude)
        length = EARTH_RADIUS_KM * np.cos(center)
        # The isometric latitude relative to that of the true scale.
        north = _isometric(np.radians(np.clip(latitude, -POLE, POLE))) - _isometric(center)
        if self.cone == 0:
            return np.stack([length * east, length * north], axis=-1)
        radius = length / self.cone * np.exp(-self.cone * north)
        angle = self.cone * east
        return np.stack(
            [radius * np.sin(angle), length / self.cone - radius * np.cos(angle)], axis=-1
        )


def offset(longitude: Array | float, reference: Array | float) -> Array:
    """Return how far longitudes are east of a reference, in degrees from -180 to 180.

    >>> float(offset(-179.0, 179.0))
    2.0
    """
    return (np.asarray(longitude) - reference + 180) % 360 - 180


def find_projection(storms: xr.Dataset) -> Projection:
    """Return the projection in which the grid of the storms' patches is straight.

    The direction of the rows of a patch changes by `cone` degrees for each degree of longitude. If
    the storms have no positions of their grid points (`lat` and `lon`), are too close together to
    tell, or lie on a grid of another kind, the cone touches the sphere in the middle of the storms.
    """
    longitude, latitude = (storms[name].values.astype(float) for name in ("longitude", "latitude"))
    middle = _mean_longitude(longitude)
    center = (float(latitude.min()) + float(latitude.max())) / 2
    touching = _rounded_cone(float(np.sin(np.radians(center))))
    default = Projection(touching, middle, center)
    if not {"lat", "lon"} <= set(storms) or storms.sizes["x"] < 2:
        return default
    row = storms[["lat", "lon"]].isel(y=storms.sizes["y"] // 2)
    start, end = row.isel(x=0), row.isel(x=-1)
    east = offset(end["lon"].values.astype(float), start["lon"].values.astype(float))
    north = end["lat"].values.astype(float) - start["lat"].values.astype(float)
    parallel = np.cos(np.radians((start["lat"].values + end["lat"].values) / 2))
    turned = np.arctan2(north, east * parallel)
    place = np.radians(offset(start["lon"].values + east / 2, middle))
    if not np.isfinite(turned).all():
        return default
    if np.ptp(np.degrees(place)) < LEAST_SPREAD:
        cone, shift = touching, float(np.mean(turned + touching * place))
    else:
        slope, shift = np.polyfit(place, turned, 1)
        cone = _rounded_cone(float(-slope))
    residual = turned - (shift - cone * place)
    if abs(cone) > 1.001 or np.sqrt(np.mean(residual**2)) > LARGEST_RESIDUAL:
        return default
    if cone == 0:
        return Projection(0.0, middle, center)
    upward = middle + float(np.degrees(shift / cone))
    return Projection(float(np.clip(cone, -1, 1)), float(offset(upward, 0.0)), center)


def _isometric(latitude: Array | float) -> Array:
    return np.log(np.tan(np.pi / 4 + np.asarray(latitude) / 2))


def _rounded_cone(cone: float) -> float:
    return 0.0 if abs(cone) < LEAST_CONE else cone


def _mean_longitude(longitude: Array) -> float:
    """Return the middle of the shortest arc that contains all longitudes."""
    ordered = np.sort(offset(longitude, 0.0))
    gaps = np.diff(ordered, append=ordered[0] + 360)
    first = (int(gaps.argmax()) + 1) % len(ordered)
    return float(offset(ordered[first] + (360 - gaps.max()) / 2, 0.0))
