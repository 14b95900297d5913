"""Settings of the block `verification`."""

from __future__ import annotations

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import BlockOfRuns, CountFrom200, Fraction
from stormcnn.vocabulary import BLOCK_DAY


class Verification(Block):
    """How forecasts are scored."""

    block: BlockOfRuns = Field(
        default=BLOCK_DAY,
        description="What is resampled as a whole for confidence intervals and tests: all "
        "forecast runs of a day (UTC), of a number of consecutive days, or each `run`. Choose "
        "blocks long enough that storms of different blocks are independent.",
    )
    resamples: CountFrom200 = Field(
        default=1000,
        description="Number of bootstrap resamples of the blocks for each confidence interval.",
    )
    confidence: Fraction = Field(default=0.95, description="Confidence level of the intervals.")
