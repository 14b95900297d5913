"""Choose the storms that are looked at one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stormcnn.errors import UserError


def choose_cases(probability: np.ndarray, count: int, named: Sequence[int] = ()) -> np.ndarray:
    """Indices of the cases: the named storms, then `count` over the range of `probability`.

    The others are the storms nearest to evenly spaced probabilities from the lowest to the
    highest, each taken once. `probability` has shape (storm,); a named storm is an index into it.
    Raises `UserError` where there is no such storm.
    """
    for storm in named:
        if not 0 <= storm < len(probability):
            raise UserError(
                f"uncertainty.cases.storms: there is no storm {storm}; the test period has "
                f"{len(probability)} storms, counted from 0."
            )
    chosen = list(dict.fromkeys(named))
    free = np.ones(len(probability), bool)
    free[chosen] = False
    for target in np.linspace(probability.min(), probability.max(), min(count, free.sum())):
        distance = np.where(free, np.abs(probability - target), np.inf)
        nearest = int(np.argmin(distance))
        free[nearest] = False
        chosen.append(nearest)
    return np.array(chosen, int)
