"""Settings of the block `comparison`."""

from __future__ import annotations

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import Text


class Comparison(Block):
    """How the models are compared with each other."""

    reference: Text = Field(
        default="baseline",
        description="Key of the network with which all other models are compared.",
    )
    own_scaling: bool = Field(
        default=False,
        description="true: the networks of the first seed are also scored with the test storms "
        "scaled by their own statistics, as in the AMS short course. A forecaster cannot do this, "
        "because these statistics are not known in advance.",
    )
