"""Titles of files, which say whether the storms are made up."""

from __future__ import annotations

MADE_UP = "Made-up"
"""First word of the title of every file that contains made-up storms, or results from them."""


def is_made_up_title(title: str) -> bool:
    """Return whether a file with this title contains made-up storms, or results from them."""
    return title.startswith(MADE_UP)
