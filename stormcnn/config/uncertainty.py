"""Settings of the block `uncertainty`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import UNIQUE, Count, CountFromOne, Texts, must_be


class Cases(Block):
    """Case studies: single storms whose MC members are saved and plotted."""

    count: Count = Field(
        default=6,
        description="Number of storms that are selected evenly over the range of probabilities.",
    )
    members: CountFromOne = Field(
        default=1000, description="Number of MC members for each of these storms."
    )
    storms: Annotated[
        list[Count], *UNIQUE, must_be("a list of integers >= 0 without duplicates, or []")
    ] = Field(
        default=[],
        description="Further storms, by their index among the test storms, which starts at 0 and "
        "follows run date and patch.",
    )


class Uncertainty(Block):
    """Uncertainty of the probabilities from Monte Carlo (MC) dropout."""

    models: Texts = Field(
        default=["dropout"],
        description="Keys of the networks that are sampled. Each must have dropout. May be empty.",
    )
    members: Count = Field(
        default=50,
        description="Number of MC members for every test storm. 0: only the case studies are "
        "sampled.",
    )
    cases: Cases = Field(default_factory=Cases, description="Case studies.")
    jobs: CountFromOne = Field(
        default=1,
        description="Number of jobs that share the sampling of a network, at most one per batch "
        "of the test period. The results do not depend on it.",
    )
