"""What the programs in this folder share: exit codes, and how errors are reported.

Only `ops/forecast` has other exit codes than these, apart from 0, 1, 2 and 75.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum

from stormcnn.errors import UserError
from stormcnn.operations.cutoff import Postponed
from stormcnn.operations.journal import Journal
from stormcnn.operations.lock import Busy
from stormcnn.os_errors import describe


class ExitCode(IntEnum):
    """Exit codes; part of the interface with schedulers."""

    DONE = 0
    FAILED = 1
    WRONG_COMMAND_LINE = 2
    PROMOTED = 3
    POSTPONED = 4
    ALARM = 5
    NOT_RECORDED = 6
    LOCKED = 75


EXIT_CODES = {
    ExitCode.DONE: "nothing to do, the champion was kept, or the requested action is done",
    ExitCode.FAILED: "failed; the last line gives the reason",
    ExitCode.WRONG_COMMAND_LINE: "the command line is wrong",
    ExitCode.PROMOTED: "the challenger was promoted",
    ExitCode.POSTPONED: "postponed: too few new runs or events to evaluate a network, or a hold",
    ExitCode.ALARM: "as 0 or 4, with a new alarm: the champion's input or its skill has changed",
    ExitCode.NOT_RECORDED: "as 0 or 4, but MLflow could not be written to",
    ExitCode.LOCKED: "another retraining or workflow is running",
}
"""Meaning of each exit code, for the command's help."""


def exit_code_help(meanings: Iterable[tuple[int, str]]) -> str:
    """Return the part of a command's help that lists its exit codes."""
    lines = [f"  {code:<3} {meaning}" for code, meaning in meanings]
    return "\n".join(["exit codes:", *lines])


def attempt(action: Callable[[], int], journal: Journal) -> int:
    """Do something, report errors to the journal, and return the exit code but for other events."""
    try:
        return action()
    except Postponed as reason:
        journal.write("postponed", f"Postponed. {reason}")
        return ExitCode.POSTPONED
    except Busy as reason:
        journal.write("locked", str(reason))
        return ExitCode.LOCKED
    except UserError as error:
        journal.write("failed", f"Failed. {error}")
    except OSError as error:
        journal.write("failed", f"Failed. {describe(error)}")
    return ExitCode.FAILED


def run(action: Callable[[], int], journal: Journal) -> ExitCode:
    """Do something, report errors and the end to the journal, and return the exit code."""
    code = ExitCode(attempt(action, journal))
    if code in (ExitCode.DONE, ExitCode.POSTPONED):
        events = journal.events
        news = (
            ("promoted", ExitCode.PROMOTED),
            ("alarm", ExitCode.ALARM),
            ("not_recorded", ExitCode.NOT_RECORDED),
        )
        code = next((of_event for event, of_event in news if event in events), code)
    journal.end(code)
    return code
