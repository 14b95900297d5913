"""Cut lines and polygons at the antimeridian, as RFC 7946 (section 3.1.9) recommends.

Lines and polygons have continuous longitudes; their parts have longitudes within ±180 degrees.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from stormcnn.forecast.outlines import signed_area
from stormcnn.vocabulary import Array

Polygon = list[Array]
"""The outer ring of a polygon, counterclockwise, and its holes, clockwise; closed rings of shape
(point, 2) with longitudes and latitudes in degrees."""


def as_polygons(rings: Sequence[Array]) -> list[Polygon]:
    """Return the polygons of an outline, in which each outer ring is followed by its holes."""
    polygons: list[Polygon] = []
    for ring in rings:
        if signed_area(ring) > 0:
            polygons.append([ring])
        else:
            polygons[-1].append(ring)
    return polygons


def cut_line(points: Array) -> list[Array]:
    """Return the parts of a line (point, 2).

    >>> for part in cut_line(np.array([[179.0, 50.0], [181.0, 52.0]])):
    ...     print(part.tolist())
    [[179.0, 50.0], [180.0, 51.0]]
    [[-180.0, 51.0], [-179.0, 52.0]]
    """
    turns = _turns(points[:, 0]).astype(int)
    parts: list[list[Array]] = [[points[0]]]
    for number, point in enumerate(points[1:], start=1):
        before, after = turns[number - 1 : number + 1]
        step = 1 if after > before else -1
        for turn in range(before, after, step):
            meridian = 360 * max(turn, turn + step) - 180
            cut = np.array([meridian, _crossing(points[number - 1], point, meridian)])
            parts[-1].append(cut)
            parts.append([cut])
        parts[-1].append(point)
    lines = [np.array(part) for part in parts]
    distinct = [
        line[np.append(True, np.diff(line, axis=0).any(axis=1))] for line in lines if len(line) > 1
    ]
    return [_turned_back(line) for line in distinct if len(line) > 1]


def cut_polygon(polygon: Polygon) -> list[Polygon]:
    """Return the parts of a polygon.

    >>> square = np.array([[179.0, 0.0], [181.0, 0.0], [181.0, 1.0], [179.0, 1.0], [179.0, 0.0]])
    >>> for part in cut_polygon([square]):
    ...     print(part[0].tolist())
    [[180.0, 1.0], [179.0, 1.0], [179.0, 0.0], [180.0, 0.0], [180.0, 1.0]]
    [[-180.0, 0.0], [-179.0, 0.0], [-179.0, 1.0], [-180.0, 1.0], [-180.0, 0.0]]
    """
    longitude = polygon[0][:, 0]
    if np.abs(longitude).max() <= 180:
        return [polygon]
    first, last = int(_turns(longitude.min())), math.ceil((longitude.max() + 180) / 360) - 1
    parts = [polygon]
    for turn in range(first, last):
        meridian = 360 * turn + 180
        parts = [
            side for part in parts for east in (False, True) for side in _side(part, meridian, east)
        ]
    return [[_turned_back(ring) for ring in part] for part in parts]


def _turns(longitude: Array) -> Array:
    """Return how many turns around the earth longitudes are from -180 to 180 degrees."""
    return np.floor((longitude + 180) / 360)


def _turned_back(points: Array) -> Array:
    middle = (points[:, 0].min() + points[:, 0].max()) / 2
    return points - [360 * _turns(middle), 0]


def _crossing(one: Array, other: Array, meridian: float) -> float:
    """Return the latitude at which the line between two points crosses a meridian."""
    share = (meridian - one[0]) / (other[0] - one[0])
    return float(one[1] + share * (other[1] - one[1]))


def _side(polygon: Polygon, meridian: float, east: bool) -> list[Polygon]:
    """Return the parts of a polygon to the east or west of a meridian."""
    chains, whole = [], []
    for ring in polygon:
        # Points on the meridian belong to no side, so that each side follows it where it has to.
        kept = ring[:-1, 0] > meridian if east else ring[:-1, 0] < meridian
        if kept.all():
            whole.append(ring)
        elif kept.any():
            chains += _chains(ring[:-1], kept, meridian)
    if whole and whole[0] is polygon[0]:
        return [polygon]
    rings = _joined(chains, northward=not east)
    parts = [[ring] for ring in rings if signed_area(ring) > 0]
    for hole in (*whole, *(ring for ring in rings if signed_area(ring) < 0)):
        owner = next(part for part in parts if len(parts) == 1 or _contains(part[0], hole))
        owner.append(hole)
    return parts


def _chains(points: Array, kept: Array, meridian: float) -> list[Array]:
    """Return the parts of a ring on one side of a meridian, with their ends on the meridian.

    `points` (point, 2) is the ring without its last point; `kept` (point,) are those on this side.
    """
    # Start with a point that is not kept, so that no chain is split.
    start = int(np.argmin(kept))
    points, kept = np.roll(points, -start, axis=0), np.roll(kept, -start)
    changes = np.flatnonzero(np.diff(np.append(kept, False).astype(int)))
    chains = []
    for entry, leaving in changes.reshape(-1, 2):
        inside = points[entry + 1 : leaving + 1]
        after = points[(leaving + 1) % len(points)]
        ends = [
            [meridian, _crossing(points[entry], inside[0], meridian)],
            [meridian, _crossing(inside[-1], after, meridian)],
        ]
        chains.append(np.concatenate([ends[:1], inside, ends[1:]]))
    return chains


def _joined(chains: list[Array], northward: bool) -> list[Array]:
    """Return the rings that result if the end of each chain is joined with the next start.

    The area lies to the left, so the meridian is followed to the north on its western side.
    """
    sign = 1 if northward else -1
    rest = sorted(chains, key=lambda chain: sign * chain[0, 1])
    rings = []
    while rest:
        ring = rest.pop(0)
        # `ring` starts first, so it is complete if it ends before its own start.
        while sign * ring[-1, 1] > sign * ring[0, 1]:
            following = next(
                number
                for number, chain in enumerate(rest)
                if sign * (chain[0, 1] - ring[-1, 1]) >= 0
            )
            ring = np.concatenate([ring, rest.pop(following)])
        rings += [simple for simple in _simple_rings(ring.tolist()) if len(simple) > 3]
    return rings


def _simple_rings(points: list[list[float]]) -> list[Array]:
    """Return the closed rings of which a line consists that comes to the same point again."""
    rings = []
    path: list[list[float]] = []
    for point in [*points, points[0]]:
        if point in path:
            start = path.index(point)
            rings.append(np.array([*path[start:], point]))
            del path[start:]
        path.append(point)
    return rings


def _contains(ring: Array, hole: Array) -> bool:
    """Return whether a hole of a polygon lies inside one of its outer rings."""
    # No side of a hole coincides with one of the outer ring.
    x, y = (hole[0] + hole[1]) / 2
    one, other = ring[:-1], ring[1:]
    crossed = (one[:, 1] > y) != (other[:, 1] > y)
    one, other = one[crossed], other[crossed]
    place = one[:, 0] + (y - one[:, 1]) / (other[:, 1] - one[:, 1]) * (other[:, 0] - one[:, 0])
    return bool((place > x).sum() % 2)
