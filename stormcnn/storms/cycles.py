"""Find storms that several forecast runs (cycles) of one model predict."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stormcnn.name_pattern import DEFAULT_PATTERN
from stormcnn.storms.run_files import parse_run_name
from stormcnn.vocabulary import Array

SAME_STORM = 24.0
"""Largest distance in km between the patches of one storm, as in hagelslag's tracking."""

EARTH_RADIUS = 6371.0  # km


def repeated_in_other_cycles(
    storms: xr.Dataset, file_pattern: str = DEFAULT_PATTERN, groups: Array | None = None
) -> Array:
    """Return whether another run predicts each storm, too, shape (storm,).

    The other run has the same ensemble and ensemble member, and a storm at the same valid time
    within `SAME_STORM`. `storms` has the coordinates that `read_run` returns. With `groups`
    (storm,), such as the blocks or periods of the runs, only runs of another group count.
    """
    files, file_index = np.unique(storms["run_file"].values, return_inverse=True)
    ensembles = np.array([parse_run_name(name, file_pattern).ensemble for name in files], str)
    ensembles = ensembles[file_index]
    columns = [ensembles, storms["ensemble_member"].values, storms["valid_time"].values]
    group = np.unique(_numbered(columns), axis=1, return_inverse=True)[1].ravel()
    run = storms["run_date"].values if groups is None else groups
    longitude, latitude = (np.radians(storms[name].values) for name in ("longitude", "latitude"))
    repeated = np.zeros(run.size, bool)
    order = np.argsort(group, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        if (run[members] != run[members[:1]]).any():
            near = _distance(longitude[members], latitude[members]) <= SAME_STORM
            other = run[members][:, None] != run[members]
            repeated[members] = (near & other).any(axis=1)
    return repeated


def _numbered(columns: list[Array]) -> Array:
    """Return arrays (storm,) of any type as rows of numbers that are equal where they are."""
    return np.stack([np.unique(column, return_inverse=True)[1].ravel() for column in columns])


def _distance(longitude: Array, latitude: Array) -> Array:
    """Return the distances in km between all pairs of positions in radians (haversine formula)."""
    dlon, dlat = (values[:, None] - values for values in (longitude, latitude))
    square = np.sin(dlat / 2) ** 2 + np.outer(*[np.cos(latitude)] * 2) * np.sin(dlon / 2) ** 2
    distance: Array = 2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(square, 0, 1)))
    return distance
