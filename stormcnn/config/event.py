"""Settings of the block `event`."""

from __future__ import annotations

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import Positive
from stormcnn.vocabulary import LESSON_EVENT


class Event(Block):
    """The event whose probability is forecast."""

    threshold: Positive = Field(
        default=LESSON_EVENT["threshold"],
        description="A storm is an event if its peak exceeds this value, in the units of the "
        "target (s-1 for vorticity).",
    )
