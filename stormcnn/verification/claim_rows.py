"""The rows of a verification's tables that verdicts rest on, and what single rows support."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd
from scipy.special import ndtri

from stormcnn.verification.claim_types import Change, Estimate, Level, Need, Support
from stormcnn.vocabulary import (
    ALL_SEEDS,
    LEAST_BLOCKS,
    LEAST_SEEDS,
    METHOD,
    OVER_SEEDS,
    SEEDLESS,
)

LOG_SCORE = "log_score"
SMALLER_IS_BETTER = (LOG_SCORE,)
"""Compared scores of which smaller values are better."""

POWER = 0.8
"""How often a relevant effect is found with as many blocks or seeds as a verdict asks for."""

LEAST_RESAMPLES = 200
"""Fewest resamples with which differences are claimed."""

Row = Mapping[Hashable, Any]
"""A row of a table, by column."""


class Evidence(NamedTuple):
    """The rows that stand for each forecast: the mean over its seeds, or else its first seed."""

    scores: Mapping[tuple[str, str, str], Mapping[str, Row]]
    """For each period, model and forecast, the row of each score."""
    differences: Mapping[tuple[str, str, str, str], Mapping[str, Row]]
    """For each period, model, reference and forecast, the row of each score."""
    seeds: Mapping[str, int]
    """Number of trained networks of each model."""


def read_evidence(scores: pd.DataFrame, differences: pd.DataFrame) -> Evidence:
    """Return the evidence in the tables `scores.csv` and `differences.csv`."""
    whole = scores[scores["stratum"] == "all"]
    trained = whole[~whole["seed"].astype(str).isin((OVER_SEEDS, ALL_SEEDS))]
    # The rows about methods come last, and the last ones stand for a forecast.
    claimed = differences.sort_values("claim", key=lambda claim: claim == METHOD, kind="stable")
    return Evidence(
        rows_by(whole, "period", "model", "forecast"),
        rows_by(claimed, "period", "model", "reference", "forecast"),
        trained.groupby("model")["seed"].nunique().to_dict(),
    )


def rows_by(table: pd.DataFrame, *keys: str) -> dict[Any, dict[str, Row]]:
    """Return the rows by `keys` and score: those of the mean over seeds, or of the first seed."""
    by_seed: dict[tuple[str, ...], dict[str, dict[str, Row]]] = {}
    for row in table.to_dict("records"):
        seeds = by_seed.setdefault(tuple(row[key] for key in keys), {})
        seeds.setdefault(str(row["seed"]), {})[row["score"]] = row
    return {
        key: seeds.get(OVER_SEEDS) or next(iter(seeds.values())) for key, seeds in by_seed.items()
    }


def judge_support(row: Row, seeds: Mapping[str, int]) -> Support:
    """Return what a statement that rests on a row of a table can be about.

    `seeds` gives the number of trained networks of each model. If the row compares two models, the
    one with fewer seeds decides, unless it has none: then fitting it again would change nothing.
    """
    models = {row["model"], row.get("reference", row["model"])}
    trained = [seeds[name] for name in models - set(SEEDLESS)]
    need = Need(
        blocks=LEAST_BLOCKS if row["blocks"] < LEAST_BLOCKS else None,
        seeds=LEAST_SEEDS if any(number < LEAST_SEEDS for number in trained) else None,
    )
    of_method = str(row["seed"]) == OVER_SEEDS and not need.seeds
    level = Level.METHOD if of_method else Level.NETWORKS
    return Support(
        Level.NOTHING if need.blocks else level, min(trained, default=1), int(row["blocks"]), need
    )


def estimate_of(row: Row) -> Estimate:
    """Return the value of a row of `scores.csv` with its interval."""
    return Estimate(*(float(row[name]) for name in ("value", "low", "high")))


def difference_of(row: Row) -> Estimate:
    """Return the difference of a row of `differences.csv` with its interval."""
    return Estimate(*(float(row[name]) for name in ("difference", "low", "high")))


def change_of(row: Row, p: float, confidence: float) -> Change:
    """Return the direction of a difference whose p-value, perhaps corrected, is `p`."""
    if row["blocks"] < LEAST_BLOCKS:
        return Change.UNKNOWN
    sign = difference_of(row).sign * (-1 if row["score"] in SMALLER_IS_BETTER else 1)
    if not sign or not p < 1 - confidence:
        return Change.NONE
    return Change.BETTER if sign > 0 else Change.WORSE


def what_would_do(
    support: Support,
    estimate: Estimate,
    relevant: float,
    confidence: float,
    resamples: int,
    from_seeds: float = 0.0,
    comparisons: int = 1,
) -> Need:
    """Return how many blocks or seeds show an effect of the size `relevant` in `POWER` of cases.

    The variance of `estimate` has a part `from_seeds`, and the rest comes from blocks. If one of
    them is small already, more of the other is enough. Without an interval, only the number of
    `resamples` can be known to be too small. The effect is that of one of several `comparisons`.

    >>> support = Support(Level.NETWORKS, seeds=1, blocks=20, need=Need())
    >>> what_would_do(support, Estimate(0, -0.1, 0.1), 0.1, confidence=0.95, resamples=1000).blocks
    41
    """
    if support.level is Level.NOTHING:
        return Need(blocks=support.need.blocks)
    z = ndtri((1 + confidence) / 2)
    variance = (estimate.half_width / z) ** 2
    if not math.isfinite(variance):
        return Need(resamples=LEAST_RESAMPLES if resamples < LEAST_RESAMPLES else None)
    target = (relevant / (z * power_factor(confidence, comparisons))) ** 2
    from_blocks = max(variance - from_seeds, 0)
    if from_seeds <= target / 2:
        times = from_blocks / (target - from_seeds)
        return Need(blocks=max(support.blocks + 1, math.ceil(times * support.blocks)))
    if from_blocks <= target / 2:
        times = from_seeds / (target - from_blocks)
        return Need(seeds=max(support.seeds + 1, math.ceil(times * support.seeds)))
    times = variance / target
    return Need(
        max(support.blocks + 1, math.ceil(times * support.blocks)),
        max(support.seeds + 1, math.ceil(times * support.seeds)),
    )


def seed_variance(row: Row, support: Support) -> float:
    """Return the part of the variance of a mean over seeds that is due to the seeds."""
    seed_sd = float(row["seed_sd"]) if support.level is Level.METHOD else 0.0
    return 0.0 if math.isnan(seed_sd) else seed_sd**2 / support.seeds


def most_of(needs: Iterable[Need]) -> Need:
    """Return what meets all of several needs.

    >>> most_of([Need(blocks=40, seeds=4), Need(blocks=60)])
    Need(blocks=60, seeds=4, resamples=None)
    """
    listed = list(needs)
    return Need(
        *(
            max((value for need in listed if (value := getattr(need, name))), default=None)
            for name in Need._fields
        )
    )


def power_factor(confidence: float, comparisons: int = 1) -> float:
    """Return the size of an effect that is found in `POWER` of the cases, in half-widths.

    Holm's correction multiplies the smallest p-value by the number of `comparisons`.

    >>> round(power_factor(0.95), 2), round(power_factor(0.95, comparisons=3), 2)
    (1.43, 1.65)
    """
    level = 1 - confidence
    half_width, needed = ndtri(1 - level / 2), ndtri(1 - level / (2 * comparisons))
    return float((needed + ndtri(POWER)) / half_width)
