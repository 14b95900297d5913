"""The end of the training period, which is held out to fit recalibrations."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from stormcnn.storms.events import has_enough_storms
from stormcnn.vocabulary import LEAST_BLOCKS

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array

logger = logging.getLogger(__name__)


def held_out_start(blocks: Array, event: Array, share: float) -> int:
    """Return the index of the first held-out storm; all later storms are held out, too.

    Parameters: `blocks`, the block of each storm of the training period, shape (storm,), in order
    of time; `event`, whether each storm is an event, shape (storm,); `share` of the blocks that is
    held out, rounded to whole blocks.
    Nothing is held out, and the result is the number of storms, if fewer than `LEAST_BLOCKS`
    blocks would be, which cannot show that a recalibration helps, or if too few events or
    non-events would be left to train on.

    >>> days = np.repeat(np.arange(100), 3)
    >>> held_out_start(days, days % 2 == 0, share=0.2)
    240
    """
    distinct = np.unique(blocks)
    count = round(share * distinct.size)
    if count < LEAST_BLOCKS:
        logger.warning(
            "No recalibration: recalibration.held_out %g holds out %d of the %d blocks of the "
            "training period, and at least %d are needed. With this share the training period "
            "must have at least %d blocks.",
            share,
            count,
            distinct.size,
            LEAST_BLOCKS,
            np.ceil(LEAST_BLOCKS / share),
        )
        return int(blocks.size)
    start = int(np.searchsorted(blocks, distinct[-count]))
    if not has_enough_storms(event[:start]):
        logger.warning(
            "No recalibration: without the last %d blocks of the training period, too few events "
            "or non-events are left to train on.",
            count,
        )
        return int(blocks.size)
    return start
