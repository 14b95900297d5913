"""Settings of the block `decisions`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import UNIQUE, must_be

Ratio = Annotated[float, Field(gt=0, lt=1)]


class Decisions(Block):
    """At which probabilities to act.

    The thresholds are chosen in the training period, and judged in the test period.
    """

    cost_loss: Annotated[
        list[Ratio],
        *UNIQUE,
        must_be("a list of numbers > 0 and < 1 without duplicates, or []"),
    ] = Field(
        default=[0.02, 0.05, 0.1, 0.2, 0.5],
        description="Costs of protection as shares of the loss that it prevents, for each of which "
        "the threshold with the largest economic value is chosen. In addition, those with the "
        "largest critical success index and with as many warnings as events are chosen.",
    )
