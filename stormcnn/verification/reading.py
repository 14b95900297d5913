"""Read the forecasts of several networks, and the true probabilities of made-up storms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.io import read_netcdf

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array, NetworkId, StrPath


def read_by_network(paths: Iterable[StrPath]) -> dict[NetworkId, xr.Dataset]:
    """Read files of predictions, MC members or event counts into memory, by network.

    The network is taken from the attributes `model` and `seed` of each file.
    """
    datasets = {}
    for path in paths:
        dataset = read_netcdf(path)
        datasets[dataset.attrs["model"], int(dataset.attrs["seed"])] = dataset
    return datasets


def match_truth(
    truth: pd.DataFrame, run_file: Array, patch: Array, column: str = "probability"
) -> Array:
    """Return what is known about made-up storms, by default the true probability, shape (storm,).

    Parameters: `truth`, a table with the columns `file`, `patch` and `column`; `run_file` and
    `patch`, shape (storm,), the name of each storm's run file and its index in that file.
    Raises `UserError` if a storm is missing in the table.

    >>> truth = pd.DataFrame({"file": ["a.nc", "a.nc"], "patch": [0, 1], "probability": [0.1, 0.8]})
    >>> match_truth(truth, np.array(["a.nc"]), np.array([1])).tolist()
    [0.8]
    """
    known = truth.set_index(["file", "patch"])[column]
    matched = known.reindex(pd.MultiIndex.from_arrays([run_file, patch])).to_numpy()
    if np.isnan(matched).any():
        storm = int(np.isnan(matched).argmax())
        raise UserError(
            f"truth.csv: storm {patch[storm]} of {run_file[storm]} is missing. Remove the file and "
            "run the workflow again."
        )
    return matched
