"""Digests, checksums and the attributes that describe how a file was made."""

import shutil
import subprocess

import numpy as np
import pytest

from stormcnn import __version__
from stormcnn.provenance import (
    code_version,
    commit_of,
    digest,
    library_versions,
    provenance,
    sha256_of,
)


def git(folder, *arguments):
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """A Git checkout with one commit and a tag, and a file that is not tracked."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed.")
    git(tmp_path, "init", "--quiet")
    (tmp_path / "code.py").write_text("a = 1\n")
    git(tmp_path, "add", "code.py")
    git(tmp_path, "commit", "--quiet", "--message", "First")
    git(tmp_path, "tag", "-a", "v1", "-m", "One")
    (tmp_path / "results.txt").write_text("1")
    return tmp_path


def test_commit_is_that_of_the_checkout(repository):
    assert commit_of(repository) == git(repository, "rev-parse", "HEAD")


def test_commit_does_not_follow_the_variables_of_git_hooks(repository, monkeypatch):
    commit = git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(repository / "other"))
    assert commit_of(repository) == commit


def test_changed_code_is_not_called_by_its_commit_alone(repository):
    (repository / "code.py").write_text("a = 2\n")
    assert commit_of(repository) == git(repository, "rev-parse", "HEAD") + "-dirty"


def test_installed_library_has_no_commit_even_inside_a_checkout(repository):
    installed = repository / "venv" / "site-packages"
    installed.mkdir(parents=True)
    assert commit_of(installed) is None


def test_checkout_without_git_or_commit_has_none(repository, tmp_path, monkeypatch):
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "--quiet")
    assert commit_of(empty) is None
    monkeypatch.setenv("PATH", "")
    assert commit_of(repository) is None


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
    assert attributes["stormcnn_commit"] == code_version()
    assert attributes["seed"] == "3"
    assert "source" not in attributes


def test_version_of_the_cpu_build_of_tensorflow_is_found():
    assert {"stormcnn", "tensorflow", "keras"} <= set(library_versions())


def test_code_without_a_checkout_has_its_version(monkeypatch):
    monkeypatch.setattr("stormcnn.provenance.commit_of", lambda checkout: None)
    code_version.cache_clear()
    assert code_version() == __version__
    code_version.cache_clear()
