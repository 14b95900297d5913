"""Settings of the block `verification`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import (
    BlockOfRuns,
    CountFrom200,
    Fraction,
    Limits,
    Name,
    without_nulls,
)
from stormcnn.vocabulary import US_REGIONS


class Region(Block):
    """A box in degrees."""

    longitude: Limits = Field(
        description="Western and eastern limit in degrees east; -170 is the same as 190."
    )
    latitude: Limits = Field(description="Southern and northern limit in degrees north.")

    def _faults(self) -> Iterable[str]:
        west, east = self.longitude
        if not -360 <= west <= 360 or not -360 <= east <= 360 or west == east:
            yield f"longitude must be two different numbers from -360 to 360 (got {west}, {east})."
        south, north = self.latitude
        if not -90 <= south < north <= 90:
            yield (
                "latitude must be the southern and the northern limit, from -90 to 90 "
                f"(got {south}, {north})."
            )


Regions = Annotated[
    dict[Name, Region],
    BeforeValidator(without_nulls, json_schema_input_type=dict[Name, Region | None]),
]


class Verification(Block):
    """How forecasts are scored."""

    block: BlockOfRuns = Field(
        default="day",
        description="What is resampled as a whole for confidence intervals and tests: all "
        "forecast runs of a day (UTC), of a number of consecutive days, or each `run`. Choose "
        "blocks long enough that storms of different blocks are independent.",
    )
    resamples: CountFrom200 = Field(
        default=1000,
        description="Number of bootstrap resamples of the blocks for each confidence interval.",
    )
    confidence: Fraction = Field(default=0.95, description="Confidence level of the intervals.")
    regions: Regions = Field(
        default_factory=lambda: {name: Region(**_limits(box)) for name, box in US_REGIONS.items()},
        description="Boxes in which scores are also computed. The defaults cover the contiguous "
        "United States; a region set to null is left out. Storms outside of every box count only "
        "in the other scores.",
    )


def _limits(box: Any) -> dict[str, list[float]]:
    return {name: list(limits) for name, limits in box.items()}
