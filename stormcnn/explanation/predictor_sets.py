"""Sets of predictors that are permuted or flattened together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array

PredictorSet = tuple[int, ...]
"""Indices of predictors, in ascending order."""


def wind_pairs(variables: Sequence[str]) -> list[PredictorSet]:
    """Return the pairs of wind components among the predictors.

    A pair are two variables whose names differ only in the first letter, U and V.

    >>> wind_pairs(["REFL_COM_curr", "V10_curr", "U10_curr", "U10_prev"])
    [(1, 2)]
    """
    names = list(variables)
    return [
        (min(pair), max(pair))
        for name in names
        if name.startswith("U") and f"V{name[1:]}" in names
        for pair in [(names.index(name), names.index(f"V{name[1:]}"))]
    ]


def permuted_sets(variables: Sequence[str]) -> list[PredictorSet]:
    """Return the sets of single-pass importance: each predictor, then each pair of components.

    >>> permuted_sets(["REFL_COM_curr", "U10_curr", "V10_curr"])
    [(0,), (1,), (2,), (1, 2)]
    """
    return [*((index,) for index in range(len(variables))), *wind_pairs(variables)]


def flattened_sets(variables: Sequence[str]) -> list[PredictorSet]:
    """Return the sets of the counterfactuals: pairs of components, and the other predictors.

    >>> flattened_sets(["REFL_COM_curr", "U10_curr", "V10_curr"])
    [(0,), (1, 2)]
    """
    pairs = wind_pairs(variables)
    paired = {index for pair in pairs for index in pair}
    return sorted([*pairs, *((i,) for i in range(len(variables)) if i not in paired)])


def name_of_set(variables: Sequence[str], chosen: Iterable[int]) -> str:
    """Return the names of some predictors, joined by `+`.

    >>> name_of_set(["REFL_COM_curr", "U10_curr", "V10_curr"], (1, 2))
    'U10_curr+V10_curr'
    """
    return "+".join(variables[index] for index in chosen)


def flatten(fields: Array, chosen: PredictorSet) -> Array:
    """Return fields (storm, y, x, variable) with some predictors replaced by their mean.

    The mean is that over the patch, separately for each storm and predictor.

    >>> flatten(np.array([1.0, 3.0]).reshape(1, 1, 2, 1), (0,)).ravel().tolist()
    [2.0, 2.0]
    """
    flat = np.array(fields)
    index = list(chosen)
    flat[..., index] = flat[..., index].mean(axis=(1, 2), keepdims=True)
    return flat
