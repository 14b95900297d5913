"""Settings of the block `retraining`."""

from __future__ import annotations

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import Seed, Text


class Retraining(Block):
    """The network that `ops/retrain` trains when new run files have arrived."""

    model: Text = Field(
        default="dropout", description="Key of the network that challenges the champion."
    )
    seed: Seed = Field(default=0, description="Random seed with which it is trained.")
    report: bool = Field(
        default=False,
        description="true: each retraining also writes a report, for which all `models` are "
        "trained. false: only the challenger is trained.",
    )
