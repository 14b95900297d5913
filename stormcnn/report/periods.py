"""The size of the test period, and what captions say about it and about the intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from stormcnn.io import read_netcdf
from stormcnn.report.words import block_name, percent
from stormcnn.texts import counted
from stormcnn.verification.measured_coverage import MEASURED_CONFIDENCE, MEASURED_COVERAGE
from stormcnn.vocabulary import BLOCK_RUN, LEAST_SEEDS

if TYPE_CHECKING:
    from stormcnn.verification.shared_storms import SharedStorms
    from stormcnn.vocabulary import BlockSize, StrPath

MOST_SHARED = 0.01
"""Share of the test storms that other runs may forecast as well before a warning is given."""


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
    """Of networks: from resampled blocks."""
    averages: str
    """Of averages over seeds: from resampled blocks and seeds, if there are enough seeds."""
    differences: str
    """Of differences between models."""
    coverage: str
    """How often such intervals contain the truth, or an empty text if that was not measured."""


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
    comparisons: int,
    shared: SharedStorms,
) -> Sample:
    """Return the ends of captions.

    `comparisons` is the number of those between networks. The coverage of intervals was measured
    for independent blocks, so it is not given for others.
    """
    storms = (
        f"{counted(size.storms, 'storm')}, {counted(size.events, 'event')}, "
        f"{counted(size.runs, 'forecast run')}, {size.blocks:,} {size.block}."
    )
    if size.blocks == 1:
        none = f"{storms} With one {block_name(block, 1)}, no interval can be computed."
        return Sample(storms, none, none, none, "")
    drawn = block_name(block)
    intervals = (
        f"{storms} Intervals: {100 * confidence:g} %, from {resamples:,} resamples of {drawn}."
    )
    averages = intervals
    if size.seeds >= LEAST_SEEDS:
        averages = (
            f"{intervals[:-1]} and, for averages over at least {LEAST_SEEDS} seeds, of seeds."
        )
    family = averages
    if comparisons:
        family = (
            f"{averages[:-1]}; p-values with Holm's correction for "
            f"{counted(comparisons, 'comparison')} of networks in Brier skill score."
        )
    coverage = _describe_coverage(size, confidence, block) if _independent(shared) else ""
    return Sample(storms, intervals, averages, family, coverage)


def describe_shared_storms(shared: SharedStorms, block: BlockSize) -> list[str]:
    """Return what follows from test storms that other runs forecast as well; mostly nothing."""

    def counted(number: int) -> str:
        return (
            f"{number:,} of the {shared.storms:,} test storms ({percent(number / shared.storms)})"
        )

    sentences = []
    if not _independent(shared):
        sentences.append(
            f"{counted(shared.by_blocks)} are forecast by runs of other {block_name(block)} as "
            f"well. The {block_name(block)} are therefore not independent: intervals are too "
            "narrow, p-values too small, and differences claimed too often."
        )
    if shared.by_training > MOST_SHARED * shared.storms:
        sentences.append(
            f"{counted(shared.by_training)} are forecast by runs of the training period as well, "
            "so their forecasts may be better than those of new storms."
        )
    if sentences:
        sentences.append(
            "To take each valid time from one run only, set data.lead_hours to the interval "
            "between two runs."
        )
    return sentences


def _independent(shared: SharedStorms) -> bool:
    """Return whether hardly any test storm is forecast by several blocks."""
    return shared.by_blocks <= MOST_SHARED * shared.storms


def _describe_coverage(size: Size, confidence: float, block: BlockSize) -> str:
    """Return how often intervals contained the truth in simulations with at most as many blocks."""
    measured = [blocks for blocks in MEASURED_COVERAGE if blocks <= size.blocks]
    if confidence != MEASURED_CONFIDENCE or block == BLOCK_RUN or not measured:
        return ""
    blocks = max(measured)
    shares = MEASURED_COVERAGE[blocks].values()
    return (
        f"In simulations, {100 * confidence:g} % intervals with {blocks} days contained the truth "
        f"in {100 * min(shares):.0f} to {100 * max(shares):.0f} % of cases, depending on the score."
    )
