"""Check the settings that the workflow's engine reads before our code: config files and `--config`.

If it cannot read them, it shows a stack trace, often without the name of the file and the line. The
profiles therefore call `exit_if_unreadable` first.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from stormcnn.config.config_files import check_config_file
from stormcnn.errors import UserError
from stormcnn.texts import printable
from stormcnn.vocabulary import StrPath

_BLOCK = re.compile(r"[A-Za-z_][\w-]*\w")
_NESTED = re.compile(r"(?P<block>[A-Za-z_]\w*)[.:](?P<key>\w+)[=:](?P<value>.*)", re.DOTALL)


def exit_if_unreadable(entries: Iterable[str], files: Iterable[StrPath]) -> None:
    """End the process with a message if config files or `--config` entries cannot be read."""
    try:
        for entry in entries:
            check_entry(entry)
        for path in files:
            check_config_file(path)
    except UserError as error:
        sys.exit(printable(str(error), keep="\n"))


def check_entry(entry: str) -> None:
    """Raise `UserError` if an entry of `--config` does not have the form `block=values`."""
    block, equals, _ = entry.partition("=")
    if equals and _BLOCK.fullmatch(block):
        return
    nested = _NESTED.fullmatch(entry)
    example = "training={epochs: 2}"
    if nested:
        example = f"{nested['block']}={{{nested['key']}: {nested['value'].strip()}}}"
    raise UserError(
        f"--config {entry}: settings must have the form block={{key: value}}. Write "
        f"--config '{example}'."
    )
