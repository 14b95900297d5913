"""How values and lists of words are written in error messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from stormcnn.addresses import hide_secrets
from stormcnn.texts import printable

LONGEST = 80


def shown(value: Any) -> str:
    """Return a value as it would be written in a config file, shortened to 80 characters."""
    text = hide_secrets(printable(_in_yaml(value)))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _in_yaml(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_in_yaml(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_in_yaml, value))}]"
    if isinstance(value, str) and re.fullmatch(r"[\w.:/@%+~-]+", value):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def listed(words: Iterable[str], conjunction: str = "and") -> str:
    """Return words as a list in a sentence, such as `day, month or year`."""
    *first, last = words
    return f"{', '.join(first)} {conjunction} {last}" if first else last
