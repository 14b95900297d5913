"""Files of predictions: what a network says of every storm, and what happened."""

from __future__ import annotations

import os
from collections.abc import Iterable

import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.io import read_netcdf
from stormcnn.storms.events import exceeds

Network = tuple[str, int]
"""A network is told by its model's name and its seed."""


def describe_predictions(
    probability: np.ndarray, peak: xr.DataArray, threshold: float
) -> xr.Dataset:
    """Put the probability of the event, shape (storm,), beside what happened.

    `label` is 1 where `peak` (s-1) exceeds `threshold`, else 0. Coordinates are those of `peak`.
    """
    return xr.Dataset(
        {
            "probability": (
                "storm",
                probability,
                {"long_name": "probability of strong low-level rotation", "units": "1"},
            ),
            "label": (
                "storm",
                exceeds(peak.values, threshold).astype("int8"),
                {
                    "long_name": "whether low-level rotation became strong",
                    "flag_values": np.array([0, 1], "int8"),
                    "flag_meanings": "no yes",
                    "threshold": threshold,
                },
            ),
        },
        coords=peak.coords,
    )


def read_by_network(paths: Iterable[str | os.PathLike[str]]) -> dict[Network, xr.Dataset]:
    """Read files of predictions, members or counts into memory, by the network they name."""
    found = {}
    for path in paths:
        data = read_netcdf(path)
        found[data.attrs["model"], int(data.attrs["seed"])] = data
    return found


def match_truth(truth: pd.DataFrame, run_file: np.ndarray, patch: np.ndarray) -> np.ndarray:
    """True probability of each storm, told by its run file's name and its index in that file.

    `truth` has the columns `file`, `patch` and `probability`. Raises `UserError` where a storm
    is not in it.
    """
    known = truth.set_index(["file", "patch"])["probability"]
    wanted = pd.MultiIndex.from_arrays([run_file, patch])
    matched = known.reindex(wanted).to_numpy()
    if np.isnan(matched).any():
        storm = int(np.isnan(matched).argmax())
        raise UserError(
            f"The true probability of storm {patch[storm]} of {run_file[storm]} is not known. "
            "Make the demo's data again."
        )
    return matched
