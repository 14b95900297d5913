"""Pass a dataset from one process to another as JSON and the bytes of its arrays.

Unlike a pickle, this cannot make the process that reads it run anything.
"""

from __future__ import annotations

import json
import math
import os
from typing import IO, Any

import numpy as np
import xarray as xr

from stormcnn.vocabulary import Array

LARGEST_HEADER = 50_000_000
KINDS = "biufUM"
"""Kinds of arrays that can be passed: numbers, truth values, texts and times."""


def write_dataset(dataset: xr.Dataset, stream: IO[bytes]) -> None:
    """Write a dataset, whose attributes must be valid JSON, to a binary stream."""
    arrays = {str(name): _as_array(dataset[name].values) for name in dataset.variables}
    variables = [
        {
            "name": name,
            "dimensions": dataset[name].dims,
            "type": array.dtype.str,
            "shape": array.shape,
            "attributes": dataset[name].attrs,
            "coordinate": name in dataset.coords,
        }
        for name, array in arrays.items()
    ]
    write_json({"variables": variables, "attributes": dataset.attrs}, stream)
    for array in arrays.values():
        if array.nbytes:
            stream.write(np.ascontiguousarray(array).reshape(-1).view("u1").data)


def read_dataset(header: dict[str, Any], stream: IO[bytes]) -> xr.Dataset:
    """Return the dataset whose `header` was read from a stream, with its arrays from the stream.

    Raises an exception of any class if they are not what `write_dataset` has written.
    """
    variables: dict[bool, dict[str, Any]] = {True: {}, False: {}}
    for about in header["variables"]:
        array = _read_array(stream, np.dtype(about["type"]), tuple(map(int, about["shape"])))
        variables[bool(about["coordinate"])][about["name"]] = (
            tuple(about["dimensions"]),
            array,
            about["attributes"],
        )
    return xr.Dataset(variables[False], variables[True], header["attributes"])


def write_json(value: Any, stream: IO[bytes]) -> None:
    """Write a value on one line."""
    stream.write(json.dumps(value).encode() + b"\n")


def read_json(stream: IO[bytes]) -> Any:
    """Return the value on the next line, which may have at most `LARGEST_HEADER` bytes."""
    return json.loads(stream.readline(LARGEST_HEADER))


def _as_array(values: Array) -> Array:
    if values.dtype.kind not in KINDS:
        values = values.astype(str)
    return values


def _read_array(stream: IO[bytes], kind: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    if kind.kind not in KINDS:
        raise ValueError(f"arrays of the type {kind} cannot be passed")
    size = math.prod(shape) * kind.itemsize
    if not 0 <= size <= os.fstat(stream.fileno()).st_size - stream.tell():
        raise ValueError("an array is incomplete")
    return np.fromfile(stream, kind, math.prod(shape)).reshape(shape)
