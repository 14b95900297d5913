"""Settings of the block `retraining`."""

from __future__ import annotations

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import (
    LeastBlocks,
    LeastEvents,
    OptionalCountFromOne,
    OptionalCountFromZero,
    Seed,
    Text,
)


class Retraining(Block):
    """The network that `ops/retrain` trains when new run files have arrived."""

    model: Text = Field(
        default="dropout", description="Key of the network that challenges the champion."
    )
    seed: Seed = Field(default=0, description="Random seed with which it is trained.")
    window: OptionalCountFromOne = Field(
        default=None,
        description="The challenger is trained on the runs of this many days before the cutoff, in "
        "whole batches. null: on all runs before the cutoff.",
    )
    least_blocks: LeastBlocks = Field(
        default=10,
        description="Fewest blocks (`verification.block`) of new runs by which a challenger is "
        "judged.",
    )
    least_events: LeastEvents = Field(
        default=20, description="Fewest events in new runs by which a challenger is judged."
    )
    opponent: OptionalCountFromZero = Field(
        default=None,
        description="Number of the entry of `registry/history/` whose champion is the opponent, to "
        "repeat a decision; 0: none. null: the present champion.",
    )
    report: bool = Field(
        default=False,
        description="true: each retraining also writes a report, for which all `models` are "
        "trained. false: only the challenger is trained.",
    )
