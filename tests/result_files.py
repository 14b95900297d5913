"""What a run has written, compared with what another has."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd


def differing_files(ours: Path, others: Path) -> list[str]:
    """Networks, NetCDF files and tables that `others` holds and that are not the same in `ours`.

    Containers of networks and histories also tell when and how fast a network was trained: of them
    weights and losses are compared, of all others the bytes.
    """
    paths = [path.relative_to(others) for path in others.glob("res*/**/*") if path.is_file()]
    return [str(path) for path in paths if not _is_equal(ours / path, others / path)]


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Every array of a network by its name in the file."""
    with zipfile.ZipFile(path) as archive:
        content = archive.read("model.weights.h5")
    arrays = {}
    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(
            lambda name, item: arrays.update({name: item[...]} if hasattr(item, "shape") else {})
        )
    return arrays


def _is_equal(ours: Path, others: Path) -> bool:
    if not ours.exists():
        return False
    if others.name == "history.csv":
        losses = (pd.read_csv(path)["loss"] for path in (ours, others))
        return np.array_equal(*losses)
    if others.suffix == ".keras":
        weights, others_weights = map(read_weights, (ours, others))
        return weights.keys() == others_weights.keys() and all(
            np.array_equal(array, others_weights[name]) for name, array in weights.items()
        )
    return others.read_bytes() == ours.read_bytes()
