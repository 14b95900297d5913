"""What a run has written, compared with what another has."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

# Tables that hold the time a training took, and its column.
SECONDS = {"history.csv": "seconds", "comparison.csv": "training_seconds"}


def differing_files(ours: Path, others: Path) -> list[str]:
    """Networks, NetCDF files and tables that `others` holds and that are not the same in `ours`.

    Networks, histories and the comparison also tell when and how fast a network was trained: of
    them weights and numbers are compared, of all others the bytes. The report shows such seconds,
    and is left out.
    """
    files = [path for path in others.glob("res*/**/*") if path.is_file()]
    paths = [path.relative_to(others) for path in files if path.name != "report.html"]
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
    if others.name in SECONDS:
        numbers = [pd.read_csv(path).drop(columns=SECONDS[others.name]) for path in (ours, others)]
        return numbers[0].equals(numbers[1])
    if others.suffix == ".keras":
        weights, others_weights = map(read_weights, (ours, others))
        return weights.keys() == others_weights.keys() and all(
            np.array_equal(array, others_weights[name]) for name, array in weights.items()
        )
    return others.read_bytes() == ours.read_bytes()
