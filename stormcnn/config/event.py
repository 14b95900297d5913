"""Settings of the block `event`."""

from __future__ import annotations

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import Positive, Title, Units
from stormcnn.vocabulary import LESSON_EVENT


class Event(Block):
    """The event whose probability is forecast."""

    threshold: Positive = Field(
        default=LESSON_EVENT["threshold"],
        description="A storm is an event if its peak exceeds this value, in the units of the "
        "target.",
    )
    units: Units = Field(
        default=None,
        description="Units of the threshold, for targets whose units the run files do not state. "
        "They must not contradict the run files. null: the units of the target.",
    )
    title: Title = Field(
        default=None,
        description="What texts call the event, such as `large hail`. null: a title that follows "
        "from the target and the threshold.",
    )
    lead: Title = Field(
        default=None,
        description="When the event happens, such as `within the next hour`. null: what follows "
        "from the suffix of the target (`_future`: within the next hour; `_curr`: now; none for "
        "variables with one value per storm).",
    )
