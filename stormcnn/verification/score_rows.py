"""Scores of one forecast, or of one network on average over seeds, and their rows in tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stormcnn.verification.block_tests import calibration_sums, t_test
from stormcnn.verification.multi_bootstrap import Spread, multi_bootstrap
from stormcnn.verification.resampling import (
    Resamples,
    p_value,
    reflect,
    rescale,
    widened_interval,
)
from stormcnn.verification.score_registry import SCORES
from stormcnn.verification.storm_totals import ForecastByBlock
from stormcnn.vocabulary import LEAST_SEEDS, Array

P_VALUES = {
    "calibration_intercept": "calibration_bias",
    "calibration_slope": "calibration_slope",
}
"""Scores that are followed by the p-value of a t test, and the terms whose sums it takes."""


@dataclass(frozen=True)
class Scored:
    """Scores of one forecast, their resamples, and sums for tests."""

    values: dict[str, float]
    """Each score by name."""
    samples: dict[str, Array]
    """Its resamples (resamples,) from the blocks."""
    sums: dict[str, Array]
    """Sums (blocks,) of losses and of `block_tests.calibration_sums`, by name."""
    blocks: int
    """Number of blocks."""
    by_seed: dict[str, Array] = field(default_factory=dict)
    """If this is a mean over seeds, the values of the seeds (seeds,)."""
    seeds: tuple[str, ...] = ()
    """The seeds of this mean."""
    drawn: Array = field(default_factory=lambda: np.empty((0, 0), np.int64))
    """The draws of seeds (resamples, seeds), see `multi_bootstrap.draw_seeds`."""
    seedless: bool = False
    """Whether the model has no seeds, so that fitting it again gives the same scores."""

    @property
    def of_method(self) -> bool:
        """Whether the variance due to seeds is known: from enough of them, or because it is 0."""
        return self.seedless or len(self.seeds) >= LEAST_SEEDS

    def groups_of_seeds(self, score: str) -> list[tuple[Array, Array]]:
        """Return the values of the seeds and their draws if their variance is to be added."""
        enough = len(self.seeds) >= LEAST_SEEDS
        return [(self.by_seed[score], self.drawn)] if enough else []


def score_forecast(
    by_block: ForecastByBlock, probability: Array, event: Array, draws: Resamples
) -> Scored:
    """Score one forecast: `probability` and `event` (storms,), and these summed by block."""
    sums = calibration_sums(probability, event, draws.block, draws.blocks.size)
    sums |= {name: by_block.sums_by_block(name) for name in ("squared_error", "log_loss")}
    return Scored(by_block.values(), by_block.scores(draws.weights), sums, blocks=draws.blocks.size)


def undefined(resamples: int, blocks: int) -> Scored:
    """Return scores that are all missing."""
    names = [name for name, score in SCORES.items() if score.function]
    return Scored(
        dict.fromkeys(names, np.nan),
        dict.fromkeys(names, np.full(resamples, np.nan)),
        dict.fromkeys(P_VALUES.values(), np.full(blocks, np.nan)),
        blocks,
    )


def average(parts: Sequence[Scored], seeds: tuple[str, ...], drawn: Array) -> Scored:
    """Average the scores of several networks, with the draws of their seeds (resamples, seeds)."""
    first = parts[0]
    by_seed = {score: np.array([part.values[score] for part in parts]) for score in first.values}
    return Scored(
        {score: float(values.mean()) for score, values in by_seed.items()},
        {s: np.mean([part.samples[s] for part in parts], axis=0) for s in first.samples},
        {s: np.mean([part.sums[s] for part in parts], axis=0) for s in first.sums},
        first.blocks,
        by_seed,
        seeds,
        drawn,
    )


def spread_of(scored: Scored, score: str) -> Spread:
    """Return the resamples of a score, which include those of seeds if these are at least three."""
    value, samples = scored.values[score], scored.samples[score]
    if SCORES[score].departure:
        samples = reflect(value, samples)
    return multi_bootstrap(value, samples, scored.blocks, scored.groups_of_seeds(score))


def score_rows(scored: Scored, confidence: float) -> list[dict[str, Any]]:
    """Return the columns score, value, low, high, seed_sd and block_sd, one row per score.

    `block_sd` is the standard deviation due to the choice of blocks, `seed_sd` that between
    networks of different seeds.
    """
    rows: list[dict[str, Any]] = []
    ends = _intervals(scored, confidence)
    for score, value in scored.values.items():
        samples = scored.samples[score]
        block_sd = np.nan
        if scored.blocks > 1 and samples.size:
            block_sd = _standard_deviation(rescale(value, samples, scored.blocks))
        low, high = np.clip(ends[score], *SCORES[score].bounds).tolist()
        between = scored.by_seed.get(score, np.empty(0))
        seed_sd = float(between.std(ddof=1)) if between.size > 1 else np.nan
        rows.append(_row(score, value, low, high, seed_sd, block_sd))
        if score == "spiegelhalter_z":
            p = p_value(value, samples, scored.blocks)
            rows.append(_row("spiegelhalter_p_value", p))
        elif score in P_VALUES:
            term = P_VALUES[score]
            rows.append(_row(f"{term}_p_value", t_test(scored.sums[term])))
    return rows


def _row(
    score: str,
    value: float,
    low: float = np.nan,
    high: float = np.nan,
    seed_sd: float = np.nan,
    block_sd: float = np.nan,
) -> dict[str, Any]:
    return {
        "score": score,
        "value": value,
        "low": low,
        "high": high,
        "seed_sd": seed_sd,
        "block_sd": block_sd,
    }


def _intervals(scored: Scored, confidence: float) -> dict[str, Array]:
    """Return both ends of the interval of each score (2,), which are NaN with a single block."""
    if scored.blocks < 2:
        return {score: np.full(2, np.nan) for score in scored.values}
    spreads = [spread_of(scored, score) for score in scored.values]
    ends = widened_interval(
        np.array(list(scored.values.values())),
        np.stack([spread.samples for spread in spreads], axis=1),
        np.array([spread.degrees_of_freedom for spread in spreads]),
        confidence,
    )
    return dict(zip(scored.values, np.stack(ends, axis=1), strict=True))


def _standard_deviation(samples: Array) -> float:
    """Return the standard deviation of the defined samples, NaN with fewer than two."""
    defined = samples[~np.isnan(samples)]
    return float(defined.std(ddof=1)) if defined.size > 1 else float("nan")
