"""The shapes of a map in kilometers: storms, borders and neighborhood probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr
from contourpy import FillType, contour_generator

from stormcnn.forecast.borders import COUNTRIES, STATES, lines_within, read_borders
from stormcnn.forecast.contents import ForecastContents, Rings
from stormcnn.forecast.probability_steps import EDGES
from stormcnn.forecast.projection import Projection, find_projection
from stormcnn.vocabulary import Array

ASPECT = 4 / 3
"""Width of a map divided by its height."""

LEAST_WIDTH = 400.0
"""Smallest width of a map in kilometers, so that borders show where it is."""

MARGIN = 0.06
"""Space around the storms as a share of the size of the map."""

MOST_POINTS = 350
"""Most points of a row or column of the grid of neighborhood probabilities that are drawn."""


@dataclass(frozen=True)
class MapShapes:
    """A map of the storms: all shapes are arrays (point, 2) of x and y in kilometers.

    `low` and `high` are the smallest and largest x and y. `centers` has shape (storm, 2), and
    `outlines` the rings of each storm, perhaps none.
    """

    projection: Projection
    low: Array
    high: Array
    centers: Array
    outlines: list[list[Array]]
    states: list[Array]
    countries: list[Array]


def map_shapes(contents: ForecastContents) -> MapShapes:
    """Return the shapes of a map of all storms, in the projection of the model grid."""
    forecast = contents.forecast
    projection = find_projection(contents.storms)
    centers = projection.project(forecast["longitude"].values, forecast["latitude"].values)
    outlines = [_project_rings(rings, projection) for rings in contents.outlines]
    low, high = _extent([centers, *(ring for rings in outlines for ring in rings)])
    borders = [
        lines_within(read_borders(name), projection, low, high) for name in (STATES, COUNTRIES)
    ]
    return MapShapes(projection, low, high, centers, outlines, *borders)


def _project_rings(rings: Rings, projection: Projection) -> list[Array]:
    return [projection.project(ring[:, 0], ring[:, 1]) for ring in rings]


def _extent(shapes: Sequence[Array]) -> tuple[Array, Array]:
    """Return the corners of a map that contains all shapes and has the `ASPECT`."""
    points = np.concatenate(shapes)
    low, high = points.min(axis=0), points.max(axis=0)
    middle, size = (low + high) / 2, (high - low) * (1 + 2 * MARGIN)
    width = max(size[0], size[1] * ASPECT, LEAST_WIDTH)
    half = np.array([width, width / ASPECT]) / 2
    return middle - half, middle + half


def neighborhood_areas(
    neighbourhood: xr.Dataset, projection: Projection
) -> dict[np.datetime64, list[tuple[int, list[Array]]]]:
    """Return the areas in which the neighborhood probability reaches each step, by time.

    `neighbourhood` has `probability(time, y, x)`, `latitude(y, x)` and `longitude(y, x)`. Areas of
    a step lie within those of lower steps; the lowest step, which is everywhere, is left out. Each
    area is a list of rings, an outer one followed by those of its holes.
    """
    stride = max(1, -(-max(neighbourhood.sizes["y"], neighbourhood.sizes["x"]) // MOST_POINTS))
    grid = neighbourhood.isel(y=slice(None, None, stride), x=slice(None, None, stride))
    places = projection.project(grid["longitude"].values, grid["latitude"].values)
    known = np.isfinite(places).all(axis=-1)
    by_time = {}
    for number, time in enumerate(grid["time"].values):
        probability = grid["probability"].values[number].astype(float)
        generator = contour_generator(
            places[..., 0],
            places[..., 1],
            np.ma.masked_where(~(known & np.isfinite(probability)), probability),
            fill_type=FillType.OuterOffset,
        )
        by_time[time] = [
            (step, rings)
            for step, edge in enumerate(EDGES)
            if step > 0
            for rings in _rings(*generator.filled(edge, np.inf))
        ]
    return by_time


def _rings(points: Sequence[Array], offsets: Sequence[Array]) -> list[list[Array]]:
    """Return the rings of each polygon of contourpy."""
    return [
        [polygon[start:end] for start, end in pairwise(ends)]
        for polygon, ends in zip(points, offsets, strict=True)
    ]
