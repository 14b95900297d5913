"""Compare the results of two checkouts."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

# Columns with the duration of the training, and the time stamps of copied run files, by the name of
# their table.
VARYING = {
    "history.csv": "seconds",
    "comparison.csv": "training_seconds",
    "runs.csv": "modified",
}


def differing_files(actual: Path, expected: Path) -> list[str]:
    """Return the results in the checkout `expected` that are missing or different in `actual`.

    Files are compared byte by byte, except networks, histories and the comparison, which contain
    the duration of the training: their weights and other columns are compared. The report shows the
    duration too, and is ignored.
    """
    files = [path for path in expected.glob("res*/**/*") if path.is_file()]
    paths = [path.relative_to(expected) for path in files if path.name != "report.html"]
    return [str(path) for path in paths if not _is_equal(actual / path, expected / path)]


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a network by their name in the file."""
    with zipfile.ZipFile(path) as archive:
        content = archive.read("model.weights.h5")
    arrays = {}
    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(
            lambda name, item: arrays.update({name: item[...]} if hasattr(item, "shape") else {})
        )
    return arrays


def _is_equal(actual: Path, expected: Path) -> bool:
    if not actual.exists():
        return False
    if expected.name in VARYING:
        column = VARYING[expected.name]
        one, other = (
            pd.read_csv(path).drop(columns=column, errors="ignore") for path in (actual, expected)
        )
        return one.equals(other)
    if expected.suffix == ".keras":
        return has_weights(actual, read_weights(expected))
    return actual.read_bytes() == expected.read_bytes()


def has_weights(path: Path, expected: Mapping[str, np.ndarray]) -> bool:
    """Return whether a network has exactly these arrays."""
    weights = read_weights(path)
    return weights.keys() == expected.keys() and all(
        np.array_equal(array, expected[name]) for name, array in weights.items()
    )
