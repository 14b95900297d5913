"""Parts of a period for which scores are computed separately."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from stormcnn.verification.reading import read_storms
from stormcnn.vocabulary import US_REGIONS, Array, Box

HOURS_PER_STRATUM = 6


def strata(
    storms: Mapping[str, Any], regions: Mapping[str, Box] = US_REGIONS
) -> Iterator[tuple[str, Array]]:
    """Yield the name of each stratum and which storms belong to it (storms,), True or False.

    Strata are six forecast hours (12 to 17, 18 to 23, ...), the month of the valid time, and the
    `regions`, which may overlap and need not contain all storms. Those without storms are left
    out. `storms` has the arrays (storms,) `forecast_hour` in hours, `valid_time`, and `longitude`
    and `latitude` in degrees, or the variables of a file; there are no strata of what it lacks.

    >>> one = {"forecast_hour": [20], "valid_time": np.array(["2015-05-04T20"], "datetime64[h]")}
    >>> [name for name, _ in strata(one | {"longitude": [-97.5], "latitude": [35.5]})]
    ['forecast_hour=18-23', 'month=5', 'region=great_plains']
    """
    if "forecast_hour" in storms:
        hours = read_storms(storms, "forecast_hour").astype(np.intp)
        first = hours // HOURS_PER_STRATUM * HOURS_PER_STRATUM
        for hour in np.unique(first):
            yield f"forecast_hour={hour}-{hour + HOURS_PER_STRATUM - 1}", first == hour
    if "valid_time" in storms:
        valid = read_storms(storms, "valid_time").astype("datetime64[M]")
        month = valid.astype(np.intp) % 12 + 1
        for number in np.unique(month):
            yield f"month={number}", month == number
    if "longitude" in storms and "latitude" in storms:
        longitude, latitude = (read_storms(storms, name) for name in ("longitude", "latitude"))
        for name, box in regions.items():
            inside = is_inside(box, longitude, latitude)
            if inside.any():
                yield f"region={name}", inside


def is_inside(box: Box, longitude: Any, latitude: Any) -> Array:
    """Return which positions (storms,) are inside a box.

    `longitude` and `latitude` (storms,) are in degrees east and north. `box` has the western and
    eastern limit `longitude`, and the southern and northern limit `latitude`. The western and
    southern limits are part of the box. A western limit east of the eastern one is a box that
    contains the meridian of 180°.

    >>> box = {"longitude": (170, -170), "latitude": (-20, 0)}
    >>> is_inside(box, [175, -175, 185, 165], [-10, -10, -10, -10])
    array([ True,  True,  True, False])
    """
    west, east = box["longitude"]
    south, north = box["latitude"]
    width = east - west if 0 < east - west <= 360 else (east - west) % 360
    eastward = (np.asarray(longitude, dtype=np.float64) - west) % 360
    north_of = np.asarray(latitude, dtype=np.float64)
    return (eastward < width) & (south <= north_of) & (north_of < north)
