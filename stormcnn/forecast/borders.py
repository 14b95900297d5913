"""Borders and coasts on the maps of forecasts; `borders/README.md` names sources and licenses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from stormcnn.forecast.projection import Projection, offset
from stormcnn.vocabulary import Array

FOLDER = Path(__file__).with_name("borders")
STATES, COUNTRIES = "states-10m.json", "countries.json"


def decode_topology(topology: Mapping[str, Any]) -> list[Array]:
    """Return the arcs of a TopoJSON file as arrays of longitude and latitude, shape (point, 2).

    Neighbors share an arc, so every border is returned once. The positions of an arc are integers,
    each relative to the one before (TopoJSON specification, sections 2.1.2 and 2.1.4).

    >>> arcs = [[[0, 0], [10, 5]]]
    >>> transform = {"scale": [1.0, 2.0], "translate": [-100, 40]}
    >>> decode_topology({"transform": transform, "arcs": arcs})
    [array([[-100.,   40.],
           [ -90.,   50.]])]
    """
    scale, translate = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    return [np.cumsum(np.array(arc), axis=0) * scale + translate for arc in topology["arcs"]]


@cache
def read_borders(name: str) -> Sequence[Array]:
    """Return the lines of `STATES` or `COUNTRIES` in longitude and latitude."""
    return decode_topology(json.loads((FOLDER / name).read_text(encoding="utf-8")))


def lines_within(
    lines: Sequence[Array], projection: Projection, low: Array, high: Array
) -> list[Array]:
    """Return the parts of lines in a map, in kilometers, each of shape (point, 2).

    `low` and `high` are the smallest and largest x and y of the map. Parts end at the first point
    outside. Lines are cut where they are opposite to the middle of the projection.
    """
    parts = []
    for line in lines:
        places = projection.project(line[:, 0], line[:, 1])
        east = offset(line[:, 0], projection.longitude)
        inside = np.all((places >= low) & (places <= high), axis=1)
        # A segment is kept if one of its ends is inside; one that goes around the world is not.
        kept = (inside[1:] | inside[:-1]) & (np.abs(np.diff(east)) < 180)
        edges = np.flatnonzero(np.diff(np.r_[False, kept, False]))
        parts += [
            places[start : end + 1] for start, end in zip(edges[::2], edges[1::2], strict=True)
        ]
    return parts
