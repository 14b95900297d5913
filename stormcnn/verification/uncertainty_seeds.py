"""Scores of Monte Carlo members on average over the networks of several seeds.

They are about the method: with at least `LEAST_SEEDS` seeds, intervals and p-values hold for
networks that are trained with other seeds, too (`multi_bootstrap`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from stormcnn.verification.count_tests import coverage_interval
from stormcnn.verification.multi_bootstrap import Spread, draw_seeds, multi_bootstrap
from stormcnn.verification.resampling import reflect, widened_interval
from stormcnn.verification.score_registry import score_text
from stormcnn.verification.uncertainty import SCORE_COLUMNS, ScoredMembers, block_deviation
from stormcnn.vocabulary import LEAST_BLOCKS, LEAST_SEEDS, OVER_SEEDS, Array

TESTED = {
    "count_bias_p_value": ("count_bias", 0.0),
    "count_width_p_value": ("count_pit_variance", 1 / 12),
}
"""For each p-value, the score that it is about, and the score's value under the hypothesis."""


def average_over_seeds(
    networks: Sequence[ScoredMembers], model: str, confidence: float
) -> pd.DataFrame:
    """Return the rows with seed `OVER_SEEDS` of the table of scores.

    `networks` are two or more of one model, scored on the same resamples. `seed_sd` is the standard
    deviation of a score between them. p-values are those of the mean, and missing with fewer than
    `LEAST_SEEDS` seeds or `LEAST_BLOCKS` blocks.
    """
    size = networks[0].size
    rows = []
    for forecast, scores in networks[0].scores.items():
        rows_of = {
            score: np.stack([network.scores[forecast][score] for network in networks])
            for score in scores
        }
        rows += [
            {"forecast": forecast, "score": score}
            | _mean_of(score, rows_of, model, size["blocks"], confidence)
            for score in rows_of
        ]
    table = pd.DataFrame(rows)
    identity = {"model": model, "seed": OVER_SEEDS, "period": "test", "stratum": "all"}
    return table.assign(**identity, **size)[SCORE_COLUMNS]


def _mean_of(
    score: str, rows_of: dict[str, Array], model: str, blocks: int, confidence: float
) -> dict[str, Any]:
    """Return the columns `value` to `block_sd` of one score.

    `rows_of` has, for each score, the values of each seed and of its resamples (seeds, rows).
    """
    if score in TESTED:
        tested, expectation = TESTED[score]
        p = float("nan")
        if len(rows_of[tested]) >= LEAST_SEEDS and blocks >= LEAST_BLOCKS:
            value = float(rows_of[tested][:, 0].mean())
            spread = _spread_of(tested, rows_of[tested], model, blocks)
            p = _p_value(value - expectation, spread)
        return {"value": p} | dict.fromkeys(("low", "high", "seed_sd", "block_sd"), np.nan)
    values = rows_of[score]
    value = float(values[:, 0].mean())
    low = high = float("nan")
    if blocks > 1:
        spread = _spread_of(score, values, model, blocks)
        low, high = (float(end) for end in widened_interval(value, *spread, confidence))
    if score.startswith("count_coverage_") and np.isfinite([value, low]).all():
        # Resamples of a coverage near 1 are all near 1.
        ends = coverage_interval(value, blocks, confidence)
        low, high = min(low, ends[0]), max(high, ends[1])
    if score_text(score).departure:
        low, high = max(low, 0.0), max(high, 0.0)
    mean = values.mean(axis=0)
    return {
        "value": value,
        "low": low,
        "high": high,
        "seed_sd": float(values[:, 0].std(ddof=1)),
        "block_sd": float(block_deviation(mean[0], mean[1:], blocks)),
    }


def _spread_of(score: str, rows: Array, model: str, blocks: int) -> Spread:
    """Return the resamples of the mean over seeds, given those of each seed (seeds, rows)."""
    by_seed, samples = rows[:, 0], rows[:, 1:].mean(axis=0)
    value = float(by_seed.mean())
    if score_text(score).departure:
        samples = reflect(value, samples)
    drawn = draw_seeds(model, len(rows), samples.size, 0)
    return multi_bootstrap(
        value, samples, blocks, [(by_seed, drawn)] if len(rows) >= LEAST_SEEDS else []
    )


def _p_value(departure: float, spread: Spread) -> float:
    """Return the p-value of a departure by the t distribution, NaN if it has no spread."""
    deviation = float(spread.samples.std())
    if not deviation > 0:
        return float("nan")
    return float(2 * stats.t.sf(abs(departure) / deviation, spread.degrees_of_freedom))
