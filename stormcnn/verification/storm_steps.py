"""Storms sorted by probability and counted, which is all that scores of their order need."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from stormcnn.vocabulary import Array


class Steps(NamedTuple):
    """The different probabilities of a forecast in descending order, and steps of these.

    Neighboring probabilities at which no event occurred form one step, because no score changes
    its value between them.
    """

    probability: Array
    """The different probabilities (probabilities,)."""
    storms: Array
    """Number of storms of each (probabilities,)."""
    events: Array
    """Number of events of each (probabilities,)."""
    step_events: sparse.csr_array
    """Events of each step in each block (steps, blocks)."""
    step_others: sparse.csr_array
    """Storms without event of each step in each block (steps, blocks)."""
    isotonic_pools: Array
    """First step of each pool of steps that isotonic regression merges for any weights (pools,)."""


def sort_into_steps(p: Array, y: Array, block: Array, blocks: int) -> Steps:
    """Return the steps of a forecast.

    `p` (storms,) are its probabilities, `y` (storms,) is whether the event occurred, and `block`
    (storms,) is the index of each storm's block among `blocks`.

    >>> p, y = np.array([0.2, 0.1, 0.9, 0.2]), np.array([False, False, True, False])
    >>> steps = sort_into_steps(p, y, np.array([0, 0, 1, 1]), blocks=2)
    >>> steps.probability, steps.storms
    (array([0.9, 0.2, 0.1]), array([1, 2, 1], dtype=int32))
    >>> steps.step_others.toarray()
    array([[0., 0.],
           [2., 1.]])
    """
    order = np.argsort(p)[::-1]
    descending, is_event, by = p[order], y[order], block[order].astype(np.int32, copy=False)
    del order
    first = np.flatnonzero(np.concatenate(([True], descending[1:] != descending[:-1])))
    probability = descending[first]
    del descending
    events_before = np.concatenate(([0], np.cumsum(is_event, dtype=np.int32)), dtype=np.int32)
    storms = np.diff(first, append=p.size).astype(np.int32)
    events = np.diff(events_before[first], append=events_before[-1])

    eventless = events == 0
    begins = np.concatenate(([True], ~(eventless[1:] & eventless[:-1])))
    start = np.append(first[begins], p.size).astype(np.int32)
    del first
    start_of_events = events_before[start]
    start_of_others = start - start_of_events
    # No step can have a lower frequency than one without events, or a higher one than one of
    # events only. The step before the first kind, or after the second, is therefore out of order
    # or equal for any weights, and isotonic regression gives both the same value.
    no_event, only_events = np.diff(start_of_events) == 0, np.diff(start_of_others) == 0
    apart = ~(no_event[:-1] | only_events[1:])
    return Steps(
        probability,
        storms,
        events,
        _count_by_block(by[is_event], start_of_events, blocks),
        _count_by_block(by[~is_event], start_of_others, blocks),
        isotonic_pools=np.flatnonzero(np.concatenate(([True], apart))),
    )


def _count_by_block(block: Array, start: Array, blocks: int) -> sparse.csr_array:
    """Return how many storms of each step are in each block (steps, blocks).

    `block` (storms,) is in the order of the steps, which begin at `start` (steps + 1,). Both
    become part of the result.
    """
    counts = sparse.csr_array((np.ones(block.size), block, start), shape=(start.size - 1, blocks))
    counts.sum_duplicates()
    return counts
