"""Everything that is known about one forecast run, from which its files and page are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from stormcnn.vocabulary import Array

Rings = Sequence[Array]
"""Closed rings of a storm's outline, each of shape (point, 2): longitude and latitude in degrees.
Outer rings run counterclockwise, and each is followed by its holes, which run clockwise. Longitudes
are continuous, so they leave ±180 at the antimeridian. A storm without an outline has no rings."""


MOST_HOURS = 240
"""Most hours for which a page has a bar each."""


@dataclass(frozen=True)
class TrackRecordRow:
    """What became of the storms that were given a probability from `low` up to `high`."""

    low: float
    high: float
    storms: int
    events: int


@dataclass(frozen=True)
class ForecastContents:
    """One forecast run: the forecast, the storms that it is about, and what explains it.

    `forecast` is the content of the issued NetCDF file, sorted by decreasing probability. `storms`
    has the storms in the same order: `predictors(storm, y, x, variable)` in physical units and, if
    the run file has them, `masks(storm, y, x)`, `lat(storm, y, x)` and `lon(storm, y, x)`.
    `outlines` has one entry per storm, in the same order. `thresholds` are probabilities at which
    to act, by the aim for which they were chosen. `track_record` describes the forecasts of the
    same network that have been verified, and is empty if there are none.
    """

    forecast: xr.Dataset
    storms: xr.Dataset
    outlines: Sequence[Rings]
    explanations: xr.Dataset | None = None
    similar: xr.Dataset | None = None
    neighbourhood: xr.Dataset | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    track_record: Sequence[TrackRecordRow] = ()

    @property
    def hours(self) -> Array:
        """The hours from the first to the last storm, datetime64[h].

        Hours without storms are left out if all would be more than `MOST_HOURS`.
        """
        own = np.unique(self.forecast["valid_time"].values.astype("datetime64[h]"))
        if own.size == 0:
            return own
        every = np.arange(own[0], own[-1] + 1)
        return every if every.size <= MOST_HOURS else own
