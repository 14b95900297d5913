"""The content of files of predictions: the probability and the event of every storm."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.io import read_netcdf
from stormcnn.storms.events import exceeds

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array, StrPath

Network = tuple[str, int]
"""The name of a model and a training seed, which together identify a network."""


def describe_predictions(probability: Array, peak: xr.DataArray, threshold: float) -> xr.Dataset:
    """Return the probability and the event of each storm as a dataset.

    Parameters: `probability` of the event, shape (storm,); `peak`, the largest value of the
    target, dimension storm, whose coordinates the dataset gets; `threshold` of the event, in the
    unit of `peak`. The event is the variable `label`: 1 if the peak exceeds the threshold, else 0.

    >>> peak = xr.DataArray([0.004, 0.006], dims="storm", coords={"patch": ("storm", [3, 7])})
    >>> predictions = describe_predictions(np.array([0.3, 0.7]), peak, threshold=0.005)
    >>> predictions["label"].values.tolist()
    [0, 1]
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


def read_by_network(paths: Iterable[StrPath]) -> dict[Network, xr.Dataset]:
    """Read files of predictions, MC members or event counts into memory, by network.

    The network is taken from the attributes `model` and `seed` of each file.
    """
    datasets = {}
    for path in paths:
        dataset = read_netcdf(path)
        datasets[dataset.attrs["model"], int(dataset.attrs["seed"])] = dataset
    return datasets


def match_truth(truth: pd.DataFrame, run_file: Array, patch: Array) -> Array:
    """Return the true probability of made-up storms, shape (storm,).

    Parameters: `truth`, a table with the columns `file`, `patch` and `probability`; `run_file`
    and `patch`, shape (storm,), the name of each storm's run file and its index in that file.
    Raises `UserError` if a storm is missing in the table.

    >>> truth = pd.DataFrame({"file": ["a.nc", "a.nc"], "patch": [0, 1], "probability": [0.1, 0.8]})
    >>> match_truth(truth, np.array(["a.nc"]), np.array([1])).tolist()
    [0.8]
    """
    probability = truth.set_index(["file", "patch"])["probability"]
    matched = probability.reindex(pd.MultiIndex.from_arrays([run_file, patch])).to_numpy()
    if np.isnan(matched).any():
        storm = int(np.isnan(matched).argmax())
        raise UserError(
            f"truth.csv: storm {patch[storm]} of {run_file[storm]} is missing. "
            "Generate the demo data again."
        )
    return matched
