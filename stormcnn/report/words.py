"""Names in the texts of the report: lists, blocks, recalibrations and strata."""

from __future__ import annotations

import calendar
from typing import TYPE_CHECKING

from stormcnn.vocabulary import BLOCK_DAY, BLOCK_RUN, INTERCEPT, ISOTONIC, LOGISTIC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stormcnn.vocabulary import BlockSize

RECALIBRATION_WORDS: dict[str, str] = {
    INTERCEPT: "intercept recalibration",
    LOGISTIC: "logistic recalibration",
    ISOTONIC: "isotonic recalibration",
}
"""Names of the recalibrations within a sentence."""


def join(names: Sequence[str], word: str = "and") -> str:
    """Return a list in words.

    >>> join(["Baseline", "L2", "Spatial dropout"])
    'Baseline, L2 and Spatial dropout'
    """
    *first, last = names or [""]
    return f"{', '.join(first)} {word} {last}" if first else last


def percent(probability: float) -> str:
    """Return a probability in percent, with a decimal below 10 %.

    >>> percent(0.0312), percent(0.714)
    ('3.1 %', '71 %')
    """
    return f"{100 * probability:.{1 if probability < 0.0995 else 0}f} %"


def block_name(block: BlockSize, count: int = 2) -> str:
    """Return what is resampled as a whole, in the plural unless `count` is 1.

    >>> block_name("day"), block_name("run", 1), block_name(3)
    ('days', 'forecast run', 'blocks of 3 days')
    """
    if block == BLOCK_DAY:
        return "day" if count == 1 else "days"
    if block == BLOCK_RUN:
        return "forecast run" if count == 1 else "forecast runs"
    name = "block" if count == 1 else "blocks"
    return f"{name} of {block} {'day' if block == 1 else 'days'}"


def stratum_name(stratum: str) -> str:
    """Return the name of a stratum: May for `month=5`, Hours 12 to 17 for `forecast_hour=12-17`."""
    kind, _, value = stratum.partition("=")
    if kind == "month":
        return calendar.month_name[int(value)]
    if kind == "forecast_hour":
        return f"Hours {value.replace('-', ' to ')}"
    return value.replace("_", " ").title()
