"""Settings of the block `tuning`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import (
    UNIQUE,
    CountFromTwo,
    Fraction,
    OptionalDay,
    OptionalText,
    Seeds,
    must_be,
)


class Tuning(Block):
    """Choice of the dropout rate (target `tune_dropout`).

    One network is trained at several rates on the first part of the training period. The rates are
    scored on the rest of the training period. The test period is never used.
    """

    model: OptionalText = Field(
        default=None,
        description="Key of the network, which must have dropout. The rates replace its "
        "`spatial_dropout` or `dropout`, or else its `dense_dropout`. null: the first network with "
        "dropout.",
    )
    rates: Annotated[
        list[Fraction],
        Field(min_length=1),
        *UNIQUE,
        must_be("a list of one or more numbers > 0 and < 1, without duplicates"),
    ] = Field(
        default=[0.05, 0.1, 0.2, 0.3, 0.4, 0.5],
        description="Dropout rates to try. Adding a rate does not retrain the networks of the "
        "others.",
    )
    seeds: Seeds = Field(
        default=[0, 1, 2],
        description="Random seeds. A network is trained for each rate and seed, and the scores "
        "are averaged over the seeds. With fewer than 3, rates cannot be told apart, because the "
        "seed alone may decide.",
    )
    members: CountFromTwo = Field(
        default=50, description="Number of MC members for each storm on which rates are scored."
    )
    validation_start: OptionalDay = Field(
        default=None,
        description="Forecast runs of the training period from this date on are used to score the "
        "rates, earlier ones to train. It must be the first day of a batch and before "
        "`split.test_start`. null: the latest such day that leaves at least a quarter of the runs "
        "of the training period, or the first day of the second batch if there is none.",
    )
    report: bool = Field(
        default=False,
        description="true: the rates are tried before the report is written, and the report shows "
        "them. false: only the target `tune_dropout` tries them.",
    )
