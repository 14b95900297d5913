"""Summarize what a network got and forecast in each run, so that later runs can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import logit

from stormcnn.vocabulary import Array

if TYPE_CHECKING:
    from stormcnn.models.fields import Fields

PERCENTILES = (1, *range(5, 100, 5), 99)
"""Percentiles of each distribution. The distance between distributions is computed from them."""

LOG_ODDS = np.arange(-10, 10.01, 0.25)
"""Centers of the bins in which the storms of a run are counted by their log odds."""

Ranges = Mapping[str, tuple[float, float]]
"""Smallest and largest value of each predictor in the training period."""


def quantile_columns(name: str) -> list[str]:
    """Return the columns of the quantiles of a predictor, or of `probability`."""
    return [f"{name}_q{percentile:02d}" for percentile in PERCENTILES]


def bin_columns(kind: str) -> list[str]:
    """Return the columns with the number of `storms` or `events` in each bin of log odds."""
    return [f"{kind}_bin_{index:02d}" for index in range(LOG_ODDS.size)]


def summarize_runs(
    run_date: Array,
    probability: Array,
    event: Array,
    fields: Fields,
    predictors: Sequence[str],
    ranges: Ranges,
) -> pd.DataFrame:
    """Return one row per run date.

    `run_date`, `probability` and `event` (0 or 1) have shape (storm,), `fields` has shape (storm,
    y, x, variable) with the variables `predictors`. Columns: `run_date` (ISO 8601), `storms`,
    `events`, `probability` (mean), `brier_score`; of each predictor the quantiles of its grid
    points and the share of grid points outside of its range (`<predictor>_outside`); the quantiles
    of the probability; and storms and events by bin of log odds.
    """
    dates, index = np.unique(np.asarray(run_date, "datetime64[m]"), return_inverse=True)
    rows = []
    for number, date in enumerate(dates.astype(str)):
        storms = np.flatnonzero(index == number)
        p, y = probability[storms].astype(np.float64), event[storms].astype(np.float64)
        row: dict[str, Any] = {
            "run_date": date,
            "storms": storms.size,
            "events": int(y.sum()),
            "probability": p.mean(),
            "brier_score": np.mean((p - y) ** 2),
        }
        for name, values in zip(predictors, _of_run(fields, storms), strict=True):
            low, high = ranges[name]
            row |= _quantiles(name, values)
            row[f"{name}_outside"] = np.mean((values < low) | (values > high))
        rows.append(row | _quantiles("probability", p) | count_by_log_odds(p, y))
    return pd.DataFrame(rows)


def _of_run(fields: Fields, storms: Array) -> list[Array]:
    """Return the grid points of each variable in the storms with these indices."""
    first, last = int(storms[0]), int(storms[-1]) + 1
    values = np.asarray(fields[first:last])[storms - first]
    return list(values.reshape(-1, values.shape[-1]).T)


def _quantiles(name: str, values: Array) -> dict[str, float]:
    levels = np.array(PERCENTILES) / 100
    return dict(zip(quantile_columns(name), np.quantile(values, levels).tolist(), strict=True))


def count_by_log_odds(p: Array, y: Array) -> dict[str, int]:
    """Return the number of storms and of events in each bin, by column."""
    step = LOG_ODDS[1] - LOG_ODDS[0]
    with np.errstate(divide="ignore"):
        bins = np.clip(np.rint((logit(p) - LOG_ODDS[0]) / step), 0, LOG_ODDS.size - 1).astype(int)
    counts: dict[str, int] = {}
    for kind, weight in (("storms", None), ("events", y)):
        numbers = np.bincount(bins, weight, minlength=LOG_ODDS.size).astype(int)
        counts |= dict(zip(bin_columns(kind), numbers.tolist(), strict=True))
    return counts
