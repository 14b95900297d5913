"""What identifies a job in a cache that several workflows share."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from stormcnn.errors import UserError
from stormcnn.provenance import LIBRARIES, library_versions, sha256_of

Files = Mapping[str, str | Iterable[str]]
"""Paths of a rule's inputs or outputs by their names: one path or several."""


def check_cache_folder(variable: str) -> None:
    """Raise `UserError` unless an environment variable holds the absolute path of a folder."""
    folder = os.getenv(variable, "")
    if not (os.path.isabs(folder) and os.path.isdir(folder)):
        raise UserError(
            f"{variable} must be the absolute path of an existing folder when --cache is used "
            f"(got {folder!r}). Create the folder and set the environment variable."
        )


def check_cached_rules(listed: Iterable[str], cached: Iterable[str]) -> None:
    """Raise `UserError` if a name that follows `--cache` is not one of the rules to be cached.

    A target there would be taken for a rule, and everything would be made.
    """
    known = set(cached)
    for name in listed:
        if name not in known:
            raise UserError(
                f"--cache {name}: names after --cache must be rules that are cached "
                f"({', '.join(sorted(known))}). Write targets before --cache."
            )


def check_cached_archive(archive: Mapping[str, str | None]) -> None:
    """Raise `UserError` if a downloaded archive has no checksum that identifies its content."""
    if not (archive["file"] or archive["sha256"]):
        raise UserError(
            "data.ncar.patches.sha256 must be set when --cache is used, because the cache "
            "identifies data by their content (got null). Set it, or set data.ncar.patches.file "
            "to an archive on disk."
        )


def restrict_permissions(output_file_cache: Any) -> None:
    """Keep a cache on disk from storing world-writable files, as it does by default.

    Whoever can change a file in the cache decides about the results of others.
    """
    for name in ("file_permissions", "dir_permissions"):
        if hasattr(output_file_cache, name):
            permissions = getattr(output_file_cache, name)
            setattr(output_file_cache, name, permissions & ~stat.S_IWOTH)


def cache_key(inputs: Files, outputs: Files, folders: Mapping[str, str]) -> dict[str, object]:
    """Return what identifies a job in addition to its params and the contents of its inputs.

    These are the role of each input and output, and the software. `folders` gives a placeholder
    for each folder of this experiment, such as `<results>`, so that experiments share files.
    """

    def identities(files: Files) -> dict[str, list[str]]:
        return {
            name: [
                _identity(path, tuple(folders.items()))
                for path in ([paths] if isinstance(paths, str) else paths)
            ]
            for name, paths in files.items()
        }

    return {"input": identities(inputs), "output": identities(outputs), "software": _software()}


@cache
def _identity(path: str, folders: tuple[tuple[str, str], ...]) -> str:
    """Return a placeholder path for a file of the workflow, or the SHA-256 of any other file."""
    for placeholder, folder in folders:
        if path.startswith(f"{folder}/"):
            return placeholder + path.removeprefix(folder)
    return sha256_of(path)


@cache
def _software() -> dict[str, str]:
    """Return the versions of the libraries that compute, and the backend of Keras."""
    versions = library_versions((*LIBRARIES, "pandas", "scipy", "jax", "torch"))
    del versions["stormcnn"]  # Digests of the code identify it more precisely.
    return versions | {"backend": os.getenv("KERAS_BACKEND", "tensorflow")}
