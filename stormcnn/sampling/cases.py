"""Choose storms as case studies, and keep all their MC members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.sampling.members import number_members

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array


def choose_cases(probability: Array, count: int, named: Sequence[int] = ()) -> Array:
    """Return the indices of the case studies: first the `named` storms, then `count` others.

    The others are the storms closest to evenly spaced probabilities from the lowest to the
    highest; no storm is chosen twice.

    Parameters: `probability`, shape (storm,); `count`, the number of storms to choose; `named`,
    indices of storms that are always included.
    Raises `UserError` if a named storm does not exist.

    >>> choose_cases(np.array([0.1, 0.9, 0.5, 0.4]), count=3, named=[3]).tolist()
    [3, 0, 2, 1]
    """
    for storm in named:
        if not 0 <= storm < len(probability):
            raise UserError(
                f"uncertainty.cases.storms: storm {storm} does not exist. The test period has "
                f"{len(probability)} storms; use indices from 0 to {len(probability) - 1}."
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


def describe_cases(
    forecast: xr.Dataset, chosen: Array, probability: Array, storms: xr.Dataset
) -> xr.Dataset:
    """Return the chosen storms with their fields and the probabilities of all MC members.

    Parameters: `forecast`, the predictions for all storms (`probability`, `label` and
    coordinates); `chosen`, indices of the case studies in it, shape (case,); `probability` of
    their members, shape (case, mc_member); `storms` with `predictors(storm, y, x, variable)` and
    perhaps `masks(storm, y, x)`.
    """
    cases = forecast.isel(storm=chosen)
    long_name = cases["probability"].attrs.get("long_name", "probability")
    return xr.Dataset(
        {
            "probability": (
                ("storm", "mc_member"),
                probability,
                {"long_name": long_name, "units": "1"},
            ),
            "deterministic": cases["probability"].assign_attrs(
                long_name=f"{long_name}, without dropout"
            ),
            "label": cases["label"],
            "predictors": storms["predictors"].assign_attrs(
                long_name="fields of the storm's patch"
            ),
            **({"masks": storms["masks"]} if "masks" in storms else {}),
            "index": ("storm", chosen, {"long_name": "index among the test storms"}),
        },
        coords={**cases.coords, "mc_member": number_members(probability.shape[1])},
    )
