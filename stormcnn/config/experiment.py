"""Settings of the block `experiment`."""

from __future__ import annotations

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import Name

DEMO = "demo"
"""Name that is reserved for made-up data."""


class Experiment(Block):
    """Everything computed from one config. Experiments never touch the results of others."""

    name: Name = Field(
        default=DEMO,
        description="The results are written to `results/<name>`. `demo` is reserved for made-up "
        "data.",
    )
