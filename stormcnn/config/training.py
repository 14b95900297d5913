"""Settings of the block `training`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import (
    CountFromOne,
    OptionalCountFromOne,
    OptionalPositive,
    Seeds,
)


class Training(Block):
    """How all networks are trained: with Adam, to minimize the binary cross-entropy."""

    recipe: Literal["lesson", "fast"] = Field(
        default="fast",
        description="`lesson`: 10 epochs of batches of 512 storms at a learning rate of 0.001, as "
        "in the AMS lesson. `fast`: one epoch of batches of 64 storms, with a learning rate that "
        "first rises to 0.003 and then falls to 0, and an output that starts at the event "
        "frequency. If one epoch has fewer than 120 training steps, there are as many epochs as "
        "these take.",
    )
    epochs: OptionalCountFromOne = Field(
        default=None,
        description="Number of passes over the training period. null: that of the recipe.",
    )
    batch_size: OptionalCountFromOne = Field(
        default=None, description="Number of storms per training step. null: that of the recipe."
    )
    learning_rate: OptionalPositive = Field(
        default=None,
        description="Learning rate of Adam; with the recipe `fast`, its maximum. null: that of the "
        "recipe.",
    )
    seeds: Seeds = Field(
        default=[0, 1, 2, 3, 4],
        description="Random seeds. Each network is trained once per seed. Statements about a "
        "method, such as dropout, need at least 3 seeds; with fewer, only the trained networks "
        "themselves are compared.",
    )
    threads: CountFromOne = Field(
        default=1,
        description="Number of threads of a training job. Several single-threaded jobs in parallel "
        "finish sooner than multi-threaded jobs in sequence. The weights are bit-identical only "
        "for the same number of threads.",
    )
    memory_mb: OptionalCountFromOne = Field(
        default=None,
        description="If the fields of the training period take more memory than this, in MiB, "
        "training jobs read them from a temporary file of that size in `TMPDIR`. null: they are "
        "always kept in memory. The weights are the same either way.",
    )
