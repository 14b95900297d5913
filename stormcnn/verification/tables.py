"""Verification of all forecasts of one period: tidy tables of scores, differences and curves."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from stormcnn.errors import UserError
from stormcnn.verification.curves import CURVES
from stormcnn.verification.differences import difference_table, pair_averages, pair_forecasts
from stormcnn.verification.forecasts import (
    Forecast,
    Predictions,
    average_over_seeds,
    read_forecasts,
)
from stormcnn.verification.resampling import interval, p_value, reflect, resample_blocks
from stormcnn.verification.score_registry import SCORES
from stormcnn.verification.storm_totals import ForecastByBlock
from stormcnn.verification.strata import strata
from stormcnn.vocabulary import (
    LEAST_EVENTS,
    MC_MEAN,
    OWN_SCALING,
    RECALIBRATIONS,
    SINGLE,
    VARIANTS,
    Array,
)

logger = logging.getLogger(__name__)


class Tables(NamedTuple):
    """The tables of a verification, with one observation per row."""

    scores: pd.DataFrame
    differences: pd.DataFrame
    roc: pd.DataFrame
    reliability: pd.DataFrame
    performance: pd.DataFrame
    thresholds: pd.DataFrame


def verify(
    predictions: Predictions,
    *,
    reference: str,
    training_climatology: float,
    monte_carlo: Predictions | None = None,
    recalibrated: Predictions | None = None,
    own_scaling: Predictions | None = None,
    matched: Mapping[str, str] | None = None,
    period: str = "test",
    curves: bool = True,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Tables:
    """Score every forecast of one period's storms and compare each model with `reference`.

    Parameters
    ----------
    predictions
        For each model and seed, arrays (storms,) by name: `probability` in [0, 1], `label` (1 for
        an event, else 0), `run_date`, `valid_time`, `forecast_hour` in hours, `longitude` and
        `latitude` in degrees. A dataset, a data frame or a dict.
    reference
        Model that the others are compared with.
    training_climatology
        Event frequency of the training period.
    monte_carlo, recalibrated, own_scaling
        For some of the models, with the same coordinates: `mc_mean`; `probability_isotonic` and
        `probability_logistic`; `probability` with predictors scaled by the period's own statistics.
    matched
        For some of the models, another model that they are compared with in addition to the
        reference.
    period
        Value of the column `period`.
    curves
        Whether to compute the last four tables, which takes as long as the scores. Otherwise they
        are empty.
    resamples, confidence, seed
        Number of resamples of the run dates, confidence of the intervals, and seed of the draws.

    Returns
    -------
    Tables
        - scores: each function of `score_registry.SCORES`, for all storms and by the strata of
          `strata.strata`; values are missing in strata with fewer than `LEAST_EVENTS` events.
          `spiegelhalter_p_value` is the p-value of `spiegelhalter_z` being 0.
        - differences: model minus reference, see `differences.pair_forecasts`. `p_holm` is
          corrected over the rows of one forecast, seed and score. `p_delong_independent_storms`
          exists for AUC only and assumes independent storms, which storms of one forecast run are
          not.
        - roc, reliability, performance, thresholds: see the module `curves`.

        A model with several seeds has two more forecasts: with seed `all`, the mean probability
        over the seeds; with seed `mean`, the mean over the seeds of the scores and differences of
        single networks.

    Raises `UserError` if models forecast different storms, a probability is missing, or
    `reference` is not among the models.

    >>> storms = {"label": [1, 0, 0], "run_date": ["1 May", "1 May", "2 May"]}
    >>> storms |= {"valid_time": np.full(3, "2015-05-01T20", "datetime64[h]")}
    >>> storms |= {"forecast_hour": [20] * 3, "longitude": [-97] * 3, "latitude": [35] * 3}
    >>> tables = verify(
    ...     {("baseline", 0): storms | {"probability": [0.8, 0.3, 0.1]}},
    ...     reference="baseline",
    ...     training_climatology=0.2,
    ... )
    >>> tables.scores.query("stratum == 'all'").set_index("score")["value"]["brier_score"].round(4)
    np.float64(0.0467)
    """
    sources = (
        (SINGLE, "probability", predictions),
        (MC_MEAN, "mc_mean", monte_carlo or {}),
        *((method, f"probability_{method}", recalibrated or {}) for method in RECALIBRATIONS),
        (OWN_SCALING, "probability", own_scaling or {}),
    )
    forecasts, storms = read_forecasts(sources)
    models = sorted({forecast.model for forecast in forecasts})
    if reference not in models:
        raise UserError(
            f"comparison.reference: {reference} is not among the verified models "
            f"({', '.join(models)}). Set it to one of them."
        )
    event, run_date = storms["label"], storms["run_date"]
    _log_what_is_undefined(event, run_date, period)

    draws = resample_blocks(run_date, _possible(resamples, run_date), seed)
    values: dict[Forecast, dict[str, float]] = {}
    samples: dict[Forecast, dict[str, Array]] = {}
    scores: list[pd.DataFrame] = []
    curve_tables: dict[str, list[pd.DataFrame]] = {name: [] for name in CURVES}
    for forecast, probability in forecasts.items():
        by_block = ForecastByBlock(probability, event, draws.block, training_climatology)
        values[forecast] = by_block.values()
        samples[forecast] = by_block.scores(draws.weights)
        table = _score_rows(values[forecast], samples[forecast], confidence, draws.blocks.size)
        scores.append(_describe_stratum(forecast, period, "all", table, storms))
        for name, curve in CURVES.items() if curves else ():
            table = curve(probability, event, by_block, draws, confidence)
            curve_tables[name].append(pd.DataFrame({**forecast.columns(), **table}))
    averages = average_over_seeds(forecasts)
    for average, parts in averages.items():
        values[average] = {
            score: float(np.mean([values[part][score] for part in parts]))
            for score in values[parts[0]]
        }
        samples[average] = {
            score: np.mean([samples[part][score] for part in parts], axis=0)
            for score in samples[parts[0]]
        }
        table = _score_rows(values[average], samples[average], confidence, draws.blocks.size)
        scores.append(_describe_stratum(average, period, "all", table, storms))

    for stratum, inside in strata(storms):
        part = {name: array[inside] for name, array in storms.items()}
        few = part["label"].sum() < LEAST_EVENTS
        possible = 0 if few else _possible(resamples, part["run_date"])
        draws = resample_blocks(part["run_date"], possible, seed)
        for forecast, probability in forecasts.items():
            if forecast.kind in VARIANTS:
                continue
            by_block = ForecastByBlock(
                probability[inside], part["label"], draws.block, training_climatology
            )
            value = dict.fromkeys(values[forecast], np.nan) if few else by_block.values()
            table = _score_rows(
                value, by_block.scores(draws.weights), confidence, draws.blocks.size
            )
            scores.append(_describe_stratum(forecast, period, stratum, table, part))

    tables = {
        name: pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        for name, parts in curve_tables.items()
    }
    pairs = pair_forecasts(forecasts, reference, matched or {})
    pairs += pair_averages(averages, forecasts, reference, matched or {})
    differences = difference_table(
        pairs, values, samples, forecasts, event, period, confidence, draws.blocks.size
    )
    return Tables(pd.concat(scores, ignore_index=True), differences, **tables)


def _possible(resamples: int, run_date: Array) -> int:
    """Return the number of resamples: 0 for a single run date, whose resamples are all equal."""
    return resamples if np.unique(run_date).size > 1 else 0


def _log_what_is_undefined(event: Array, run_date: Array, period: str) -> None:
    """Log why the tables lack scores or intervals."""
    if event.min() == event.max():
        logger.warning(
            "%s of the %d storms of the %s period is an event, so scores that need both events "
            "and other storms (AUC, Brier skill, ...) have no value.",
            "Each" if event.min() else "None",
            event.size,
            period,
        )
    dates = np.unique(run_date)
    if dates.size == 1:
        logger.warning(
            "All storms of the %s period have the same run date (%s), so there are no intervals "
            "and p-values: these are computed by resampling run dates.",
            period,
            dates[0],
        )


def _describe_stratum(
    forecast: Forecast,
    period: str,
    stratum: str,
    table: pd.DataFrame,
    storms: Mapping[str, Array],
) -> pd.DataFrame:
    """Add the forecast, the stratum and the size of the sample to a table of scores."""
    return pd.DataFrame(
        {
            **forecast.columns(),
            "period": period,
            "stratum": stratum,
            **table,
            "storms": storms["label"].size,
            "events": int(storms["label"].sum()),
            "runs": np.unique(storms["run_date"]).size,
        }
    )


def _score_rows(
    values: Mapping[str, float], samples: Mapping[str, Array], confidence: float, blocks: int
) -> pd.DataFrame:
    """Return the columns score, value, low and high from values and resamples (resamples,)."""
    rows = []
    for score, value in values.items():
        if SCORES[score].departure:
            ends = interval(value, reflect(value, samples[score]), confidence, blocks)
            low, high = np.maximum(ends, 0)
        else:
            low, high = interval(value, samples[score], confidence, blocks)
        rows.append((score, value, float(low), float(high)))
        if score == "spiegelhalter_z":
            rows.append(
                ("spiegelhalter_p_value", p_value(value, samples[score], blocks), np.nan, np.nan)
            )
    return pd.DataFrame(rows, columns=["score", "value", "low", "high"])
