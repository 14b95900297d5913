"""Settings of the block `training`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import CountFromOne, OptionalCountFromOne, Positive, Seeds


class Training(Block):
    """How all networks are trained: with Adam, to minimize the binary cross-entropy."""

    recipe: Literal["lesson", "fast"] = Field(
        default="lesson",
        description="`lesson`: a fixed number of epochs at a constant learning rate, as in the "
        "AMS lesson. `fast`: 4 epochs of batches of 128 storms, with a learning rate that first "
        "rises to 0.006 and then falls to 0; `epochs`, `batch_size` and `learning_rate` are not "
        "used. With 20,000 training storms or more, `fast` takes less than half the time without "
        "loss of skill.",
    )
    epochs: CountFromOne = Field(
        default=10, description="Number of passes over the training period."
    )
    batch_size: CountFromOne = Field(
        default=64,
        description="Number of storms per training step. The AMS lesson uses 512, for 76,377 "
        "training storms.",
    )
    learning_rate: Positive = Field(default=0.001, description="Learning rate of Adam.")
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
