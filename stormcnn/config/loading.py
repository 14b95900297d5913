"""Check settings and fill in the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError

from stormcnn.config.config import Config
from stormcnn.config.messages import messages_of, remove_renamed_keys
from stormcnn.errors import UserError


def load_config(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Check `settings` and return the whole config as JSON values, in a fixed order.

    Missing settings get their defaults. Numbers, truth values, dates and `null` may also be given
    as strings, as on the command line.

    Raises
    ------
    UserError
        With one line per error: the key, what it must be, and its value.
    """
    try:
        plain = _plain(settings)
    except RecursionError:
        raise UserError("The config contains itself. Remove this reference.") from None
    messages = remove_renamed_keys(plain)
    try:
        config = Config.model_validate(plain)
    except ValidationError as error:
        messages += [message for fault in error.errors() for message in messages_of(fault)]
    if messages:
        raise UserError("\n".join(messages))
    return config.model_dump(mode="json")


def _plain(value: Any) -> Any:
    """Return settings with strings for keys and dates, and with None for "null" and ""."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and value.strip().lower() in ("", "~", "null"):
        return None
    return value
