"""How keys, values and lists are written in error messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

LONGEST = 80


def shown(value: Any) -> str:
    """Return a value as it would be written in a config file, shortened to 80 characters."""
    if isinstance(value, str) and re.fullmatch(r"[\w.:/@%+~-]+", value):
        return value if len(value) <= LONGEST else f"{value[: LONGEST - 3]}..."
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def listed(words: Iterable[str], conjunction: str = "and") -> str:
    """Return words as a list in a sentence, such as `day, month or year`."""
    *first, last = words
    return f"{', '.join(first)} {conjunction} {last}" if first else last
