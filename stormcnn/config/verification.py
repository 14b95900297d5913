"""Settings of the block `verification`."""

from __future__ import annotations

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import CountFromOne, Fraction


class Verification(Block):
    """How forecasts are scored."""

    resamples: CountFromOne = Field(
        default=1000,
        description="Number of bootstrap resamples of run dates for each confidence interval.",
    )
    confidence: Fraction = Field(default=0.95, description="Confidence level of the intervals.")
