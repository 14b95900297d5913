"""Choose the day that separates the runs for training from those for evaluation.

A challenger is evaluated on runs that no network was trained on and that no earlier decision was
based on: a network that won on some runs by chance would otherwise win on them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np

from stormcnn.errors import UserError
from stormcnn.operations.registry import Entry
from stormcnn.storms.run_files import batch_of, first_day
from stormcnn.verification.blocks import block_of
from stormcnn.vocabulary import LEAST_BLOCKS, LEAST_EVENTS, Array, BlockSize


class TooFew(UserError):
    """There are too few unseen runs or events to evaluate a network, so retraining waits."""


class Evidence(NamedTuple):
    """Sizes of the sample that a network is evaluated on, and the size of a block."""

    blocks: int
    runs: int
    events: int
    block: BlockSize

    def is_enough(self) -> bool:
        """Return whether a network can be evaluated on it."""
        return self.blocks >= LEAST_BLOCKS and self.events >= LEAST_EVENTS

    def __str__(self) -> str:
        """Return the sizes in words."""
        blocks = "1 block" if self.blocks == 1 else f"{self.blocks} blocks"
        return f"{self.runs} runs in {blocks} with {self.events} events"

    def minimum(self) -> str:
        """Return in words what it takes to evaluate a network."""
        return (
            f"{LEAST_BLOCKS} blocks of runs with {LEAST_EVENTS} events "
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
    events: Mapping[str, int], batch_size: str, not_before: str, block: BlockSize
) -> str:
    """Return the latest first day of a batch that leaves enough runs and events for evaluation.

    `events` maps each run date (ISO 8601) to its number of events. Networks are trained on the
    runs before the cutoff and evaluated on the others. The cutoff is not earlier than
    `not_before`. `block` is what the evaluation resamples, see `blocks.block_of`. Raises `TooFew`
    if no day leaves `LEAST_BLOCKS` blocks with `LEAST_EVENTS` events for evaluation and one run
    for training.
    """
    days = sorted(
        {first_day(batch_of(datetime.fromisoformat(run_date), batch_size)) for run_date in events}
    )
    candidates = [day for day in days[1:] if day >= not_before]
    for day in reversed(candidates):
        if count_since(events, day, block).is_enough():
            return day
    first = candidates[0] if candidates else not_before
    evidence = count_since(events, first, block)
    raise TooFew(
        f"{evidence} since {first} are too few to evaluate a network. It takes "
        f"{evidence.minimum()} that begin with a new {batch_size} and were used neither for "
        "training nor for an earlier decision. Wait for more run files."
    )


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
    evidence = count_since(events, "", block)
    if not evidence.is_enough():
        raise UserError(
            f"{evidence} are too few to evaluate a network; at least {evidence.minimum()} are "
            "needed. Set an earlier split.test_start."
        )
    return evidence
