"""Settings of the block `recalibration`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import UNIQUE, Fraction, must_be
from stormcnn.config.wording import listed
from stormcnn.vocabulary import INTERCEPT, RECALIBRATIONS, RecalibrationMethod


class Recalibration(Block):
    """Correction of the probabilities, fitted to the end of the training period.

    Each network is trained once more with the first seed and without the end of the training
    period, and the correction is fitted to the forecasts of this held-out part. Forecasts use it
    if it is shown to improve the log score of other held-out storms.
    """

    methods: Annotated[
        list[RecalibrationMethod],
        *UNIQUE,
        must_be(f"a list of {listed(RECALIBRATIONS)} without duplicates, or []"),
    ] = Field(
        default=[INTERCEPT],
        description="Corrections to try; the one with the best log score is judged. `intercept`: "
        "adds a number to the log odds, which corrects over- or under-forecasting. `logistic`: "
        "also multiplies them, which corrects forecasts that are too sharp or too flat. "
        "`isotonic`: any nondecreasing function. The last two need many events. `[]`: no "
        "recalibration and no additional training.",
    )
    held_out: Fraction = Field(
        default=0.2,
        description="Share of the blocks (see `verification.block`) at the end of the training "
        "period to which the correction is fitted. If it has fewer than 10 blocks, nothing is "
        "recalibrated.",
    )
