"""The same config, seed and thread count give the same numbers, down to the last bit."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from checkout import Checkout


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
    checkout.run("results/tiny/uncertainty/scores.csv")

    made = [path.relative_to(checkout.path) for path in checkout.path.glob("res*/**/*")]
    equal = {path for path in made if path.suffix in (".nc", ".csv") and path.name != "history.csv"}
    assert {path.name for path in equal} >= {"seed-0.nc", "storms.nc", "counts.nc", "scores.csv"}
    differing = [
        str(path)
        for path in equal
        if (checkout.path / path).read_bytes() != (finished.path / path).read_bytes()
    ]
    assert differing == []

    # Containers and histories also tell when and how fast the network was trained.
    network = "results/tiny/models/dropout/seed-0"
    ours, others = (folder.path / network for folder in (checkout, finished))
    losses, others_losses = (pd.read_csv(path / "history.csv")["loss"] for path in (ours, others))
    np.testing.assert_array_equal(losses, others_losses)
    weights, others_weights = (read_weights(path / "network.keras") for path in (ours, others))
    assert weights.keys() == others_weights.keys()
    assert sum(array.size for array in weights.values()) > 100
    for name, array in weights.items():
        np.testing.assert_array_equal(array, others_weights[name])


def test_members_sampled_by_several_jobs_are_the_same_bits(rerun: Checkout) -> None:
    folder = rerun.path / "results/tiny/uncertainty/dropout/seed-0"
    before = {name: (folder / name).read_bytes() for name in ("storms.nc", "counts.nc")}
    rerun.change({"uncertainty": {"jobs": 3}})
    rerun.run("results/tiny/uncertainty/scores.csv")
    parts = {path.parent.name for path in folder.glob("parts/*/storms.nc")}
    assert parts == {"1-of-3", "2-of-3", "3-of-3"}
    assert {"sample_members", "merge_members"} <= rerun.rules_run()
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_verification_repeated_gives_the_same_bits(rerun: Checkout) -> None:
    folder = rerun.path / "results/tiny/verification"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {"scores.csv", "differences.csv", "roc.csv"} < before.keys()
    rerun.run("results/tiny/verification/scores.csv", "--forcerun", "score_networks")
    assert "score_networks" in rerun.rules_run()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
