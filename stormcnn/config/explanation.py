"""Settings of the block `explanation`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import (
    UNIQUE,
    Count,
    CountFromOne,
    CountFromTwo,
    OptionalCountFromOne,
    Text,
    must_be,
)


class Permutation(Block):
    """Permutation importance: the skill that is lost if predictors are permuted among storms."""

    repetitions: CountFromOne = Field(
        default=1, description="Number of random permutations of each set of predictors."
    )
    storms: OptionalCountFromOne = Field(
        default=800,
        description="Largest number of test storms that are used, taken at equal distances. null: "
        "all.",
    )


class Explanation(Block):
    """Why the networks forecast what they do.

    The networks of all seeds are explained by one job per model.
    """

    models: Annotated[
        list[Text] | None,
        *UNIQUE,
        must_be("a list of strings without duplicates, or null"),
    ] = Field(
        default=None,
        description="Keys of the networks that are explained. null: the first of "
        "`uncertainty.models`, or `comparison.reference` if there is none. `[]`: none.",
    )
    storms: CountFromOne = Field(
        default=30,
        description="Number of test storms, in addition to the case studies, whose probability is "
        "attributed to their fields. They are selected evenly over the range of probabilities.",
    )
    steps: CountFromTwo = Field(
        default=16,
        description="Number of points at which the gradient is computed for each storm. For storms "
        "whose attribution does not add up, it is doubled, at most four times.",
    )
    members: Count = Field(
        default=0,
        description="Number of MC members over which attributions are averaged, for networks with "
        "dropout. 0: the network without dropout is explained.",
    )
    permutation: Permutation = Field(
        default_factory=Permutation, description="Permutation importance."
    )
