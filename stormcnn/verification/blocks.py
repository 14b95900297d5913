"""Blocks of forecast runs, which are resampled as a whole.

Forecast runs of one day share the weather of that day, so they are no independent evidence.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from stormcnn.errors import UserError
from stormcnn.vocabulary import BLOCK_DAY, BLOCK_RUN, Array, BlockSize

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def block_of(run_date: ArrayLike, block: BlockSize) -> Array:
    """Return the label of each storm's block (storms,).

    With `block` "day" (UTC) or a number of consecutive days, the label is the first day of the
    block, and `run_date` (storms,) is a datetime64 or text such as `20110427-0000` or
    `2011-04-27T00:00`. With "run" the label is `run_date` itself, which may have any sortable
    type. Blocks of several days are counted from 1 January 1970, so they do not depend on the
    storms.

    Raises `UserError` if `block` is none of these, or if a run date is not a date.

    >>> block_of(["20110427-0000", "20110427-2300", "20110428-0000"], "day")
    array(['2011-04-27', '2011-04-27', '2011-04-28'], dtype='datetime64[D]')
    """
    dates = np.asarray(run_date)
    if block == BLOCK_RUN:
        return dates
    size = 1 if block == BLOCK_DAY else block
    if isinstance(size, (bool, str)) or size != int(size) or size < 1:
        raise UserError(
            f"verification.block must be {BLOCK_DAY}, {BLOCK_RUN} or a number of days >= 1 "
            f"(got {block!r})."
        )
    days = _days(dates)
    return days - days.astype(np.int64) % int(size)


def _days(dates: Array) -> Array:
    """Return the day of each run date (storms,), as datetime64[D]."""
    if dates.dtype.kind != "M":
        distinct, index = np.unique(dates, return_inverse=True)
        dates = np.array([_read_day(date) for date in distinct], "datetime64[D]")[index]
    days = dates.astype("datetime64[D]")
    if np.isnat(days).any():
        raise UserError(f"run_date of storm {np.isnat(days).argmax()} is missing. Add it.")
    return days


def _read_day(date: Any) -> np.datetime64:
    """Return the day (UTC) of a run date such as `20110427-0000`, or in ISO format."""
    text = str(date)
    if text[8:9] == "-":
        text = text.replace("-", "T")
    try:
        if not isinstance(date, (str, datetime)):
            raise ValueError  # a number such as 20110427 may mean anything
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"run_date {date!r} is not a date such as 20110427-0000 or 2011-04-27T00:00. Correct "
            "it, or set verification.block to run."
        ) from None
    return np.datetime64((time.astimezone(UTC) if time.tzinfo else time).date(), "D")
