"""Read the forecasts of several networks, and the true probabilities of made-up storms."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import netCDF4
import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.io import read_netcdf, reading
from stormcnn.vocabulary import StrPath

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array, NetworkId

Stored = Mapping[Any, Any] | StrPath
"""Predictions of one network: arrays (storms,) by name, or the path of a file with them."""


# The HDF5 library is not safe for threads.
_ONE_THREAD = threading.RLock()


def read_by_network(paths: Iterable[StrPath]) -> dict[NetworkId, xr.Dataset]:
    """Read files of predictions, MC members or event counts into memory, by network.

    The network is taken from the attributes `model` and `seed` of each file.
    """
    datasets = {}
    for path in paths:
        dataset = read_netcdf(path)
        datasets[dataset.attrs["model"], int(dataset.attrs["seed"])] = dataset
    return datasets


def network_files(paths: Iterable[StrPath]) -> dict[NetworkId, StrPath]:
    """Return the files that `read_by_network` would read, by network."""
    files: dict[NetworkId, StrPath] = {}
    for path in paths:
        with reading(path), netCDF4.Dataset(path) as file:
            files[file.getncattr("model"), int(file.getncattr("seed"))] = path
    return files


@contextmanager
def opened(predictions: Stored) -> Iterator[Mapping[Any, Any]]:
    """Yield the variables of predictions by name, for `read_storms`.

    Nothing of a file is read before it is used, and one thread at a time has files open. Raises
    `UserError` if the file is damaged.
    """
    if isinstance(predictions, (str, os.PathLike)):
        with _ONE_THREAD, reading(predictions), netCDF4.Dataset(predictions) as file:
            file.set_auto_mask(False)
            yield file.variables
    else:
        yield predictions


def read_storms(variables: Mapping[Any, Any], name: str, storms: slice = slice(None)) -> Array:
    """Return an array (storms,) of opened predictions, or a slice of it."""
    variable = variables[name]
    if not isinstance(variable, netCDF4.Variable):
        return np.asarray(variable)[storms]
    values: Array = variable[storms]
    if " since " in getattr(variable, "units", ""):
        attributes = {key: variable.getncattr(key) for key in ("units", "calendar")}
        return xr.decode_cf(xr.Dataset({name: ("storm", values, attributes)}))[name].to_numpy()
    return values


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
