"""Find out in which direction the rows and columns of patches run, and turn them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stormcnn.vocabulary import Array

CLEAR = 1.2
"""How many times farther north (or east) than the other way a step along an axis must lead."""


class UnknownOrientation(ValueError):
    """Rows and columns of patches that run in directions that cannot be told."""


class Orientation(NamedTuple):
    """How patches differ from the usual order: rows from south to north, columns to the east."""

    exchanged: bool = False
    southward: bool = False
    westward: bool = False

    def turn(self, fields: Array) -> Array:
        """Return fields (storm, row, col) with rows to the north and columns to the east.

        >>> Orientation(southward=True).turn(np.array([[[1, 2], [3, 4]]])).tolist()
        [[[3, 4], [1, 2]]]
        """
        if self.exchanged:
            fields = fields.swapaxes(1, 2)
        return fields[:, :: -1 if self.southward else 1, :: -1 if self.westward else 1]

    def corrections(self) -> list[str]:
        """Return a description of each correction that `turn` makes."""
        descriptions = {
            "rows and columns exchanged": self.exchanged,
            "rows reversed, which ran southward": self.southward,
            "columns reversed, which ran westward": self.westward,
        }
        return [text for text, needed in descriptions.items() if needed]


def find_orientation(north: Array, east: Array, *, degrees: bool = True) -> Orientation | None:
    """Return the orientation of patches from the positions of their grid points; None if unknown.

    `north` and `east` (storm, row, col) increase to the north and to the east, and hold the same
    part of each patch, at least two rows and columns. They are latitudes and longitudes or, without
    `degrees`, coordinates of a map projection or indices of the grid. Grid points without positions
    (NaN, or zeros beyond the edge of the domain) are left out.

    A map projection rotates the grid. If it does so by about half a right angle, or differently
    in each patch as near a pole, the order cannot be told from the directions, but rows that run
    to the left of the columns, seen from above, are accepted as they are.

    Raises `UnknownOrientation` if they do not.
    """
    known = np.isfinite(north) & np.isfinite(east) & ((north != 0) | (east != 0))
    if not known.any():
        return None
    north, east = (np.where(known, values, np.nan).astype("f8") for values in (north, east))
    scale = np.cos(np.radians(_mean(north))) if degrees else 1.0
    by_row, by_column = (
        np.stack([_step(east, axis, degrees) * scale, _step(north, axis, degrees)])
        for axis in (1, 2)
    )
    turns_left = by_column[0] * by_row[1] - by_column[1] * by_row[0]
    usable = np.isfinite(turns_left) & (turns_left != 0)
    if not usable.any():
        return None
    by_row, by_column, turns_left = by_row[:, usable], by_column[:, usable], turns_left[usable]
    (row_east, row_north), (column_east, column_north) = np.abs(by_row), np.abs(by_column)
    straight = (row_north > CLEAR * row_east) & (column_east > CLEAR * column_north)
    crossed = (row_east > CLEAR * row_north) & (column_north > CLEAR * column_east)
    to_north, to_east = (by_column, by_row) if crossed.all() else (by_row, by_column)
    southward, westward = to_north[1] < 0, to_east[0] < 0
    consistent = all(sign.all() or not sign.any() for sign in (southward, westward))
    if (straight.all() or crossed.all()) and consistent:
        return Orientation(bool(crossed[0]), bool(southward[0]), bool(westward[0]))
    if (turns_left > 0).all():
        return Orientation()
    raise UnknownOrientation("rows and columns do not run in the same directions in all patches")


def _step(values: Array, axis: int, degrees: bool) -> Array:
    """Return the mean change from one grid point to the next along an axis; NaN if unknown."""
    change = np.diff(values, axis=axis)
    return _mean((change + 180) % 360 - 180 if degrees else change)


def _mean(values: Array) -> Array:
    """Return the mean (storm,) of the known values (storm, row, col); NaN if there are none."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        mean: Array = np.where(known, values, 0).sum(axis=(1, 2)) / known.sum(axis=(1, 2))
    return mean
