"""Report what a scheduled call does, to people and to programs."""

from __future__ import annotations

import json
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from stormcnn.texts import printable

Event = Literal[
    "nothing_new",
    "found",
    "left_out",
    "bad_file",
    "postponed",
    "training",
    "trial",
    "promoted",
    "kept",
    "appointed",
    "rolled_back",
    "held",
    "released",
    "not_listed",
    "recorded",
    "not_recorded",
    "not_installed",
    "alarm",
    "alarm_ended",
    "not_notified",
    "pruned",
    "issued",
    "no_storms",
    "verified",
    "finished",
    "stopped",
    "locked",
    "failed",
    "ended",
]
"""Names of the events in the log. Programs that read the log rely on them."""

NO_NEWS = {"nothing_new", "found", "left_out", "postponed", "training", "recorded", "not_installed"}
"""Events that a quiet journal does not print."""


class Journal:
    """Print messages, and append each of them to a log as one line of JSON.

    Without a `path` messages are only printed. A `quiet` journal prints only news. `lines` are the
    events so far with their fields.
    """

    def __init__(self, path: Path | None, quiet: bool = False) -> None:
        self.path = path
        self.quiet = quiet
        self.lines: list[dict[str, Any]] = []
        self._start = time.monotonic()

    @property
    def events(self) -> list[Event]:
        """Return the names of the events so far."""
        return [line["event"] for line in self.lines]

    def write(self, event: Event, message: str, **fields: Any) -> None:
        """Print `message`, and log it with the time, the host, the event and the event's fields.

        If the log cannot be written, the reason is printed as well.
        """
        message = printable(message, keep="\n")
        if not (self.quiet and event in NO_NEWS):
            _print(message)
        self._log(event, message, fields)

    def end(self, exit_code: int) -> None:
        """Log that the call has ended, with its exit code and its duration in seconds."""
        seconds = round(time.monotonic() - self._start, 1)
        self._log(
            "ended",
            f"Ended with exit code {exit_code} after {seconds:.0f} s.",
            {"exit_code": int(exit_code), "seconds": seconds},
        )

    def _log(self, event: Event, message: str, fields: dict[str, Any]) -> None:
        line = {
            "time": utc_now().isoformat(),
            "host": socket.gethostname(),
            "event": event,
            "message": message,
            **fields,
        }
        self.lines.append(line)
        if self.path is None:
            return
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
