"""Means over seeds and storms, with intervals that hold for other seeds and blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stormcnn.verification.multi_bootstrap import Spread, draw_seeds, multi_bootstrap
from stormcnn.verification.resampling import Resamples, widened_interval
from stormcnn.verification.scores import ratio
from stormcnn.vocabulary import LEAST_SEEDS

if TYPE_CHECKING:
    from stormcnn.vocabulary import Array


class Mean(NamedTuple):
    """A mean and its interval, NaN if undefined."""

    value: float
    low: float
    high: float


def spread_over_seeds(values: Array, samples: Array, blocks: int, drawn: Array) -> Spread | None:
    """Return resamples of the mean of the `values` of the seeds (seeds,); None with one block.

    `samples` (resamples,) are those of the mean from that many `blocks`, and `drawn` those of
    `draw_seeds`. With fewer than three seeds, only blocks are resampled.
    """
    if blocks < 2:
        return None
    seeds = [(values, drawn)] if values.size >= LEAST_SEEDS else []
    return multi_bootstrap(float(values.mean()), samples, blocks, seeds)


def mean_over_storms(name: str, values: Array, draws: Resamples, confidence: float) -> Mean:
    """Return the mean of `values` (seed, storm), without those that are NaN, with its interval.

    `name` identifies the model, see `draw_seeds`.
    """
    blocks = draws.blocks.size
    known = ~np.isnan(values)
    sums, counts = (
        np.stack([np.bincount(draws.block, row, blocks) for row in part])
        for part in (np.where(known, values, 0), known.astype(np.float64))
    )
    by_seed = ratio(sums.sum(axis=1), counts.sum(axis=1))
    mean = float(by_seed.mean())
    samples = ratio(draws.weights @ sums.T, draws.weights @ counts.T).mean(axis=1)
    used = int(np.count_nonzero(counts.sum(axis=0)))
    drawn = draw_seeds(name, len(values), len(samples), seed=0)
    spread = spread_over_seeds(by_seed, samples, used, drawn)
    if spread is None or np.isnan(mean):
        return Mean(mean, np.nan, np.nan)
    low, high = widened_interval(mean, spread.samples, spread.degrees_of_freedom, confidence)
    return Mean(mean, float(low), float(high))
