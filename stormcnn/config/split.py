"""Settings of the block `split`."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import Day, OptionalDay


class Split(Block):
    """Which forecast runs are used for training, and which for testing."""

    training_start: OptionalDay = Field(
        default=None,
        description="Forecast runs before this date are not used. It must be the first day of a "
        "batch. null: all runs before `test_start` form the training period.",
    )
    test_start: Day = Field(
        default=date(2015, 1, 1),
        description="Forecast runs from this date on form the test period, earlier ones the "
        "training period. It must be the first day of a batch (see `data.batch`), so that each "
        "batch belongs to one period.",
    )
