"""Outlines and tracks of storms as lines in degrees of longitude and latitude.

Longitudes of one line are continuous, so they leave ±180 degrees if the line crosses the
antimeridian.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from stormcnn.vocabulary import Array

if TYPE_CHECKING:
    import xarray as xr

    from stormcnn.forecast.contents import Rings


STORMS_AT_ONCE = 1024

STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""Steps in x and y of the directions of edges: east, north, west, south. A turn to the left adds 1
to the index, one to the right subtracts it."""

STARTS = ((0, 0), (1, 0), (1, 1), (0, 1))
"""The corner of a cell at which its edge in each direction starts, if the cell is on the left."""


class TrackLine(NamedTuple):
    """The track of a storm: its number, its storms in order of time, and their positions.

    `storms` (point,) are indices in the forecast; `points` (point, 2) are longitudes and latitudes.
    """

    track_id: int
    storms: Array
    points: Array


def storm_outlines(storms: xr.Dataset) -> list[Rings]:
    """Return the outline of each storm of `storms`, as described in `ForecastContents`.

    A grid point stands for the area that is nearer to it than to the next one, so outlines run
    half-way between grid points. (A contour line would cut the corners.) Each outer ring is
    followed by the rings of its holes, and parts that touch only at a corner have their own rings.
    A storm has no rings if `storms` has no masks or positions, or if the positions at the edge of
    the storm are unknown.
    """
    count, *shape = storms["predictors"].shape[:3]
    if not {"masks", "lat", "lon"} <= set(storms.data_vars) or min(shape) < 2:
        return [()] * count
    outlines: list[Rings] = []
    for start in range(0, count, STORMS_AT_ONCE):
        part = storms[["masks", "lat", "lon"]].isel(storm=slice(start, start + STORMS_AT_ONCE))
        rings = trace_rings(part["masks"].values == 1)
        x, y = rings.corners.T
        points = _corner_positions(part)[np.repeat(rings.storm, rings.sizes), y, x]
        lines: list[list[Array]] = [[] for _ in range(part.sizes["storm"])]
        for storm, line in zip(rings.storm, _split(points, rings.sizes), strict=True):
            lines[storm].append(line)
        unknown = set(np.repeat(rings.storm, rings.sizes)[~np.isfinite(points).all(axis=1)])
        outlines += [() if storm in unknown else line for storm, line in enumerate(lines)]
    return outlines


def track_lines(forecast: xr.Dataset) -> list[TrackLine]:
    """Return the track of each storm of a forecast, in order of their numbers.

    >>> import xarray as xr
    >>> forecast = xr.Dataset(coords={
    ...     "track_id": ("storm", [7, 7]), "valid_time": ("storm", [3, 2]),
    ...     "longitude": ("storm", [-179.5, 179.0]), "latitude": ("storm", [50.0, 51.0]),
    ... })
    >>> track_lines(forecast)[0].points.tolist()
    [[179.0, 51.0], [180.5, 50.0]]
    """
    track_id, time = forecast["track_id"].values, forecast["valid_time"].values
    longitude, latitude = (
        forecast[name].values.astype(np.float64) for name in ("longitude", "latitude")
    )
    order = np.lexsort((time, track_id))
    numbers, starts = np.unique(track_id[order], return_index=True)
    parts = np.split(order, starts[1:]) if numbers.size else []
    return [
        TrackLine(
            int(number),
            storms,
            np.stack([np.unwrap(longitude[storms], period=360), latitude[storms]], axis=1),
        )
        for number, storms in zip(numbers, parts, strict=True)
    ]


class CellRings(NamedTuple):
    """Rings around cells of masks: storm and number of points (ring,), and `corners` (point, 2).

    `corners` are the points of all rings, x first, in units of cells. Each ring ends with its first
    point.
    """

    storm: Array
    sizes: Array
    corners: Array


def trace_rings(masks: Array) -> CellRings:
    """Return the rings around the cells of masks (storm, y, x), in order of the storms.

    Cell (y, x) extends from x to x + 1 and from y to y + 1. The points are the corners of a ring.
    Outer rings run counterclockwise, and each is followed by its holes, which run clockwise. No
    ring touches itself, because cells that meet only at a corner do not count as connected.

    >>> trace_rings(np.array([[[True, True]]])).corners.tolist()
    [[0, 0], [2, 0], [2, 1], [0, 1], [0, 0]]
    """
    direction, storm, part, x, y = _edges(masks)
    columns, corners = masks.shape[2] + 1, (masks.shape[1] + 1) * (masks.shape[2] + 1)

    def code(turn: int, x: Array, y: Array) -> Array:
        """Return what identifies the edge of the same part that leaves a corner after a turn."""
        return 4 * (part * corners + y * columns + x) + (direction + turn) % 4

    codes = code(0, x, y)
    order = np.argsort(codes)
    direction, storm, part, x, y, codes = (
        array[order] for array in (direction, storm, part, x, y, codes)
    )
    step_x, step_y = np.array(STEPS)[direction].T
    following = np.zeros(len(codes), int)
    # The last one counts: where two cells meet at a corner, turn right, to the other cell.
    for turn in (1, 0, -1):
        wanted = code(turn, x + step_x, y + step_y)
        place = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
        exists = codes[place] == wanted
        following[exists] = place[exists]
    turns = np.ones(len(codes), bool)
    turns[following] = direction[following] != direction
    walks = _cycles(following.tolist(), turns.tolist())
    first = np.array([walk[0] for walk in walks], int)
    area = [signed_area(np.stack([x[walk], y[walk]], axis=1)) for walk in walks]
    walks = [walks[number] for number in np.lexsort((-np.array(area), part[first]))]
    edges = np.concatenate([*walks, []]).astype(int)
    return CellRings(
        np.array([storm[walk[0]] for walk in walks], int),
        np.array([len(walk) for walk in walks], int),
        np.stack([x[edges], y[edges]], axis=1),
    )


def signed_area(ring: Array) -> float:
    """Return the area inside a ring (point, 2), negative if it runs clockwise.

    >>> float(signed_area(np.array([[0, 0], [2, 0], [2, 1], [0, 1], [0, 0]])))
    2.0
    """
    x, y = (ring - ring[0]).T
    return 0.5 * (x[:-1] * y[1:] - x[1:] * y[:-1]).sum()


def _edges(masks: Array) -> list[Array]:
    """Return the edges between cells and empty cells, which lie to their right.

    They are arrays (edge,): direction, storm, number of the connected part, x and y of the corner
    at which the edge starts.
    """
    within_storm = np.zeros((3, 3, 3), int)
    within_storm[1] = ndimage.generate_binary_structure(2, 1)
    parts, _ = ndimage.label(masks, within_storm)
    empty = np.pad(~masks, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    beyond = (empty[:, :-2, 1:-1], empty[:, 1:-1, 2:], empty[:, 2:, 1:-1], empty[:, 1:-1, :-2])
    edges = []
    for direction, (right, (dx, dy)) in enumerate(zip(beyond, STARTS, strict=True)):
        storm, row, column = np.nonzero(masks & right)
        part = parts[storm, row, column].astype(np.int64)
        edges.append((np.full(len(storm), direction), storm, part, column + dx, row + dy))
    return [np.concatenate(columns) for columns in zip(*edges, strict=True)]


def _cycles(following: list[int], wanted: list[bool]) -> list[list[int]]:
    """Return the wanted members of each cycle of a permutation, with the first one at the end."""
    seen = bytearray(len(following))
    cycles = []
    for first in range(len(following)):
        member, cycle = first, []
        while not seen[member]:
            seen[member] = 1
            if wanted[member]:
                cycle.append(member)
            member = following[member]
        if cycle:
            cycles.append([*cycle, cycle[0]])
    return cycles


def _split(points: Array, sizes: Array) -> list[Array]:
    ends = np.cumsum(sizes).tolist()
    return [points[end - size : end] for end, size in zip(ends, sizes.tolist(), strict=True)]


def _corner_positions(storms: xr.Dataset) -> Array:
    """Return longitude and latitude of the corners of all cells, shape (storm, y + 1, x + 1, 2).

    They are the means of the four grid points around them; beyond the patch, grid points are
    extrapolated linearly. Longitudes are continuous within a storm.
    """
    center = storms["longitude"].values.astype(np.float64)[:, None, None]
    longitude = center + (storms["lon"].values - center + 180) % 360 - 180
    corners = []
    for degrees in (longitude, storms["lat"].values.astype(np.float64)):
        points = np.pad(degrees, ((0, 0), (1, 1), (1, 1)), mode="reflect", reflect_type="odd")
        along = points[:, :-1] + points[:, 1:]
        corners.append((along[..., :-1] + along[..., 1:]) / 4)
    return np.stack(corners, axis=-1)
