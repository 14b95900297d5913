"""Sample many MC members of a network for a few storms, and write all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stormcnn.io import read_netcdf, write_netcdf
from stormcnn.provenance import provenance
from stormcnn.sampling.cases import choose_cases, describe_cases
from stormcnn.sampling.sampler import MemberSampler
from stormcnn.storms.patch_file import GRID_SPACING
from stormcnn.storms.patches import read_storms

if TYPE_CHECKING:
    import keras

    from stormcnn.vocabulary import StrPath


def write_cases(
    network: keras.Model,
    patches: Sequence[StrPath],
    predictions: StrPath,
    *,
    cases: Mapping[str, Any],
    model: str,
    seed: int,
    path: StrPath,
) -> None:
    """Write the fields of the case studies and the probabilities of all their MC members.

    Parameters: `patches`, the patch files of the test period, and `predictions`, the file with the
    network's predictions for its storms; `cases`, the settings `count`, `storms` and `members`.
    """
    sampler = MemberSampler(network, cases["members"], seed)
    forecast = read_netcdf(predictions)
    chosen = choose_cases(forecast["probability"].values, cases["count"], cases["storms"])
    storms = read_storms(patches, chosen.tolist())
    probability = np.concatenate([part for _, part in sampler.batches(storms["predictors"].values)])
    spacing = {key: value for key, value in storms.attrs.items() if key == GRID_SPACING}
    attributes = (
        {"title": forecast.attrs["title"]}
        | spacing
        | provenance({"model": model, "cases": cases}, model=model, seed=seed)
    )
    described = describe_cases(forecast, chosen, probability, storms)
    write_netcdf(described.assign_attrs(attributes), path)
