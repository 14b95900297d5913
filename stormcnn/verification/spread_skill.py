"""Spread-skill diagrams: the error of the members' mean in bins of spread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stormcnn.verification.binning import bins_of_equal_count, sums_in_bins
from stormcnn.verification.resampling import Resamples, interval
from stormcnn.verification.sampled_storms import SampledStorms
from stormcnn.verification.scores import ratio
from stormcnn.vocabulary import Array

SPREAD_BINS = 10
"""Bins of equal count in a diagram; fewer if many storms have the same spread."""


class SpreadSkill(NamedTuple):
    """A spread-skill diagram for the storms (first row) and their resamples (other rows).

    Arrays have the shape (rows, bins), the reliabilities (rows,). Spread and errors are root mean
    squares.
    """

    storms: Array
    spread: Array
    error: Array
    error_truth: Array
    mean: Array
    frequency: Array
    reliability: Array
    reliability_truth: Array


def spread_skill_diagrams(storms: SampledStorms, resamples: Resamples) -> dict[str, SpreadSkill]:
    """Return the diagrams of the members' spread (`epistemic`) and of sqrt(p(1 - p)) (`total`).

    The first is left out if there is a single member.
    Sources: Delle Monache et al. (2013), Haynes et al. (2023).
    """
    q = storms.truth
    # The second part is what the randomness of the event adds to the squared distance between
    # forecast and true probability.
    kinds = {
        "epistemic": (storms.std**2 * storms.member_factor, 0.0),
        "total": (storms.variance.total, 0.0 if q is None else q * (1 - q)),
    }
    return {
        kind: _diagram(storms, variance, noise, resamples)
        for kind, (variance, noise) in kinds.items()
        if not np.isnan(variance).any()
    }


def _diagram(
    storms: SampledStorms, variance: Array, noise: Array | float, resamples: Resamples
) -> SpreadSkill:
    """Return the diagram of the spread whose square is `variance` (storms,)."""
    p, y = storms.mean, storms.event
    terms = [np.ones_like(p), variance, (p - y) ** 2, p, y]
    if storms.truth is not None:
        terms.append((p - storms.truth) ** 2 + noise)
    bins = bins_of_equal_count(np.sqrt(variance), SPREAD_BINS)
    count, *sums = (sums_in_bins(term, bins, resamples) for term in terms)
    spread, error, mean, frequency, *rest = (ratio(total, count) for total in sums)
    spread, error = np.sqrt(spread), np.sqrt(error)
    error_truth = np.sqrt(rest[0]) if rest else np.full_like(error, np.nan)
    share = count / count.sum(axis=1, keepdims=True)

    def departure(error: Array) -> Array:
        return np.where(count > 0, share * np.abs(error - spread), 0).sum(axis=1)

    return SpreadSkill(
        count, spread, error, error_truth, mean, frequency, departure(error), departure(error_truth)
    )


def spread_skill_scores(diagrams: Mapping[str, SpreadSkill], with_truth: bool) -> dict[str, Array]:
    """Return the reliability of each diagram (rows,): the mean distance of error and spread.

    Bins are weighted by their storms; 0 is perfect. NaN for the members' spread if there is a
    single member. Source: Haynes et al. (2023).
    """
    scores = {}
    undefined = np.full_like(diagrams["total"].reliability, np.nan)
    for kind, prefix in (("epistemic", ""), ("total", "total_")):
        diagram = diagrams.get(kind)
        name = f"{prefix}spread_skill_reliability"
        scores[name] = diagram.reliability if diagram else undefined
        if with_truth:
            scores[f"{name}_truth"] = diagram.reliability_truth if diagram else undefined
    return scores


def spread_skill_table(
    diagrams: Mapping[str, SpreadSkill],
    identity: Mapping[str, Any],
    confidence: float,
    blocks: int,
) -> pd.DataFrame:
    """Return the diagrams as a table with one row per bin; `identity` gives its first columns.

    `blocks` is the number of blocks that the resamples were drawn from.
    """
    parts = []
    for kind, diagram in diagrams.items():
        low, high = interval(diagram.error[0], diagram.error[1:], confidence, blocks)
        parts.append(
            pd.DataFrame(
                {
                    **identity,
                    "kind": kind,
                    "bin": np.arange(diagram.error.shape[1]),
                    "spread": diagram.spread[0],
                    "error": diagram.error[0],
                    "low": low,
                    "high": high,
                    "storms": diagram.storms[0].astype(int),
                    "forecast_mean": diagram.mean[0],
                    "observed_frequency": diagram.frequency[0],
                    "error_truth": diagram.error_truth[0],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
