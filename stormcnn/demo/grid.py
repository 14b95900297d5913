"""The grid of the made-up patches: that of the NCAR ensemble, with a patch cut out of it.

Arrays `X` and `Y` hold the distance of each grid point of a patch from its center, in km, to the
east and to the north.
"""

from __future__ import annotations

import math

import numpy as np

from stormcnn.vocabulary import Array

# The NCAR ensemble has a Lambert conformal grid of 3 km with 985 rows and 1580 columns.
SIZE = 32
CENTER = 16
SPACING = 3.0  # km
SOUTH_EDGE, WEST_EDGE = -1_470_300, -2_068_500  # m, of row and column 0
EARTH_RADIUS = 6_370_000.0  # m
ORIGIN_LATITUDE, ORIGIN_LONGITUDE = 38.33643, -101.0
STANDARD_PARALLELS = (32.0, 46.0)

X, Y = np.meshgrid(*[SPACING * (np.arange(SIZE, dtype=np.float32) - CENTER)] * 2)


def as_field(values: Array) -> Array:
    """Return values of shape (storm,) as float32 of shape (storm, 1, 1), to combine with fields."""
    return np.asarray(values, dtype=np.float32)[:, None, None]


def geographic(x: Array, y: Array) -> tuple[Array, Array]:
    """Return the longitude and latitude (degrees) of places on the grid (x, y in m, any shape).

    Inverse of the Lambert conformal conic projection of the sphere. Source: Snyder (1987), Map
    projections: a working manual, equations 15-1 to 15-5.
    """
    south, north = (math.radians(parallel) for parallel in STANDARD_PARALLELS)

    def stretch(latitude: float) -> float:
        return math.tan(math.pi / 4 + latitude / 2)

    cone = math.log(math.cos(south) / math.cos(north)) / math.log(stretch(north) / stretch(south))
    scale = EARTH_RADIUS * math.cos(south) * stretch(south) ** cone / cone
    origin = scale / stretch(math.radians(ORIGIN_LATITUDE)) ** cone
    radius = np.hypot(x, origin - y)
    longitude = ORIGIN_LONGITUDE + np.degrees(np.arctan2(x, origin - y) / cone)
    latitude = np.degrees(2 * np.arctan((scale / radius) ** (1 / cone))) - 90
    return longitude, latitude
