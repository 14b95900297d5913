"""Past storms that a network sees as similar to those of a forecast."""

from __future__ import annotations

import logging
import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from stormcnn.io import read_netcdf
from stormcnn.models.network_archive import training_storms_path
from stormcnn.vocabulary import StrPath

if TYPE_CHECKING:
    import keras

    from stormcnn.models.fields import Fields
    from stormcnn.vocabulary import Array

logger = logging.getLogger(__name__)

MOST_TRAINING_STORMS = 20_000
NEIGHBOURS = 5

USUAL_SHARE = 0.99
"""Share of the training storms with a training storm of another run within the usual distance."""

MOST_COMPARED = 2_000
"""Training storms from which the usual distance is computed."""

STORMS_AT_ONCE = 256


def contributions(network: keras.Model, fields: Fields) -> Array:
    """Return what each unit of a network's last layer contributes to the log odds (storm, unit).

    `fields` (storm, y, x, variable) are in physical units. A unit is a channel of the last
    convolution, whose contributions are added up over the patch, or a unit of the last dense layer
    before the output. The sum over the units, plus the bias of the output, is the log odds. So
    storms with nearby contributions have similar probabilities for similar reasons.
    """
    features, weights, units = _last_layer(network)
    found = np.empty((len(fields), units), np.float32)
    for start in range(0, len(fields), STORMS_AT_ONCE):
        part = fields[start : start + STORMS_AT_ONCE]
        # All batches have the same size, so the result does not depend on the other storms.
        padded = np.zeros((STORMS_AT_ONCE, *part.shape[1:]), part.dtype)
        padded[: len(part)] = part
        product = features.predict_on_batch(padded)[: len(part)] * weights
        found[start : start + len(part)] = product.reshape(len(part), -1, units).sum(axis=1)
    return found


@lru_cache(maxsize=1)
def _last_layer(network: keras.Model) -> tuple[keras.Model, Array, int]:
    """Return the network up to the output, the weights of the output, and the number of units.

    The part of the network is compiled once for all calls.
    """
    import keras

    output = network.get_layer("output")
    weights = keras.ops.convert_to_numpy(output.kernel)[:, 0]
    has_dense = any(isinstance(layer, keras.layers.Dense) for layer in network.layers[:-2])
    units = len(weights) if has_dense else network.get_layer("flatten").input.shape[-1]
    return keras.Model(network.inputs, output.input), weights, units


def choose_training_storms(storms: int) -> Array:
    """Return the indices of the training storms to keep, evenly spaced if they are too many.

    >>> choose_training_storms(3).tolist()
    [0, 1, 2]
    """
    count = min(storms, MOST_TRAINING_STORMS)
    return np.arange(count) * storms // max(count, 1)


def describe_training_storms(
    storms: xr.Dataset, contribution: Array, probability: Array, event: Array
) -> xr.Dataset:
    """Return the content of the file with the training storms of a network.

    `storms` has the `peak` and the coordinates of the storms; the result of `contributions`, the
    `probability` that a forecast would show and whether the `event` happened are in their order.
    The attribute `usual_distance` tells how near storms of different runs usually are.
    """

    def about(long_name: str) -> dict[str, str]:
        return {"long_name": long_name, "units": "1"}

    return xr.Dataset(
        {
            "contribution": (
                ("storm", "unit"),
                contribution.astype(np.float32),
                about("contribution of a unit of the last layer to the log odds of the event"),
            ),
            "probability": (
                "storm",
                probability.astype(np.float32),
                about("probability of the event, as a forecast shows it"),
            ),
            "event": (
                "storm",
                event.astype(np.int8),
                {
                    "long_name": "whether the event happened",
                    "flag_values": np.array([0, 1], "int8"),
                    "flag_meanings": "no yes",
                },
            ),
            "peak": storms["peak"],
        },
        {name: value for name, value in storms.coords.items() if value.dims == ("storm",)},
        {"usual_distance": usual_distance(contribution, storms["run_date"].values)},
    )


def read_training_storms(network: StrPath, sha256: str) -> xr.Dataset | None:
    """Return the training storms of a network, or None if they are unknown.

    They are in the file next to the network, unless that belongs to a network with another SHA-256.
    """
    path = training_storms_path(network)
    if not path.exists():
        logger.info("%s is missing, so no similar storms are shown.", path)
        return None
    training = read_netcdf(path)
    if training.attrs.get("network_sha256") != sha256:
        logger.warning("%s belongs to another network, so no similar storms are shown.", path)
        return None
    return training


def find_similar(network: keras.Model, storms: xr.Dataset, training: xr.Dataset) -> xr.Dataset:
    """Return the training storms that are nearest to each of `storms`, nearest first.

    Storms are near if the units of the network's last layer contribute alike (Euclidean distance
    of the `contributions`). Of each track only the nearest storm counts, and storms of the same
    forecast run do not. The result has `distance`, `run_date`, `valid_time`, `track_id`, `event`,
    `probability` and `peak` (storm, neighbour), and `few` (storm): whether even the nearest one is
    farther away than is usual among training storms.
    """
    found = contributions(network, storms["predictors"].values)
    tracks = _numbered(training, ("run_date", "ensemble_member", "track_id"))
    reference = training["contribution"].values
    index = np.full((len(found), NEIGHBOURS), -1)
    distance = np.full((len(found), NEIGHBOURS), np.inf)
    for start in range(0, len(found), STORMS_AT_ONCE):
        part = slice(start, start + STORMS_AT_ONCE)
        apart = _distances(found[part], reference)
        same_run = (
            storms["run_date"].values[part, np.newaxis] == training["run_date"].values[np.newaxis]
        )
        apart[same_run] = np.inf
        for row, values in enumerate(apart, start=start):
            chosen = _nearest_of_each_track(values, tracks)
            index[row, : len(chosen)], distance[row, : len(chosen)] = chosen, values[chosen]
    kept = int((index >= 0).sum(axis=1).min(initial=NEIGHBOURS))
    index, distance = index[:, :kept], distance[:, :kept]
    nearest = distance[:, 0] if kept else np.zeros(len(found))
    dims = ("storm", "neighbour")
    about = {"long_name": "distance of the contributions to the log odds", "units": "1"}
    similar: dict[str, Any] = {"distance": (dims, distance.astype(np.float32), about)}
    for name in ("run_date", "valid_time", "track_id", "event", "probability", "peak"):
        similar[name] = (dims, training[name].values[index], training[name].attrs)
    few = nearest > training.attrs["usual_distance"]
    return xr.Dataset({**similar, "few": ("storm", few)})


def usual_distance(contribution: Array, run_dates: Array) -> float:
    """Return the distance within which most storms have a storm of another run, infinite if none.

    `contribution` has shape (storm, unit) and `run_dates` (storm,). The share is `USUAL_SHARE`. It
    is computed for at most `MOST_COMPARED` storms.

    >>> runs = np.array(["2030-05-01", "2030-05-02"], "datetime64[D]")
    >>> usual_distance(np.array([[0.0, 0.0], [3.0, 4.0]]), runs)
    5.0
    """
    count = min(len(contribution), MOST_COMPARED)
    some = np.arange(count) * len(contribution) // max(count, 1)
    nearest = []
    for start in range(0, count, STORMS_AT_ONCE):
        part = some[start : start + STORMS_AT_ONCE]
        apart = _distances(contribution[part], contribution)
        apart[run_dates[part, np.newaxis] == run_dates[np.newaxis]] = np.inf
        nearest += apart.min(axis=1, initial=math.inf).tolist()
    if not np.isfinite(nearest).any():
        return math.inf
    return float(np.quantile(nearest, USUAL_SHARE, method="higher"))


def _distances(one: Array, other: Array) -> Array:
    """Return the Euclidean distances (storm, other storm) between contributions."""
    one, other = one.astype(np.float64), other.astype(np.float64)
    square = (one**2).sum(axis=1)[:, np.newaxis] + (other**2).sum(axis=1) - 2 * one @ other.T
    return np.sqrt(np.maximum(square, 0))


def _numbered(storms: xr.Dataset, names: tuple[str, ...]) -> Array:
    """Return a number for each combination of the values of some coordinates (storm,)."""
    columns = [np.unique(storms[name].values, return_inverse=True)[1] for name in names]
    return np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)[1].reshape(-1)


def _nearest_of_each_track(distance: Array, tracks: Array) -> list[int]:
    """Return the indices of the nearest storms of different tracks at a finite distance."""
    candidates = min(len(distance), 16 * NEIGHBOURS)
    while candidates:
        some: Array = np.argpartition(distance, candidates - 1)[:candidates]
        first: dict[int, int] = {}
        for storm in sorted(some, key=lambda storm: (distance[storm], storm)):
            if math.isfinite(distance[storm]):
                first.setdefault(int(tracks[storm]), int(storm))
        if len(first) >= NEIGHBOURS or candidates == len(distance):
            return list(first.values())[:NEIGHBOURS]
        candidates = min(len(distance), 4 * candidates)
    return []
