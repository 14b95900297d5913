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
    "alarm",
    "alarm_ended",
    "not_notified",
    "locked",
    "failed",
]
"""Names of the events in the log. Programs that read the log rely on them."""


class Journal:
    """Print messages, and append each of them to a log as one line of JSON.

    Without a `path` messages are only printed. `events` are the events so far.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.events: list[Event] = []

    def write(self, event: Event, message: str, **fields: Any) -> None:
        """Print `message`, and log it with the time, the event and the event's fields.

        If the log cannot be written, the reason is printed as well.
        """
        self.events.append(event)
        message = printable(message, keep="\n")
        _print(message)
        if self.path is None:
            return
        line = {"time": utc_now().isoformat(), "event": event, "message": message, **fields}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
        except OSError as error:
            _print(f"{self.path}: cannot write the log ({error}).")


def utc_now() -> datetime:
    """Return the current time in UTC, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def _print(message: str) -> None:
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()
