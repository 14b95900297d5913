"""Scores and tests of the number of events per forecast run, by the members of one network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd
import xarray as xr

from stormcnn.sampling.members import QUANTILES
from stormcnn.verification.blocks import block_of
from stormcnn.verification.count_tests import (
    count_tests,
    coverage_interval,
    remove_bias,
    scale_to_total,
)
from stormcnn.verification.counts import (
    CountForecast,
    count_forecast_of_independent_storms,
    count_forecast_of_members,
    count_scores,
    ranks_among_members,
)
from stormcnn.verification.resampling import Resamples
from stormcnn.verification.sampled_storms import SampledStorms
from stormcnn.vocabulary import MC_MEAN, SINGLE, Array, BlockSize

T = TypeVar("T")


class JudgedCounts(NamedTuple):
    """Scores of event counts by forecast and name (rows,), and what `count_table` needs.

    `ends` are the intervals, by forecast and name, that do not come from resamples.
    """

    scores: dict[str, dict[str, Array]]
    ends: dict[str, dict[str, tuple[float, float]]]
    single: CountForecast
    true_count: Array


def judge_counts(
    counts: xr.Dataset,
    storms: SampledStorms,
    run_date: Array,
    rows: Resamples,
    block: BlockSize,
    confidence: float,
) -> JudgedCounts:
    """Judge the event counts of the members and of the network without dropout.

    `counts` are in the order of their run dates, `run_date` (storms,) are those of the storms. The
    runs of a block (`blocks.block_of`) are resampled together, as in `rows`.
    """
    _, run = np.unique(run_date, return_inverse=True)
    block_of_run = np.searchsorted(rows.blocks, block_of(counts["run_date"].to_numpy(), block))
    weights = rows.weights[:, block_of_run]
    observed = counts["observed"].to_numpy()
    count, expected = counts["count"].to_numpy(), counts["expected"].to_numpy()

    scaled = remove_bias(count, expected, observed, np.bincount(run))
    lower, upper = ranks_among_members(scaled, observed)
    if storms.members == 1:
        lower = upper = np.full(observed.size, np.nan)
    scaled = scale_to_total(storms.without_dropout, observed)
    unbiased = count_forecast_of_independent_storms(scaled, run, observed)
    single = count_forecast_of_independent_storms(storms.without_dropout, run, observed)
    forecasts = {
        MC_MEAN: (count_forecast_of_members(count, observed), (lower, upper)),
        SINGLE: (single, (unbiased.lower, unbiased.upper)),
    }
    scores, ends = {}, {}
    for name, (forecast, without_bias) in forecasts.items():
        tests = count_tests(
            forecast.mean - observed, without_bias, block_of_run, weights, confidence
        )
        scores[name] = _of_counts(count_scores(forecast, observed, weights) | tests.scores)
        ends[name] = _of_counts(tests.ends)
    true_count = np.full(observed.size, np.nan)
    if storms.truth is not None:
        true_count = np.bincount(run, storms.truth)
        forecast = count_forecast_of_members(expected, true_count)
        of_truth = _of_counts(count_scores(forecast, true_count, weights))
        scores[MC_MEAN] |= {f"{name}_truth": values for name, values in of_truth.items()}
    if rows.blocks.size > 1:
        for name, of_forecast in scores.items():
            ends[name] |= {
                score: coverage_interval(values[0], rows.blocks.size, confidence)
                for score, values in of_forecast.items()
                if score.startswith("count_coverage_")
            }
    return JudgedCounts(scores, ends, single, true_count)


def _of_counts(values: Mapping[str, T]) -> dict[str, T]:
    """Return the values with the names that they have among all scores."""
    return {f"count_{name}": value for name, value in values.items()}


def count_table(
    counts: xr.Dataset, judged: JudgedCounts, identity: Mapping[str, Any]
) -> pd.DataFrame:
    """Return forecast and observed numbers of events, with one row per run date.

    Quantiles are chosen such that an observation from the same distribution as the members is
    below them with the stated probability (Weibull's plotting position).
    """
    quantiles = np.quantile(counts["count"].to_numpy(), QUANTILES, axis=1, method="weibull")
    return pd.DataFrame(
        {
            **identity,
            "run_date": np.datetime_as_string(counts["run_date"].to_numpy(), unit="m"),
            "observed": counts["observed"].to_numpy(),
            "mean": counts["expected"].to_numpy().mean(axis=1, dtype=np.float64),
            **{
                f"q{100 * level:02.0f}": quantile
                for level, quantile in zip(QUANTILES, quantiles, strict=True)
            },
            "deterministic": judged.single.mean,
            "truth": judged.true_count,
        }
    )
