"""Find questionable storms: duplicates, patches beyond the domain, and constant predictors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from stormcnn.storms.variables import QUANTITIES, UNKNOWN, Selection, quantity_of
from stormcnn.vocabulary import Array

FAULTS = {
    "duplicate": "duplicate of an earlier storm",
    "padded": "patch filled up with zeros at the edge of the domain",
    "constant": "constant predictor",
}
"""Descriptions of the kinds in `STORM_FAULTS`."""

NEVER_ZERO = (QUANTITIES["U10"], QUANTITIES["V10"], QUANTITIES["T2"])
"""Quantities that are not zero at all grid points of an edge, unless the patch is padded."""


def find_questionable(
    values: Mapping[str, Array], hours: Array, selection: Selection
) -> dict[str, Array]:
    """Return which storms are of each kind in `STORM_FAULTS`, shape (storm,).

    `values` holds the fields of `selection` and `masks` with shape (storm, row, col), and the
    variables `PER_STORM` and perhaps the target with shape (storm,). `hours` are the lead times in
    hours, shape (storm,).
    """
    return {
        "duplicate": _duplicates(values, hours),
        "padded": _padded(values, selection),
        "constant": _constant(values, selection.predictors),
    }


def zero_edges(values: Mapping[str, Array], fields: Sequence[str]) -> Array:
    """Return which edges are zero in all fields that are not zero everywhere.

    The shape is (4, storm), for the first and last row and the first and last column. Edges of
    patches without any such field do not count.
    """
    storms = len(values[fields[0]])
    zero, counted = np.ones((4, storms), bool), np.zeros(storms, bool)
    for name in fields:
        field = values[name]
        edges = np.stack(
            [
                ~edge.any(axis=1)
                for edge in (field[:, 0], field[:, -1], field[..., 0], field[..., -1])
            ]
        )
        some = edges.any(axis=0)
        empty = np.zeros(storms, bool)
        empty[some] = ~field[some].any(axis=(1, 2))
        zero &= edges | empty
        counted |= ~empty
    zero &= counted
    return zero


def needs_positions(values: Mapping[str, Array], selection: Selection) -> bool:
    """Return whether only the positions `lat` and `lon` of grid points can tell if one is padded.

    They are zero, too, in the part of a patch that is outside the domain.
    """
    fields = _fields(values, selection)
    return not _telling(fields) and bool(zero_edges(values, fields).any())


def _fields(values: Mapping[str, Array], selection: Selection) -> list[str]:
    """Return the predictors, and the target unless it has one value per storm."""
    return [name for name in selection.fields if values[name].ndim == 3]


def _telling(fields: Sequence[str]) -> list[str]:
    return [name for name in fields if quantity_of(name) in NEVER_ZERO]


def _padded(values: Mapping[str, Array], selection: Selection) -> Array:
    fields = _fields(values, selection)
    telling = _telling(fields) or [name for name in ("lat", "lon") if name in values]
    if not telling:
        return np.zeros(len(values[fields[0]]), bool)
    zero = zero_edges(values, telling)
    if zero.any():
        zero &= zero_edges(values, fields)
    return np.any(zero, axis=0)


def _constant(values: Mapping[str, Array], predictors: Sequence[str]) -> Array:
    """Return where a predictor of a known quantity has the same value, not zero, everywhere."""
    constant = np.zeros(len(values[predictors[0]]), bool)
    for name in predictors:
        if quantity_of(name) is not UNKNOWN:
            field, first = values[name], values[name][:, :1, :1]
            alike = np.flatnonzero((field[:, -1, -1] == field[:, 0, 0]) & (field[:, 0, 0] != 0))
            constant[alike] |= (field[alike] == first[alike]).all(axis=(1, 2))
    return constant


def _duplicates(values: Mapping[str, Array], hours: Array) -> Array:
    """Return which storms have the same time, position and fields as an earlier one."""
    keys = np.stack([hours, values["centroid_lon"], values["centroid_lat"]], axis=1)
    _, group, sizes = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    duplicate = np.zeros(hours.size, bool)
    seen: set[bytes] = set()
    fields = [field for field in values.values() if field.ndim == 3]
    for storm in np.flatnonzero(sizes[group.ravel()] > 1):
        content = keys[storm].tobytes() + b"".join(field[storm].tobytes() for field in fields)
        duplicate[storm] = content in seen
        seen.add(content)
    return duplicate
