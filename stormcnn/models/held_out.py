"""The end of the training period, which is held out to fit recalibrations."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from stormcnn.storms.events import has_enough_storms

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array

logger = logging.getLogger(__name__)


def held_out_start(run_date: Array, event: Array, start: str | None) -> int:
    """Return the index of the first held-out storm; all later storms are held out, too.

    Parameters: `run_date` (datetime64) and `event` (true or false) of each storm of the training
    period, shape (storm,), in order of time; `start`, the first run date that is held out, or None
    if the training period is too short.
    The result is the number of storms if nothing is held out, because of this or because too few
    events or non-events would be left to train on.

    >>> days = np.arange("2014-05-01", "2014-06-10", dtype="datetime64[D]")
    >>> held_out_start(days, days < np.datetime64("2014-05-11"), "2014-05-31T00:00")
    30
    """
    nothing = int(event.size)
    if start is None:
        logger.warning(
            "No recalibration: recalibration.held_out holds out too few blocks of the training "
            "period. Increase it, or add forecast runs."
        )
        return nothing
    index = int(np.searchsorted(run_date, np.datetime64(start)))
    if not has_enough_storms(event[:index]):
        logger.warning(
            "No recalibration: before %s, the training period has too few events or non-events to "
            "train on.",
            start,
        )
        return nothing
    return index
