"""Jobs in the queue of SLURM that can never start."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

SECONDS = 60
"""Time between two looks at the queue."""

NEVER = {
    "AccountNotAllowed",
    "BadConstraints",
    "DependencyNeverSatisfied",
    "InvalidAccount",
    "InvalidQOS",
    "JobHeldAdmin",
    "JobHeldUser",
    "MaxMemPerLimit",
    "PartitionConfig",
    "PartitionNodeLimit",
    "PartitionTimeLimit",
    "QOSNotAllowed",
    "launch_failed_requeued_held",
}
"""Reasons of pending jobs that waiting does not remove, as `squeue` names them."""

PER_JOB = ("PerJob", "PerJobLimit", "QOSTimeLimit", "AssociationTimeLimit")
"""Ends of reasons that a request exceeds the limit of one job, such as `QOSMaxMemoryPerJob`."""


class Blocked(NamedTuple):
    """A job that can never start. `comment` says what it does."""

    job: str
    reason: str
    comment: str


def read_blocked(queue: str, folder: Path) -> list[Blocked]:
    r"""Return the jobs of a folder that can never start.

    `queue` has a line for each pending job: number, reason, comment and folder, separated by tabs.

    >>> queue = "7\tPartitionTimeLimit\ttrain\t/a\n8\tPriority\ttrain\t/a\n9\tInvalidQOS\t\t/b\n"
    >>> read_blocked(queue, Path("/a"))
    [Blocked(job='7', reason='PartitionTimeLimit', comment='train')]
    """
    lines = (line.split("\t", 3) for line in queue.splitlines())
    return [
        Blocked(job, reason, comment)
        for job, reason, comment, place in lines
        if place == str(folder) and (reason in NEVER or reason.endswith(PER_JOB))
    ]


def list_blocked(folder: Path) -> list[Blocked]:
    """Return the user's jobs of a folder that can never start, or none if the queue is unknown."""
    squeue = ["squeue", "--me", "--noheader", "--states=PENDING", "--format=%A\t%r\t%k\t%Z"]
    try:
        queue = subprocess.run(  # noqa: S603 - the command is fixed
            squeue, capture_output=True, text=True, check=True, timeout=SECONDS
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return read_blocked(queue, folder)


def watch_queue(executor: str | None, folder: Path, tell: Callable[[str], None]) -> None:
    """Call `tell` once for each job of a folder that can never start, until the process ends.

    Does nothing unless `executor`, which runs the jobs, is SLURM.
    """
    if executor != "slurm":
        return

    def watch() -> None:
        told: set[str] = set()
        while True:
            time.sleep(SECONDS)
            for blocked in list_blocked(folder):
                if blocked.job not in told:
                    told.add(blocked.job)
                    tell(describe(blocked))

    threading.Thread(target=watch, daemon=True).start()


def describe(blocked: Blocked) -> str:
    """Return a message for users."""
    return (
        f"SLURM job {blocked.job} ({blocked.comment}) can never start: {blocked.reason}. Press "
        "Ctrl-C, then call the workflow again with another request, for example "
        "--set-resources RULE:runtime=60, or another partition."
    )
