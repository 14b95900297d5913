"""The commands and configs that the README and the pages of the guide print."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from checkout import ROOT

NOT_RUN = "Not run by `make try-guide`"
# In the order in which a user reads them; later pages use what earlier ones have computed.
PAGES = ("README", "tutorial", "data", "config", "networks", "forecasts", "operations", "running")
PAGES += ("cluster", "lesson", "developing")
# `.ci/run` runs it in a clean clone.
TESTED_ELSEWHERE = ("make test",)


class Command(NamedTuple):
    """One command of a page, and the number of its line."""

    page: str
    line: int
    text: str


def commands_of(page: str) -> list[Command]:
    """Return the commands of a page in order; a backslash continues a line."""
    commands = []
    for line, block in _blocks_of(page, "sh"):
        for command in block.replace("\\\n", " ").splitlines():
            if command.strip() and not command.startswith(("#", *TESTED_ELSEWHERE)):
                commands.append(Command(page, line, command))
    return commands


def configs_of(page: str) -> list[tuple[str, str]]:
    """Return name and text of each config whose first line is a comment with its name."""
    blocks = (
        re.match(r"# ([\w.]+\.yaml)\n(.*)", text, re.S) for _, text in _blocks_of(page, "yaml")
    )
    return [(block[1], block[2]) for block in blocks if block]


def _blocks_of(page: str, language: str) -> Iterator[tuple[int, str]]:
    """Yield the first line and the text of each block of code that is to be run."""
    text = text_of(page)
    for block in re.finditer(rf"^( *)```{language}\n(.*?)^\1```$", text, re.M | re.S):
        before = text[: block.start()].rstrip().rpartition("\n\n")[2]
        if not before.lstrip(" *_").startswith(NOT_RUN):
            yield text[: block.start(2)].count("\n") + 1, textwrap.dedent(block[2])


def text_of(page: str) -> str:
    """Return the text of a page."""
    folder = ROOT if page == "README" else ROOT / "docs"
    return (folder / f"{page}.md").read_text(encoding="utf-8")
