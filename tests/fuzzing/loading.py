"""Networks that are loaded by Keras. Importing it takes ten seconds, so these inputs are apart."""

from __future__ import annotations

import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from fuzzing.networks import ABOUT, WEIGHTS, as_zip, with_other_content
from fuzzing.outcomes import CHANGED, EQUAL, Family, Outcome, damage, refused

from stormcnn.errors import UserError
from stormcnn.models.network_archive import RECALIBRATION

FIELDS = np.random.default_rng(0).normal(0, 10, (3, 8, 8, 2)).astype(np.float32)
ARCHITECTURE = {
    "filters": [2, 3],
    "kernel_size": 3,
    "activation": "relu",
    "pooling": "average",
    "spatial_dropout": 0.2,
}


@cache
def original(folder: Path) -> tuple[dict[str, bytes], Any]:
    """Return the files in a network, and its probabilities of `FIELDS`."""
    from stormcnn.models.architecture import build_network
    from stormcnn.models.network_files import save_network

    network = build_network(ARCHITECTURE, (8, 8), [0.0, 0.0], [10.0, 10.0])
    path = folder / "original.keras"
    save_network(network, path, ABOUT)
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    return contents | {RECALIBRATION: b"{}"}, network.predict_on_batch(FIELDS)


def loaded_network(random: np.random.Generator, folder: Path, alone: bool) -> Outcome:
    from stormcnn.models.network_files import load_network

    contents, expected = original(folder)
    if random.integers(2):
        changed = contents | {WEIGHTS: damage(random, contents[WEIGHTS])}
    else:
        changed = with_other_content(random, contents)
    path = folder / "network.keras"
    path.write_bytes(as_zip(changed))
    try:
        network = load_network(path)
    except UserError as error:
        return refused(error, path.name)
    if network.input_shape[1:] != FIELDS.shape[1:]:
        return Outcome(CHANGED, "other shape")
    return Outcome(EQUAL if np.array_equal(network.predict_on_batch(FIELDS), expected) else CHANGED)


FAMILIES = [Family(loaded_network, may_change=True, at_once=100)]
