"""Provenance of files: checksums, digests of settings, the commit, and versions of libraries."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from stormcnn.regular_files import open_regular
from stormcnn.vocabulary import StrPath

LIBRARIES = ("stormcnn", "tensorflow", "keras", "numpy", "xarray", "netCDF4", "scikit-learn")
ALIASES = {"tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow_cpu")}


def digest(settings: Any) -> str:
    """Return 16 hexadecimal digits that identify `settings`, any value that JSON can represent."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sha256_of(path: StrPath) -> str:
    """Return the SHA-256 of the content of a file in hexadecimal.

    Raises an `OSError` unless it is a regular file.
    """
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def library_versions(libraries: tuple[str, ...] = LIBRARIES) -> dict[str, str]:
    """Return the versions of those `libraries` that are installed, without importing them."""
    versions = {}
    for library in libraries:
        for name in ALIASES.get(library, (library,)):
            try:
                versions[library] = version(name)
                break
            except PackageNotFoundError:
                continue
    from stormcnn import __version__

    return {"stormcnn": __version__} | versions


def commit_of(checkout: StrPath) -> str | None:
    """Return the commit of the Git checkout in a folder, or None if there is none.

    The commit is followed by `-dirty` if files that Git tracks have been changed. A checkout that
    contains the folder is not meant, because an installed library may lie in any.
    """
    if not Path(checkout, ".git").exists():
        return None
    # Git sets variables such as GIT_DIR for its hooks, which would make it look elsewhere.
    variables = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    # A checkout may belong to another user, and may be read-only.
    git = ["git", "-c", f"safe.directory={Path(checkout).resolve()}", "--no-optional-locks"]
    describe = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        result = subprocess.run(  # noqa: S603 - the command is fixed
            [*git, "-C", checkout, *describe],
            capture_output=True,
            text=True,
            check=True,
            env=variables,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return result.stdout.strip()


@cache
def code_version() -> str:
    """Return the commit of the code of stormcnn, or its version if it is not a Git checkout."""
    from stormcnn import __version__

    return commit_of(Path(__file__).parents[1]) or __version__


def provenance(settings: Mapping[str, Any], **others: Any) -> dict[str, str]:
    """Return the NetCDF attributes that describe how a file was made.

    `settings_digest` identifies the settings of the job, `stormcnn_commit` the code, `software`
    lists the versions of libraries, and each of `others` (seed, source, ...) that is not None
    becomes an attribute.
    """
    software = " ".join(f"{name}={value}" for name, value in library_versions().items())
    attributes = {name: str(value) for name, value in others.items() if value is not None}
    return {
        "settings_digest": digest(dict(settings)),
        "stormcnn_commit": code_version(),
        "software": software,
    } | attributes
