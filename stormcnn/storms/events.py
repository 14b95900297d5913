"""Events, storms whose peak exceeds the threshold, and checks that there are enough of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stormcnn.errors import UserError

LEAST_STORMS_PER_CLASS = 10
"""Fewest events, and fewest non-events, on which a model is trained."""


def exceeds(peak: NDArray[np.floating], threshold: float) -> NDArray[np.bool_]:
    """Return whether the peak of each storm, shape (storm,), exceeds `threshold` (same units)."""
    # Round the threshold to the single precision of the files, or equal values might differ.
    return peak > np.asarray(threshold, peak.dtype)


def has_enough_storms(event: NDArray[np.bool_]) -> bool:
    """Return whether `event`, shape (storm,), has enough events and non-events to train on."""
    events = int(event.sum())
    return min(events, event.size - events) >= LEAST_STORMS_PER_CLASS


def check_enough_storms(event: NDArray[np.bool_], threshold: float) -> None:
    """Raise `UserError` unless `event`, shape (storm,), has 10 events and 10 non-events."""
    if not has_enough_storms(event):
        events = int(event.sum())
        others = event.size - events
        raise UserError(
            f"event.threshold: training needs at least {LEAST_STORMS_PER_CLASS} events and "
            f"{LEAST_STORMS_PER_CLASS} non-events (got {events} and {others} of {event.size} "
            f"storms of the training period with threshold {threshold:g}). Add run files, set a "
            "later split.test_start (when tuning dropout rates: tuning.validation_start), or "
            "change event.threshold."
        )


def check_any_storm(storms: int) -> None:
    """Raise `UserError` if there is no storm to forecast."""
    if not storms:
        raise UserError(
            "split.test_start: the run files of this period contain no valid storm; inventory.csv "
            "gives the reasons. Add run files, or set another split.test_start (when tuning "
            "dropout rates: tuning.validation_start)."
        )
