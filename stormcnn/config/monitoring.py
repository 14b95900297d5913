"""Settings of the block `monitoring`."""

from __future__ import annotations

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import BlocksOfWindow, Words


class Monitoring(Block):
    """How `ops/retrain` watches the champion on the runs that have arrived."""

    window: BlocksOfWindow = Field(
        default=30,
        description="Number of the latest blocks (`verification.block`) that are scored together. "
        "At least 10 are needed for an alarm.",
    )
    notify: Words = Field(
        default=None,
        description="Command that is called once for each new alarm, as a list of its words. It "
        "gets the alarm as JSON on its standard input. null: none.",
    )
