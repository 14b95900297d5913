"""Measures of attribution maps: how alike two are, and how much lies in a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array


def rank_correlation(one: Array, other: Array) -> Array:
    """Return the rank correlation (storm,) of two maps (storm, ...); NaN if one is constant.

    Source: Spearman (1904).

    >>> rank_correlation(np.array([[1.0, 2.0, 9.0]]), np.array([[3.0, 5.0, 4.0]]))
    array([0.5])
    """
    return agreement(np.stack([one, other]))


def agreement(maps: Array) -> Array:
    """Return the mean rank correlation (storm,) of all pairs of maps (map, storm, ...).

    NaN with fewer than two maps, or if one is constant.

    >>> agreement(np.array([[[1.0, 2.0, 9.0]], [[1.0, 2.0, 3.0]], [[3.0, 2.0, 1.0]]])).round(3)
    array([-0.333])
    """
    from scipy.stats import rankdata  # takes a second to import, which few jobs need

    count, storms = maps.shape[:2]
    if count < 2:
        return np.full(storms, np.nan)
    ranks = rankdata(maps.reshape(count, storms, -1), axis=2)
    ranks -= ranks.mean(axis=2, keepdims=True)
    with np.errstate(invalid="ignore"):
        unit = ranks / np.sqrt((ranks**2).sum(axis=2, keepdims=True))
    square = (unit.sum(axis=0) ** 2).sum(axis=1)
    return (square - count) / (count * (count - 1))


def net_share_inside(attribution: Array, inside: Array) -> Array:
    """Return which share of the attribution lies at some grid points, on balance (storm,).

    `attribution` has the shape (storm, y, x, variable) and is added up over the variables first;
    `inside` (storm, y, x) is True at these grid points. The share is the sum inside, relative to
    the sum of absolute values everywhere, so it is negative if the probability is lowered there. It
    is NaN if there is no attribution.

    >>> net_share_inside(np.array([[[[3.0], [1.0], [-2.0]]]]), np.array([[[True, False, True]]]))
    array([0.16666667])
    """
    whole = attribution.sum(axis=-1)
    with np.errstate(invalid="ignore"):
        return (whole * inside).sum(axis=(1, 2)) / np.abs(whole).sum(axis=(1, 2))


def positive_share_inside(attribution: Array, inside: Array) -> Array:
    """Return which share of the positive attribution lies at some grid points (storm,).

    As `net_share_inside`, but grid points at which the probability is lowered do not count. It is
    NaN if there is no positive attribution.

    >>> positive_share_inside(
    ...     np.array([[[[3.0], [1.0], [-2.0]]]]), np.array([[[True, False, True]]])
    ... )
    array([0.75])
    """
    positive = np.clip(attribution.sum(axis=-1), 0, None)
    with np.errstate(invalid="ignore"):
        return (positive * inside).sum(axis=(1, 2)) / positive.sum(axis=(1, 2))


def within_radius(
    shape: tuple[int, int], spacing: float, x: Array, y: Array, radius: Array
) -> Array:
    """Return which grid points (storm, y, x) are within the radius of a place of each storm.

    `shape` is the number of grid points in y and x, `spacing` their distance; `x` and `y` (storm,)
    are the distances of the place from the central grid point to the east and to the north, and
    `radius` (storm,) is in the same unit.

    >>> within_radius((1, 4), 3.0, np.array([-3.0]), np.array([0.0]), np.array([3.0])).tolist()
    [[[True, True, True, False]]]
    """
    north, east = (spacing * (np.arange(size) - size // 2) for size in shape)
    distance = np.hypot(
        east[None, None, :] - x[:, None, None], north[None, :, None] - y[:, None, None]
    )
    return distance <= radius[:, None, None]
