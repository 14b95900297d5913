"""Make texts from outside safe for the places where they are shown."""

from __future__ import annotations

import re


def printable(text: str, *, keep: str = "", longest: int | None = None) -> str:
    r"""Return a text with characters that are not printable as escape sequences.

    Such characters move the cursor of a terminal, reverse the direction of what follows, or are not
    allowed in SVG. Those in `keep` stay. At most `longest` characters are returned.

    >>> printable("a\x1b[2J\u202e\n", keep="\n")
    'a\\x1b[2J\\u202e\n'
    >>> printable("a long text", longest=6)
    'a l...'
    """
    # Of a very long text, no more is escaped than can be shown.
    start = text if longest is None else text[: longest + 1]
    escaped = "".join(
        character
        if character.isprintable() or character in keep
        else character.encode("unicode_escape").decode("ascii")
        for character in start
    )
    if longest is None or len(escaped) <= longest:
        return escaped
    return f"{escaped[: longest - 3]}..."


def counted(number: int, word: str) -> str:
    """Return a number and a word, in the plural unless the number is one.

    >>> counted(1, "run"), counted(1200, "run")
    ('1 run', '1,200 runs')
    """
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def as_cell(text: str) -> str:
    """Return a text for a cell of a CSV file that no spreadsheet takes for a formula.

    Spreadsheets compute cells that begin with `=`, `+`, `-`, `@`, a tab or a carriage return, and
    show the rest of a cell that begins with an apostrophe. `from_cell` reverses this.

    >>> as_cell("=1+1"), as_cell("-1.5"), as_cell("d01")
    ("'=1+1", '-1.5', 'd01')
    """
    return f"'{text}" if FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def from_cell(text: str) -> str:
    """Return the text of which `as_cell` made a cell.

    >>> [from_cell(as_cell(text)) for text in ("=1", "'=1", "-1", "'s")]
    ['=1', "'=1", '-1', "'s"]
    """
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""Start of a text that spreadsheets compute, also after apostrophes of `as_cell`."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?inf")
