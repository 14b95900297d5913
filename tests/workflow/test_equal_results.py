"""The same config, seed and thread count give the same numbers, down to the last bit."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np
from checkout import Checkout

SCORES = "results/tiny/verification/scores.csv"


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


def test_run_from_scratch_elsewhere_gives_the_same_bits(
    checkout: Checkout, finished: Checkout
) -> None:
    (checkout.path / "runs").symlink_to(finished.path / "runs")
    checkout.run(SCORES)

    made = [path.relative_to(checkout.path) for path in checkout.path.glob("res*/**/*")]
    equal = {path for path in made if path.suffix == ".nc" or path.suffix == ".csv"}
    # The history tells seconds; its losses are compared below.
    histories = {path for path in equal if path.name == "history.csv"}
    assert len(equal - histories) > 20
    differing = [
        str(path)
        for path in equal - histories
        if (checkout.path / path).read_bytes() != (finished.path / path).read_bytes()
    ]
    assert differing == []

    networks = [path for path in made if path.suffix == ".keras"]
    assert len(networks) == len(histories) == 2
    for network in networks:
        ours, others = (read_weights(folder.path / network) for folder in (checkout, finished))
        assert ours.keys() == others.keys()
        assert sum(array.size for array in ours.values()) > 100
        for name, array in ours.items():
            np.testing.assert_array_equal(array, others[name])
