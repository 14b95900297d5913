"""Whether a newly trained network takes the champion's place, and on which runs that is judged.

The networks are judged on runs that neither was trained on and that decided nothing before: a
network that won on some runs by chance would otherwise win on them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from stormcnn.errors import UserError
from stormcnn.storms.run_files import batch_of, first_day

Array = np.ndarray
LEAST_RUNS = 10
LEAST_EVENTS = 20


class TooFew(Exception):
    """There are not enough unseen runs or events yet to judge a network by."""


class Estimate(NamedTuple):
    """A value and the interval around it; the ends are NaN where there is none."""

    value: float
    low: float
    high: float


class Verdict(NamedTuple):
    """Whether the challenger is promoted, and why in words."""

    promote: bool
    why: str


def choose_cutoff(events: Mapping[str, int], batch_size: str, not_before: str) -> str:
    """Latest first day of a batch from which on there are enough runs and events to judge by.

    `events` gives the number of events of each run by its run date (ISO 8601). Networks train on
    the runs before the day that is chosen and are judged by those from it on; it is `not_before` or
    later. Raises `TooFew` where no such day leaves 10 runs and 20 events, and a run to train on.
    """
    days = sorted(
        {first_day(batch_of(datetime.fromisoformat(run_date), batch_size)) for run_date in events}
    )
    possible = [day for day in days[1:] if day >= not_before]
    for day in reversed(possible):
        if is_enough(*count_from(events, day)):
            return day
    first = possible[0] if possible else not_before
    runs, happened = count_from(events, first)
    raise TooFew(
        f"There are {runs} runs with {happened} events from {first} on; to judge a network, "
        f"{LEAST_RUNS} runs and {LEAST_EVENTS} events are needed behind the first day of a "
        f"{batch_size}, none of them trained on or judged by before."
    )


def count_events(run_date: Array, event: Array) -> dict[str, int]:
    """Number of events of each run, by its run date (ISO 8601), from those of its storms."""
    dates, date = np.unique(np.asarray(run_date, "datetime64[m]"), return_inverse=True)
    counts = np.bincount(date, event).astype(int).tolist()
    return dict(zip(dates.astype(str).tolist(), counts, strict=True))


def count_from(events: Mapping[str, int], day: str) -> tuple[int, int]:
    """Number of runs from a day on, and of the events in them."""
    found = [number for run_date, number in events.items() if run_date >= day]
    return len(found), sum(found)


def is_enough(runs: int, events: int) -> bool:
    """Whether a network can be judged by so many runs and events."""
    return runs >= LEAST_RUNS and events >= LEAST_EVENTS


def check_enough(events: Mapping[str, int]) -> None:
    """Raise `UserError` where a network cannot be judged by runs with so many events each."""
    if not is_enough(len(events), sum(events.values())):
        raise UserError(
            f"{len(events)} runs with {sum(events.values())} events are too few to judge a network "
            f"by; at least {LEAST_RUNS} runs and {LEAST_EVENTS} events are needed. Set an earlier "
            "split.test_start."
        )


def check_same_question(champion: Mapping[str, Any], challenger: Mapping[str, Any]) -> None:
    """Raise `UserError` where two networks forecast different events or see other variables."""
    for name in ("event", "predictors"):
        if champion[name] != challenger[name]:
            raise UserError(
                f"The champion and the challenger cannot be compared: their {name} are "
                f"{champion[name]} and {challenger[name]}. Set them back in the config, or begin "
                "a new registry: move registry/ away."
            )


def check_unseen(run_dates: Iterable[str], cutoff: str) -> None:
    """Raise `UserError` where a network may have been trained on one of the runs.

    `cutoff` is the day from which on there was no run in its training.
    """
    if seen := sorted(run_date for run_date in run_dates if run_date < cutoff):
        raise UserError(
            f"The champion was trained on runs before {cutoff}, so it cannot be judged by the run "
            f"of {seen[0]}. Judge by later runs."
        )


def judge_first(skill: Estimate, confidence: float) -> Verdict:
    """Whether a network becomes the first champion: if it is surely better than climatology.

    `skill` is its Brier skill score against the events' frequency in training.
    """
    said = f"Brier skill score {skill.value:.3f}, {_shown(skill, confidence)}"
    if skill.low > 0:
        return Verdict(True, f"The first champion: better than climatology ({said}).")
    return Verdict(
        False, f"No champion yet: the network may be no better than climatology ({said})."
    )


def judge_challenge(difference: Estimate, confidence: float) -> Verdict:
    """Whether a challenger takes the champion's place: if it is surely better.

    `difference` is its Brier score minus the champion's on the same storms, with an interval that
    resamples run dates. A tie, or a difference without an interval, keeps the champion.
    """
    said = (
        f"Brier score of the challenger minus the champion's {difference.value:+.4f}, "
        f"{_shown(difference, confidence)}"
    )
    if difference.high < 0:
        return Verdict(True, f"The challenger is better ({said}).")
    if difference.low > 0:
        return Verdict(False, f"The champion is better ({said}).")
    return Verdict(False, f"A tie keeps the champion ({said}).")


def _shown(estimate: Estimate, confidence: float) -> str:
    return f"{100 * confidence:g} % interval {estimate.low:.4f} to {estimate.high:.4f}"
