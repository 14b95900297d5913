"""Settings of the block `observations`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator, Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import (
    UNIQUE,
    NotNegative,
    OptionalRange,
    Paths,
    Positive,
    must_be,
    without_nulls,
)
from stormcnn.config.wording import listed
from stormcnn.vocabulary import REPORT_KINDS, ReportKind


class Observations(Block):
    """Reports of severe weather, by which all forecasts are also judged.

    A storm has an observed event if a report is close to it in space and time. Networks are trained
    on `data.target` in any case.
    """

    reports: Paths = Field(
        default=[],
        description="CSV files of reports, with the columns of SPC's severe weather database "
        "(`yr,mo,dy,time,tz,slat,slon,mag`) or `time,latitude,longitude[,kind][,magnitude]`. "
        "Relative paths start at the working directory. `[]`: no observed events.",
    )
    kinds: Annotated[
        list[ReportKind] | None,
        Field(min_length=1),
        *UNIQUE,
        must_be(f"a list of {listed(REPORT_KINDS)} without duplicates, or null"),
    ] = Field(
        default=None,
        description="Kinds of reports that count: `tornado`, `hail`, `wind`. Without a column "
        "`kind`, the name of a file tells it. null: all reports.",
    )
    least_magnitude: Annotated[
        dict[ReportKind, NotNegative],
        BeforeValidator(without_nulls, json_schema_input_type=dict[ReportKind, NotNegative | None]),
    ] = Field(
        default={},
        description="Least magnitude of the reports that count, by kind, in the units of the "
        "files. In SPC's database these are the F or EF scale of tornadoes, inches of hail and "
        "knots of wind.",
    )
    distance_km: Positive = Field(
        default=40,
        description="Largest distance of a report from the center of the patch, in km.",
    )
    minutes: NotNegative = Field(
        default=30,
        description="Largest time in minutes by which a report may be earlier or later than the "
        "event.",
    )
    window: OptionalRange = Field(
        default=None,
        description="Beginning and end of the event in minutes after the valid time of the storm. "
        "null: [0, 60] for a target that ends with `_future`, [-60, -60] for `_prev`, otherwise "
        "[0, 0].",
    )

    def _faults(self) -> Iterator[str]:
        unused = [kind for kind in self.least_magnitude if kind not in (self.kinds or REPORT_KINDS)]
        if unused:
            yield (
                f"least_magnitude must be about observations.kinds (got {listed(unused)}). Add the "
                "kind there, or remove it here."
            )
