"""Choose the day that separates the runs for training from those for evaluation.

A challenger is evaluated on runs that no network was trained on and that no earlier decision was
based on: a network that won on some runs by chance would otherwise win on them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import numpy as np

from stormcnn.errors import UserError
from stormcnn.operations.registry import Entry
from stormcnn.storms.run_files import batch_of, first_day
from stormcnn.vocabulary import LEAST_EVENTS, Array

LEAST_RUNS = 10
"""Fewest runs that a challenger is evaluated on."""


class TooFew(UserError):
    """There are too few unseen runs or events to evaluate a network, so retraining waits."""


def earliest_cutoff(last: Entry | None, trial: bool) -> str:
    """Return the first day (ISO 8601) that may be the cutoff; empty if any day may be.

    It is the day after the runs that the last decision was based on. A trial decides nothing, so
    it may use these runs once more and starts at the cutoff of the champion.
    """
    if last is None:
        return ""
    if not trial:
        return str(date.fromisoformat(last.scored_until[:10]) + timedelta(days=1))
    return last.champion.cutoff if last.champion else ""


def choose_cutoff(events: Mapping[str, int], batch_size: str, not_before: str) -> str:
    """Return the latest first day of a batch that leaves enough runs and events for evaluation.

    `events` maps each run date (ISO 8601) to its number of events. Networks are trained on the
    runs before the cutoff and evaluated on the others. The cutoff is not earlier than
    `not_before`. Raises `TooFew` if no day leaves `LEAST_RUNS` runs with `LEAST_EVENTS` events
    for evaluation and one run for training.
    """
    days = sorted(
        {first_day(batch_of(datetime.fromisoformat(run_date), batch_size)) for run_date in events}
    )
    candidates = [day for day in days[1:] if day >= not_before]
    for day in reversed(candidates):
        if is_enough(*count_since(events, day)):
            return day
    first = candidates[0] if candidates else not_before
    runs, count = count_since(events, first)
    raise TooFew(
        f"{runs} runs with {count} events since {first} are too few to evaluate a network. It "
        f"takes {LEAST_RUNS} runs with {LEAST_EVENTS} events that begin with a new {batch_size} "
        "and were used neither for training nor for an earlier decision. Wait for more run files."
    )


def count_events(run_date: Array, event: Array) -> dict[str, int]:
    """Return the number of events of each run by its run date (ISO 8601).

    `run_date` and `event` (0 or 1) have shape (storm,).
    """
    dates, index = np.unique(np.asarray(run_date, "datetime64[m]"), return_inverse=True)
    counts = np.bincount(index, event).astype(int).tolist()
    return dict(zip(dates.astype(str).tolist(), counts, strict=True))


def count_since(events: Mapping[str, int], day: str) -> tuple[int, int]:
    """Return the number of runs on and after a day, and the number of their events."""
    counts = [count for run_date, count in events.items() if run_date >= day]
    return len(counts), sum(counts)


def is_enough(runs: int, events: int) -> bool:
    """Return whether the numbers of runs and events suffice to evaluate a network."""
    return runs >= LEAST_RUNS and events >= LEAST_EVENTS


def check_enough(events: Mapping[str, int]) -> None:
    """Raise `UserError` if the runs, with their numbers of events, do not suffice to evaluate."""
    if not is_enough(len(events), sum(events.values())):
        raise UserError(
            f"{len(events)} runs with {sum(events.values())} events are too few to evaluate a "
            f"network; at least {LEAST_RUNS} runs and {LEAST_EVENTS} events are needed. Set an "
            "earlier split.test_start."
        )
