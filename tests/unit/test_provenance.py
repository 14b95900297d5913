"""Digests, checksums and the attributes that describe how a file was made."""

import numpy as np

from stormcnn.provenance import digest, library_versions, provenance, sha256_of


def test_digest_depends_on_settings_but_not_on_their_order():
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert len(digest({})) == 16


def test_sha256_is_that_of_the_content(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(tmp_path / "x") == expected


def test_provenance_has_settings_software_and_other_attributes():
    attributes = provenance({"epochs": 10}, seed=3, source=None)
    assert attributes["settings_digest"] == digest({"epochs": 10})
    assert f"numpy={np.__version__}" in attributes["software"]
    assert attributes["seed"] == "3"
    assert "source" not in attributes


def test_version_of_the_cpu_build_of_tensorflow_is_found():
    assert {"stormcnn", "tensorflow", "keras"} <= set(library_versions())
