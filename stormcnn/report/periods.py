"""The size of the test period, and what captions say about it and about the intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from stormcnn.io import read_netcdf
from stormcnn.report.words import block_name
from stormcnn.verification.claim_types import Level

if TYPE_CHECKING:
    from stormcnn.vocabulary import BlockSize, StrPath


class Size(NamedTuple):
    """Numbers of the test period, and the dates of both periods."""

    storms: int
    events: int
    runs: int
    blocks: int
    block: str
    """What is resampled as a whole, in the plural or singular."""
    seeds: int
    """Largest number of seeds with which a model was trained."""
    frequency: str
    test: str
    training: str
    """First and last initialization date, or an empty text if there is none."""


class Sample(NamedTuple):
    """Ends of captions: the size of the sample, the kind of intervals, and that of tests."""

    storms: str
    intervals: str
    differences: str


def describe_size(
    test: pd.DataFrame, inventory: pd.DataFrame, predictions: StrPath, block: BlockSize
) -> Size:
    """Return the size of the test period.

    `test` are the scores of the whole test period, all of which have the same numbers of storms;
    `predictions` is a file with all its storms; `inventory` has the run dates of both periods.
    """
    row = test.iloc[0]
    numbers = pd.to_numeric(test["seed"].astype(str), errors="coerce")
    run_dates = pd.to_datetime(read_netcdf(predictions)["run_date"].values)
    inventoried = pd.to_datetime(inventory["run_date"])
    earlier = inventoried[(inventoried < run_dates.min()) & (inventory["storms"] > 0)]
    return Size(
        storms=int(row["storms"]),
        events=int(row["events"]),
        runs=int(row["runs"]),
        blocks=int(row["blocks"]),
        block=block_name(block, int(row["blocks"])),
        seeds=int(numbers.groupby(test["model"]).nunique().max()),
        frequency=f"{100 * row['events'] / row['storms']:.1f}",
        test=_dates(run_dates.min(), run_dates.max()),
        training=_dates(earlier.min(), earlier.max()) if len(earlier) else "",
    )


def _dates(first: pd.Timestamp, last: pd.Timestamp) -> str:
    return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}" if first != last else f"{first:%Y-%m-%d}"


def describe_sample(
    size: Size,
    confidence: float,
    resamples: int,
    block: BlockSize,
    level: Level,
    comparisons: int,
) -> Sample:
    """Return the ends of captions; `comparisons` is the size of the family of Holm's correction."""
    storms = (
        f"{size.storms:,} storms, {size.events:,} events, {size.runs:,} forecast "
        f"{'run' if size.runs == 1 else 'runs'}, {size.blocks:,} {size.block}."
    )
    if size.blocks == 1:
        none = f"{storms} With one {block_name(block, 1)}, no interval can be computed."
        return Sample(storms, none, none)
    drawn = block_name(block)
    intervals = (
        f"{storms} Intervals: {100 * confidence:g} %, from {resamples:,} resamples of {drawn}."
    )
    both = f"{drawn} and seeds" if level is Level.METHOD else drawn
    family = (
        f"{storms} Intervals: {100 * confidence:g} %, from {resamples:,} resamples of {both}; "
        f"p-values with Holm's correction for {comparisons} "
        f"{'comparison' if comparisons == 1 else 'comparisons'}."
    )
    return Sample(storms, intervals, family)
