"""Which files of reports an experiment uses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from stormcnn.errors import UserError
from stormcnn.regular_files import is_special


def check_report_files(paths: Iterable[str]) -> list[str]:
    """Return the files of reports; raise `UserError` if one is missing or not a regular file."""
    files = list(paths)
    for file in files:
        if is_special(file) or not Path(file).is_file():
            raise UserError(
                f"observations.reports: {file} is missing or not a regular file. Correct the path, "
                "or remove it from the list."
            )
    return files
