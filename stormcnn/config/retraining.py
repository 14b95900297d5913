"""Settings of the block `retraining`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import (
    UNIQUE,
    LeastBlocks,
    LeastEvents,
    OptionalCountFromOne,
    OptionalCountFromZero,
    Seeds,
    Text,
    must_be,
)


class Retraining(Block):
    """The networks that `ops/retrain` trains when new run files have arrived."""

    models: Annotated[
        list[Text],
        Field(min_length=1),
        *UNIQUE,
        must_be("a list of one or more keys of models, without duplicates"),
    ] = Field(
        default=["dropout"],
        description="Keys of the candidates, networks of which the best one challenges the "
        "champion. The more candidates, the stronger the evidence that a promotion takes.",
    )
    seeds: Seeds = Field(
        default=[0],
        description="Random seeds. Each of these networks is a candidate once per seed.",
    )
    window: OptionalCountFromOne = Field(
        default=None,
        description="Candidates are trained on the runs of this many days before the cutoff, in "
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
        "trained. false: only the candidates are trained.",
    )
