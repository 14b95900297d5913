"""Say where a file comes from: digests of contents and settings, and versions of libraries."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

LIBRARIES = ("stormcnn", "tensorflow", "keras", "numpy", "xarray", "netCDF4", "scikit-learn")
ALIASES = {"tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow_cpu")}


def digest(settings: Any) -> str:
    """Sixteen hexadecimal digits that identify `settings` (anything JSON can write)."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sha256_of(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def library_versions(libraries: tuple[str, ...] = LIBRARIES) -> dict[str, str]:
    """Installed version of each library, without importing it; absent ones are left out."""
    found = {}
    for library in libraries:
        for name in ALIASES.get(library, (library,)):
            try:
                found[library] = version(name)
                break
            except PackageNotFoundError:
                continue
    from stormcnn import __version__

    return {"stormcnn": __version__} | found


def provenance(settings: Mapping[str, Any], **others: Any) -> dict[str, str]:
    """NetCDF attributes that say what a file was made with.

    `settings_digest` identifies the settings the job was given, `software` lists library
    versions, and each of `others` (seed, source, ...) becomes an attribute of its own.
    """
    software = " ".join(f"{name}={value}" for name, value in library_versions().items())
    given = {name: str(value) for name, value in others.items() if value is not None}
    return {"settings_digest": digest(dict(settings)), "software": software} | given
