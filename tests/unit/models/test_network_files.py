"""Networks are saved with metadata, and loaded without running code from the file."""

import json
import sys
import zipfile

import keras
import numpy as np
import pytest

from stormcnn.errors import UserError
from stormcnn.models import network_archive
from stormcnn.models.architecture import build_network
from stormcnn.models.network_files import load_network, save_network

METADATA = {"predictors": ["U10_curr"], "event": {"threshold": 0.005}}


def build():
    architecture = {
        "filters": [2, 3],
        "kernel_size": 3,
        "activation": "relu",
        "pooling": "average",
        "spatial_dropout": 0.2,
    }
    return build_network(architecture, (8, 8), [22.0, -0.3], [15.0, 4.7])


@pytest.mark.slow
def test_loaded_network_predicts_the_same_and_has_its_metadata(tmp_path):
    network, path = build(), tmp_path / "network.keras"
    save_network(network, path, METADATA)
    patches = np.random.default_rng(0).normal(0, 10, (3, 8, 8, 2)).astype(np.float32)
    loaded = load_network(path).predict_on_batch(patches)
    np.testing.assert_array_equal(loaded, network.predict_on_batch(patches))
    assert network_archive.read_json(path, network_archive.METADATA) == METADATA


@pytest.mark.parametrize("damage", ["cut", "text", "missing"])
def test_damaged_network_file_is_named(tmp_path, damage):
    path = tmp_path / "network.keras"
    save_network(build(), path, METADATA)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:2000])
    elif damage == "text":
        path.write_text("not a network")
    else:
        path.unlink()
    with pytest.raises(UserError, match=r"network\.keras"):
        load_network(path)
    with pytest.raises(UserError, match=r"network\.keras"):
        network_archive.read_json(path, network_archive.METADATA)


def test_network_that_would_run_code_is_not_loaded(tmp_path):
    network = keras.Sequential(
        [keras.Input((4, 4, 3)), keras.layers.Lambda(lambda x: x), keras.layers.Flatten()]
    )
    network.save(tmp_path / "network.keras")
    with pytest.raises(UserError, match=r"network\.keras"):
        load_network(tmp_path / "network.keras")


def test_network_of_another_kind_is_refused(tmp_path):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]).save(tmp_path / "network.keras")
    with pytest.raises(UserError, match=r"network\.keras"):
        load_network(tmp_path / "network.keras")


def rewrite(path, change):
    """Change the config of Keras in the file of a network."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["config.json"] = change(files["config.json"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


CHANGES = {
    "other class": lambda text: text.replace(b'"Flatten"', b'"TFSMLayer"'),
    "other module": lambda text: text.replace(b'"keras.layers"', b'"antigravity"', 1),
    "class that is a list": lambda text: text.replace(b'"Flatten"', b'["Flatten"]'),
    "only a layer": lambda text: json.dumps(json.loads(text)["config"]["layers"][2]).encode(),
    "deep": lambda text: b"[" * 100_000 + b"]" * 100_000,
    "no object": lambda text: b"[]",
    "empty": lambda text: b"{}",
    "other shape": lambda text: text.replace(b"8, 8, 2", b"4, 4, 2"),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_network_ends_in_a_sentence(tmp_path, change):
    path = tmp_path / "network.keras"
    save_network(build(), path, METADATA)
    rewrite(path, change)
    with pytest.raises(UserError) as error:
        load_network(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "antigravity" not in sys.modules


def test_network_with_too_many_bytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(network_archive, "LARGEST_BYTES", 1000)
    path = tmp_path / "network.keras"
    save_network(build(), path, METADATA)
    with pytest.raises(UserError, match="1000 bytes"):
        load_network(path)
