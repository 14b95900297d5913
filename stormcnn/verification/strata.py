"""Parts of a period for which scores are computed separately."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from stormcnn.vocabulary import Array

US_REGIONS = ("mountain_west", "great_plains", "midwest_northeast", "southeast")
"""West of 105° W; from there to 90° W; east of 90° W, north and south of 37° N."""

HOURS_PER_STRATUM = 6


def strata(storms: Mapping[str, Any]) -> Iterator[tuple[str, Array]]:
    """Yield the name of each stratum and which storms belong to it (storms,), True or False.

    Strata are six forecast hours (12 to 17, 18 to 23, ...), the month of the valid time, and the
    region. Those without storms are left out. `storms` has the arrays (storms,) `forecast_hour`
    in hours, `valid_time`, and `longitude` and `latitude` in degrees.

    >>> one = {"forecast_hour": [20], "valid_time": np.array(["2015-05-04T20"], "datetime64[h]")}
    >>> [name for name, _ in strata(one | {"longitude": [-97.5], "latitude": [35.5]})]
    ['forecast_hour=18-23', 'month=5', 'region=great_plains']
    """
    hours = np.asarray(storms["forecast_hour"]).astype(np.intp)
    first = hours // HOURS_PER_STRATUM * HOURS_PER_STRATUM
    for hour in np.unique(first):
        yield f"forecast_hour={hour}-{hour + HOURS_PER_STRATUM - 1}", first == hour
    valid = np.asarray(storms["valid_time"]).astype("datetime64[M]")
    month = valid.astype(np.intp) % 12 + 1
    for number in np.unique(month):
        yield f"month={number}", month == number
    region = region_of(storms["longitude"], storms["latitude"])
    for name in US_REGIONS:
        if (region == name).any():
            yield f"region={name}", region == name


def region_of(longitude: Any, latitude: Any) -> Array:
    """Return the region of `US_REGIONS` of each position (storms,).

    `longitude` and `latitude` (storms,) are in degrees east and north.

    >>> region_of([-105.5, 272.4], [39.7, 41.9])
    array(['mountain_west', 'midwest_northeast'], dtype='<U17')
    """
    east = (np.asarray(longitude, dtype=np.float64) + 180) % 360 - 180
    north = np.asarray(latitude, dtype=np.float64)
    return np.select([east < -105, east < -90, north >= 37], US_REGIONS[:3], default=US_REGIONS[3])
