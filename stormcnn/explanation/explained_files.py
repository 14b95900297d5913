"""The content of the files that explain the network of one seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from stormcnn.explanation.predictor_sets import PredictorSet, name_of_set
from stormcnn.storms.patch_file import GRID_SPACING
from stormcnn.vocabulary import PATCH_DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stormcnn.vocabulary import Array


def describe_explained(
    forecast: xr.Dataset,
    storms: xr.Dataset,
    cases: int,
    values: Mapping[str, Array],
    flattened: Mapping[PredictorSet, Array],
) -> xr.Dataset:
    """Return the explained storms as a dataset.

    Parameters: `forecast`, the `label` and the coordinates of the storms, with their `index` among
    the test storms; `storms` with their fields and `variable`, of which the first `cases` are the
    case studies; `values`, arrays whose first dimension is the storm and whose others are those of
    the fields, by name (scalars have none); `flattened`, the probability (storm,) by set of
    flattened predictors.
    """
    about = {
        "probability": ("probability of the event, without dropout", "1"),
        "log_odds": ("log odds of the event that the attribution explains", "1"),
        "reference_log_odds": ("log odds of the reference, the mean of each predictor", "1"),
        "steps": ("number of points of the path to the storm", "1"),
        "attribution": ("contribution to the log odds of the event", "1"),
        "randomized_attribution": ("the same with random weights", "1"),
        "member_agreement": ("mean rank correlation of the attributions of two MC members", "1"),
    }
    names = [str(name) for name in storms["variable"].values]
    described = xr.Dataset(
        {
            name: (
                PATCH_DIMENSIONS[: np.ndim(array)],
                np.asarray(array, "int32" if name == "steps" else "float32"),
                dict(zip(("long_name", "units"), about[name], strict=True)),
            )
            for name, array in values.items()
        }
    )
    described["flattened_probability"] = (
        ("storm", "flattened"),
        np.stack(list(flattened.values()), axis=1).astype("float32"),
        {"long_name": "probability with some predictors replaced by their mean", "units": "1"},
    )
    described["label"] = forecast["label"]
    described["index"] = forecast["index"]
    described["case"] = (
        "storm",
        (np.arange(storms.sizes["storm"]) < cases).astype("int8"),
        {"long_name": "1 for case studies, else 0"},
    )
    described["predictors"] = storms["predictors"].assign_attrs(
        long_name="fields of the storm's patch"
    )
    if "masks" in storms:
        described["masks"] = storms["masks"]
    spacing = {key: value for key, value in storms.attrs.items() if key == GRID_SPACING}
    sets = [name_of_set(names, chosen) for chosen in flattened]
    coordinates: dict[Any, Any] = dict(forecast.coords)
    coordinates |= {name: storms[name] for name in ("variable", "units")}
    coordinates["flattened"] = ("flattened", sets)
    return described.assign_coords(coordinates).assign_attrs(spacing)


def describe_permuted(
    storms: xr.Dataset,
    variables: Sequence[str],
    probability: Mapping[PredictorSet, Array],
    passes: Sequence[PredictorSet],
) -> xr.Dataset:
    """Return the probabilities with permuted predictors as a dataset.

    Parameters: `storms`, the `label` and the coordinates of the storms; `probability` (repetition,
    storm) by permuted set; `passes`, the sets after each pass of multi-pass importance.
    """
    flags = np.array(
        [[index in chosen for index in range(len(variables))] for chosen in probability]
    )
    place = list(probability)
    numbers = np.zeros(len(place), "int32")
    for number, chosen in enumerate(passes, start=1):
        numbers[place.index(chosen)] = number
    return xr.Dataset(
        {
            "probability": (
                ("permuted", "repetition", "storm"),
                np.stack(list(probability.values())).astype("float32"),
                {"long_name": "probability with permuted predictors", "units": "1"},
            ),
            "is_permuted": (
                ("permuted", "variable"),
                flags.astype("int8"),
                {"long_name": "1 for permuted predictors, else 0"},
            ),
            "number_of_pass": (
                "permuted",
                numbers,
                {"long_name": "pass of the multi-pass after which these are permuted, or 0"},
            ),
            "label": storms["label"],
        },
        coords={**storms.coords, "variable": ("variable", list(variables))},
    )


def read_permuted(
    permuted: xr.Dataset,
) -> tuple[dict[PredictorSet, Array], list[PredictorSet]]:
    """Return what `describe_permuted` was given: the probabilities, and the passes in order."""
    sets = [
        tuple(int(index) for index in np.flatnonzero(row)) for row in permuted["is_permuted"].values
    ]
    numbers = permuted["number_of_pass"].values
    order = [int(place) for place in np.argsort(numbers, kind="stable") if numbers[place] > 0]
    probability = dict(zip(sets, permuted["probability"].values, strict=True))
    return probability, [sets[place] for place in order]
