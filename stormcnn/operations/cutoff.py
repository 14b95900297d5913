"""Choose the day that separates the runs for training from those for evaluation.

A challenger is evaluated on runs that no network was trained on and that no earlier decision was
based on: a network that won on some runs by chance would otherwise win on them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np

from stormcnn.errors import UserError
from stormcnn.operations.registry import Entry
from stormcnn.storms.run_files import batch_of, first_day
from stormcnn.texts import counted
from stormcnn.verification.blocks import block_of
from stormcnn.vocabulary import LEAST_BLOCKS, LEAST_EVENTS, Array, BlockSize


class Postponed(UserError):
    """No challenger is trained now, and run files remain new."""


class TooFew(Postponed):
    """There are too few unseen runs or events to evaluate a network, so retraining waits."""


class Least(NamedTuple):
    """Smallest sample that a network is evaluated on."""

    blocks: int = LEAST_BLOCKS
    events: int = LEAST_EVENTS


class Evidence(NamedTuple):
    """Sizes of the sample that a network is evaluated on, and the size of a block."""

    blocks: int
    runs: int
    events: int
    block: BlockSize

    def is_enough(self, least: Least) -> bool:
        """Return whether a network can be evaluated on it."""
        return self.blocks >= least.blocks and self.events >= least.events

    def __str__(self) -> str:
        """Return the sizes in words."""
        runs, blocks, events = (
            counted(number, word)
            for number, word in ((self.runs, "run"), (self.blocks, "block"), (self.events, "event"))
        )
        return f"{runs} in {blocks} with {events}"

    def minimum(self, least: Least) -> str:
        """Return in words what it takes to evaluate a network."""
        return (
            f"{least.blocks} blocks of runs with {least.events} events "
            f"(verification.block: {self.block})"
        )


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


def choose_cutoff(
    events: Mapping[str, int],
    batch_size: str,
    not_before: str,
    block: BlockSize,
    least: Least = Least(),  # noqa: B008 - it is immutable
) -> str:
    """Return the latest first day of a batch that leaves enough runs and events for evaluation.

    `events` maps each run date (ISO 8601) to its number of events. Networks are trained on the
    runs before the cutoff and evaluated on the others. The cutoff is not earlier than
    `not_before`. `block` is what the evaluation resamples, see `blocks.block_of`. Raises `TooFew`
    if no day leaves at least `least` for evaluation and one run for training.
    """
    days = sorted(
        {first_day(batch_of(datetime.fromisoformat(run_date), batch_size)) for run_date in events}
    )
    candidates = [day for day in days[1:] if day >= not_before]
    for day in reversed(candidates):
        if count_since(events, day, block).is_enough(least):
            return day
    if not candidates:
        since = not_before or days[0]
        raise TooFew(
            f"{count_since(events, since, block)} since {since} must wait for the next "
            f"{batch_size}, because all runs since the first day of a {batch_size} (data.batch) "
            "are used together. Wait for more run files."
        )
    evidence = count_since(events, candidates[0], block)
    raise TooFew(
        f"{evidence} since {candidates[0]} {'is' if evidence.runs == 1 else 'are'} too few to "
        f"evaluate a network. It takes {evidence.minimum(least)} that were used neither for "
        "training nor for an earlier decision. Wait for more run files."
    )


def start_of_window(
    runs: Iterable[str], batch_size: str, cutoff: str, days: int | None
) -> str | None:
    """Return the first day of the training period, which has whole batches and at least one.

    `runs` are the run dates (ISO 8601), and `days` is the longest duration until the cutoff. None
    if all runs before the cutoff are used.
    """
    if days is None:
        return None
    batches = {batch_of(datetime.fromisoformat(run_date), batch_size) for run_date in runs}
    starts = sorted(day for day in map(first_day, batches) if day < cutoff)
    earliest = str(date.fromisoformat(cutoff) - timedelta(days=days))
    return next((day for day in starts if day >= earliest), starts[-1])


def count_events(run_date: Array, event: Array) -> dict[str, int]:
    """Return the number of events of each run by its run date (ISO 8601).

    `run_date` and `event` (0 or 1) have shape (storm,).
    """
    dates, index = np.unique(np.asarray(run_date, "datetime64[m]"), return_inverse=True)
    counts = np.bincount(index, event).astype(int).tolist()
    return dict(zip(dates.astype(str).tolist(), counts, strict=True))


def count_since(events: Mapping[str, int], day: str, block: BlockSize) -> Evidence:
    """Return what the runs on and after a day offer for an evaluation."""
    counts = {run_date: count for run_date, count in events.items() if run_date >= day}
    blocks = np.unique(block_of(list(counts), block)).size if counts else 0
    return Evidence(blocks, len(counts), sum(counts.values()), block)


def check_enough(events: Mapping[str, int], block: BlockSize) -> Evidence:
    """Return what the runs offer for an evaluation; raise `UserError` if that is not enough."""
    evidence, least = count_since(events, "", block), Least()
    if not evidence.is_enough(least):
        raise UserError(
            f"{evidence} do not suffice to evaluate a network; it takes at least "
            f"{evidence.minimum(least)}. Set an earlier split.test_start."
        )
    return evidence
