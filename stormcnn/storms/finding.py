"""Find the run files in a folder, and what looks like run files but cannot be taken.

The Snakefile imports this module, so it uses only the standard library.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from stormcnn.name_pattern import DEFAULT_PATTERN, NamePattern, compile_pattern
from stormcnn.vocabulary import StrPath

SIMILAR = "model_patches"
"""Part of the usual names of run files, in small letters."""

MOST_NAMED = 5
"""Most paths that one message names."""

logger = logging.getLogger(__name__)


class Found(NamedTuple):
    """The run files below a folder, sorted, and what was left out, by the kind of fault."""

    files: list[Path]
    left_out: dict[str, list[Path]]


def find_run_files(folder: StrPath, file_pattern: str = DEFAULT_PATTERN) -> list[Path]:
    """Return the run files of `search_folder`; a warning counts and names what was left out."""
    found = search_folder(folder, file_pattern)
    for kind, paths in found.left_out.items():
        logger.warning("Not taken from data.folder: %s %s: %s", len(paths), kind, name_some(paths))
    return found.files


def search_folder(folder: StrPath, file_pattern: str = DEFAULT_PATTERN) -> Found:
    """Return the paths whose names begin and end as `file_pattern`, and what was left out.

    Symbolic links to files and folders are followed; each folder is searched once, even if links
    form a loop. Left out are folders that cannot be searched, links to nothing, and files with
    other names that contain `SIMILAR`, or that would fit in small letters or without another
    suffix.
    """
    pattern = compile_pattern(file_pattern)
    found: list[Path] = []
    left_out: dict[str, list[Path]] = {}
    searched: set[tuple[int, int]] = set()
    waiting = [Path(folder)]
    while waiting:
        current = waiting.pop()
        try:
            status = os.stat(current)
            if (status.st_dev, status.st_ino) in searched:
                continue
            searched.add((status.st_dev, status.st_ino))
            entries = sorted(current.iterdir(), reverse=True)
        except OSError as error:
            kind = f"folders that cannot be searched ({error.strerror})"
            left_out.setdefault(kind, []).append(current)
            continue
        for path in entries:
            kind = _kind_of(path, pattern)
            if kind == "folder":
                waiting.append(path)
            elif kind == "run file":
                found.append(path)
            elif kind:
                left_out.setdefault(kind, []).append(path)
    return Found(sorted(found), left_out)


def left_out(
    folder: StrPath, listed: Sequence[str], file_pattern: str = DEFAULT_PATTERN
) -> dict[str, list[Path]]:
    """Return what is not taken from a folder, by the kind of fault; `listed` are the run files."""
    found = search_folder(folder, file_pattern)
    young = sorted(set(found.files) - set(map(Path, listed)))
    waiting = {"run files left for the next call, because they are new": young} if young else {}
    return found.left_out | waiting


def name_some(paths: Sequence[StrPath]) -> str:
    """Return the first `MOST_NAMED` paths as printable text."""
    named = [ascii_path(Path(path)) for path in paths[:MOST_NAMED]]
    return ", ".join([*named, "..."] if len(paths) > MOST_NAMED else named)


def ascii_path(path: Path) -> str:
    """Return a path as printable text."""
    return str(path) if str(path).isprintable() else ascii(str(path))


def _kind_of(path: Path, pattern: NamePattern) -> str:
    """Return what a path is: a folder, a run file, the kind of what is left out, or nothing."""
    try:
        if path.is_dir():
            return "folder"
    except OSError:
        return "folders that cannot be searched"
    name = path.name.removeprefix("._")
    fits = name.startswith(pattern.head) and name.endswith(pattern.tail)
    if not fits and not _is_similar(name.lower(), pattern):
        return ""
    if path.name.startswith("._"):
        return "files in which macOS keeps attributes"
    if not fits:
        return f"files whose names do not have the form {pattern.form}"
    if path.is_symlink() and not path.exists():
        return "links to files that do not exist"
    return "run file"


def _is_similar(name: str, pattern: NamePattern) -> bool:
    """Return whether a name in small letters looks like that of a run file."""
    head, tail = pattern.head.lower(), pattern.tail.lower()
    return SIMILAR in name or (bool(tail) and name.startswith(head) and tail in name)
