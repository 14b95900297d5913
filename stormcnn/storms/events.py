"""The event: a storm whose low-level rotation becomes strong in the next hour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stormcnn.errors import UserError

LEAST_STORMS_A_CLASS = 10


def exceeds(peak: NDArray[np.floating], threshold: float) -> NDArray[np.bool_]:
    """Whether the peak vorticity of each storm (s-1) lies above `threshold`."""
    # Files hold single precision; a threshold that it cannot hold exactly is rounded as they are.
    return peak > np.asarray(threshold, peak.dtype)


def check_enough_storms(event: NDArray[np.bool_], threshold: float) -> None:
    """Raise `UserError` unless there are at least 10 events and 10 non-events to learn from."""
    events = int(event.sum())
    others = event.size - events
    if min(events, others) < LEAST_STORMS_A_CLASS:
        rare = "events" if events < others else "storms without event"
        raise UserError(
            f"There are too few {rare} to train on: of {event.size} storms of the training period "
            f"{events} exceed event.threshold {threshold:g} and {others} do not; at least "
            f"{LEAST_STORMS_A_CLASS} of each are needed. Add run files, set a later "
            "split.test_start (of dropout rates: tuning.validation_start), or change "
            "event.threshold."
        )


def check_any_storm(storms: int) -> None:
    """Raise `UserError` where there is no storm whose event could be forecast."""
    if not storms:
        raise UserError(
            "There is no storm to forecast: the run files of this period hold none, or all were "
            "set aside, as inventory.csv of the data says. Add run files, or set another "
            "split.test_start (of dropout rates: tuning.validation_start)."
        )
