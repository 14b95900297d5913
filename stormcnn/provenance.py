"""Provenance of files: checksums, digests of settings, and versions of libraries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from stormcnn.vocabulary import StrPath

LIBRARIES = ("stormcnn", "tensorflow", "keras", "numpy", "xarray", "netCDF4", "scikit-learn")
ALIASES = {"tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow_cpu")}


def digest(settings: Any) -> str:
    """Return 16 hexadecimal digits that identify `settings`, any value that JSON can represent."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sha256_of(path: StrPath) -> str:
    """Return the SHA-256 of the content of a file in hexadecimal."""
    with open(path, "rb") as stream:
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


def provenance(settings: Mapping[str, Any], **others: Any) -> dict[str, str]:
    """Return the NetCDF attributes that describe how a file was made.

    `settings_digest` identifies the settings of the job, `software` lists the versions of
    libraries, and each of `others` (seed, source, ...) that is not None becomes an attribute.
    """
    software = " ".join(f"{name}={value}" for name, value in library_versions().items())
    attributes = {name: str(value) for name, value in others.items() if value is not None}
    return {"settings_digest": digest(dict(settings)), "software": software} | attributes
