"""Report what a scheduled call does, to people and to programs."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from stormcnn.texts import printable

Event = Literal[
    "nothing_new",
    "found",
    "postponed",
    "training",
    "trial",
    "promoted",
    "kept",
    "rolled_back",
    "not_listed",
    "recorded",
    "not_recorded",
    "locked",
    "failed",
]
"""Names of the events in the log. Programs that read the log rely on them."""


class Journal:
    """Print messages, and append each of them to a log as one line of JSON.

    Without a `path` messages are only printed.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def write(self, event: Event, message: str, **fields: Any) -> None:
        """Print `message`, and log it with the time, the event and the event's fields.

        If the log cannot be written, the reason is printed as well.
        """
        message = printable(message, keep="\n")
        _print(message)
        if self._path is None:
            return
        line = {"time": utc_now().isoformat(), "event": event, "message": message, **fields}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with open(self._path, "a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
        except OSError as error:
            _print(f"{self._path}: cannot write the log ({error}).")


def utc_now() -> datetime:
    """Return the current time in UTC, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def _print(message: str) -> None:
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()
