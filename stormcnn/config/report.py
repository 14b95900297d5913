"""Settings of the block `report`."""

from __future__ import annotations

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import CountFromOne


class Report(Block):
    """The report page."""

    storms: CountFromOne = Field(
        default=200, description="Number of storms that can be explored in the report."
    )
