"""Verification of all forecasts of one period: tidy tables of scores, differences and curves."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stormcnn.errors import UserError
from stormcnn.verification.blocks import block_of
from stormcnn.verification.curves import CURVES
from stormcnn.verification.differences import difference_table, pair_averages, pair_forecasts
from stormcnn.verification.forecasts import (
    Forecast,
    Predictions,
    average_over_seeds,
    read_forecasts,
)
from stormcnn.verification.multi_bootstrap import draw_seeds
from stormcnn.verification.resampling import Resamples, resample_blocks, resamples_needed
from stormcnn.verification.score_rows import (
    Scored,
    average,
    score_forecast,
    score_rows,
    undefined,
)
from stormcnn.verification.storm_totals import ForecastByBlock
from stormcnn.verification.strata import strata
from stormcnn.vocabulary import (
    LEAST_BLOCKS,
    LEAST_EVENTS,
    MC_MEAN,
    OWN_SCALING,
    RECALIBRATIONS,
    SEEDLESS,
    SINGLE,
    US_REGIONS,
    VARIANTS,
    Array,
    BlockSize,
    Box,
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
    stratify: bool = True,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    block: BlockSize = "day",
    regions: Mapping[str, Box] = US_REGIONS,
    threads: int = 1,
) -> Tables:
    """Score every forecast of one period's storms and compare each model with `reference`.

    Parameters
    ----------
    predictions
        For each model and seed, arrays (storms,) by name: `probability` in [0, 1], `label` (1 for
        an event, else 0), `run_date`, `valid_time`, `forecast_hour` in hours, `longitude` and
        `latitude` in degrees. Without one of the last four, the strata that need it are left out.
        A dataset, a data frame or a dict.
    reference
        Network that the others are compared with. Each network is also compared with each of
        `vocabulary.OPPONENTS` that is among the models.
    training_climatology
        Event frequency of the training period.
    monte_carlo, recalibrated, own_scaling
        For some of the models, with the same coordinates: `mc_mean`; any of
        `probability_<method>` for the methods `vocabulary.RECALIBRATIONS`; `probability` with
        predictors scaled by the period's own statistics.
    matched
        For some of the models, another model that they are compared with in addition to the
        reference.
    period
        Value of the column `period`.
    curves
        Whether to compute the last four tables, which takes as long as the scores. Otherwise they
        are empty.
    stratify
        Whether to score strata of the storms as well.
    resamples, confidence, seed
        Number of resamples of the blocks, confidence of the intervals, and seed of the draws.
    block
        What is resampled as a whole: forecast runs of one `day` (UTC), of a number of consecutive
        days, or each `run`. Except for `run`, `run_date` must be a date, see `blocks.block_of`.
    regions
        Boxes in degrees by name, see `strata.strata`.
    threads
        Number of forecasts that are scored in parallel. The results do not depend on it.

    Returns
    -------
    Tables
        - scores: each function of `score_registry.SCORES`, for all storms and by the strata of
          `strata.strata`; values are missing in strata with fewer than `LEAST_EVENTS` events.
          `spiegelhalter_p_value` is the p-value of `spiegelhalter_z` being 0;
          `calibration_bias_p_value` and `calibration_slope_p_value` are those of the calibration
          intercept being 0 and the slope being 1. `block_sd` and `seed_sd` split the uncertainty,
          see `score_rows.score_rows`.
        - differences: model minus reference, see `differences.difference_table`.
          `p_delong_independent_storms` exists for AUC only and assumes independent storms, which
          storms of one forecast run are not.
        - roc, reliability, performance, thresholds: see the module `curves`.

        A model with several seeds has two more forecasts: with seed `all`, the mean probability
        over the seeds; with seed `mean`, the mean over the seeds of the scores and differences of
        single networks. With at least `LEAST_SEEDS` seeds the intervals of the latter include the
        choice of seeds (`multi_bootstrap`).

    Raises `UserError` if models forecast different storms, a probability is missing, or
    `reference` is not among the models.

    >>> storms = {"label": [1, 0, 0], "run_date": ["2015-05-01", "2015-05-01", "2015-05-02"]}
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
        *(_recalibrated_by(method, recalibrated or {}) for method in RECALIBRATIONS),
        (OWN_SCALING, "probability", own_scaling or {}),
    )
    forecasts, storms = read_forecasts(sources)
    models = sorted({forecast.model for forecast in forecasts})
    if reference not in models:
        raise UserError(
            f"comparison.reference: {reference} is not among the verified models "
            f"({', '.join(models)}). Set it to one of them."
        )
    event, labels = storms["label"], block_of(storms["run_date"], block)
    draws = resample_blocks(labels, resamples, seed)
    size = _size_of(storms, draws)
    _log_what_is_undefined(event, draws, period, confidence)

    scores: list[dict[str, Any]] = []
    with ThreadPoolExecutor(threads) as pool:
        score = partial(score_forecast, training_climatology=training_climatology)
        shared = repeat(event), repeat(draws)
        scored = dict(zip(forecasts, pool.map(score, forecasts.values(), *shared), strict=True))
        scored |= {
            forecast: replace(own, seedless=True)
            for forecast, own in scored.items()
            if forecast.model in SEEDLESS
        }
        averages = average_over_seeds(forecasts)
        drawn = {
            mean: draw_seeds(mean.model, len(parts), resamples, seed)
            for mean, parts in averages.items()
        }
        scored |= _average_networks(scored, averages, drawn)
        for forecast, of_forecast in scored.items():
            scores += _rows_of_stratum(forecast, period, "all", of_forecast, size, confidence)
        for stratum, inside in strata(storms, regions) if stratify else ():
            part = {name: array[inside] for name, array in storms.items()}
            drawn_inside = resample_blocks(labels[inside], resamples, seed)
            of_part = _size_of(part, drawn_inside)
            judged = {f: p[inside] for f, p in forecasts.items() if f.kind not in VARIANTS}
            if of_part["events"] < LEAST_EVENTS:
                scored_inside: Iterable[Scored] = repeat(undefined(resamples, of_part["blocks"]))
            else:
                shared_inside = repeat(part["label"]), repeat(drawn_inside)
                scored_inside = pool.map(score, judged.values(), *shared_inside)
            by_forecast = dict(zip(judged, scored_inside, strict=False))
            by_forecast |= _average_networks(by_forecast, averages, drawn)
            for forecast, of_forecast in by_forecast.items():
                scores += _rows_of_stratum(
                    forecast, period, stratum, of_forecast, of_part, confidence
                )
        curve = partial(_curves_of, confidence=confidence)
        shown = forecasts if curves else {}
        curve_tables = list(pool.map(curve, shown, shown.values(), *shared))
    tables = {
        name: pd.concat([t[name] for t in curve_tables], ignore_index=True)
        if curve_tables
        else pd.DataFrame()
        for name in CURVES
    }
    pairs = pair_forecasts(forecasts, reference, matched or {})
    pairs += pair_averages(averages, forecasts, reference, matched or {})
    differences = difference_table(pairs, scored, forecasts, event, period, confidence, size)
    return Tables(pd.DataFrame(scores), differences, **tables)


def _average_networks(
    scored: Mapping[Forecast, Scored],
    averages: Mapping[Forecast, Sequence[Forecast]],
    drawn: Mapping[Forecast, Array],
) -> dict[Forecast, Scored]:
    """Return the mean over the seeds of the scores of single networks, for each of `averages`."""
    return {
        mean: average([scored[part] for part in parts], tuple(p.seed for p in parts), drawn[mean])
        for mean, parts in averages.items()
    }


def _recalibrated_by(method: str, predictions: Predictions) -> tuple[str, str, Predictions]:
    """Return a kind of forecast, its variable, and the predictions that contain it."""
    variable = f"probability_{method}"
    having = {network: arrays for network, arrays in predictions.items() if variable in arrays}
    return method, variable, having


def _curves_of(
    forecast: Forecast, probability: Array, event: Array, draws: Resamples, confidence: float
) -> dict[str, pd.DataFrame]:
    """Return each table of `CURVES` for one forecast, by its name."""
    by_block = ForecastByBlock(probability, event, draws.block)
    return {
        name: pd.DataFrame(
            {**forecast.columns(), **curve(probability, event, by_block, draws, confidence)}
        )
        for name, curve in CURVES.items()
    }


def _size_of(storms: Mapping[str, Array], draws: Resamples) -> dict[str, int]:
    """Return the columns that give the size of a sample."""
    return {
        "storms": storms["label"].size,
        "events": int(storms["label"].sum()),
        "runs": np.unique(storms["run_date"]).size,
        "blocks": draws.blocks.size,
    }


def _log_what_is_undefined(event: Array, draws: Resamples, period: str, confidence: float) -> None:
    """Log why the tables lack scores, intervals or claims."""
    if event.min() == event.max():
        logger.warning(
            "%s of the %d storms of the %s period is an event, so scores that need both events "
            "and other storms (AUC, Brier skill, ...) have no value.",
            "Each" if event.min() else "None",
            event.size,
            period,
        )
    blocks, needed = draws.blocks.size, resamples_needed(1, confidence)
    if blocks == 1:
        logger.warning(
            "All storms of the %s period are in the same block (%s), so there are no intervals "
            "and p-values: these are computed by resampling blocks.",
            period,
            draws.blocks[0],
        )
    elif blocks < LEAST_BLOCKS:
        logger.warning(
            "The %s period has %d blocks. Intervals of fewer than %d blocks are unreliable, so "
            "nothing is claimed about differences.",
            period,
            blocks,
            LEAST_BLOCKS,
        )
    if len(draws.weights) < needed:
        logger.warning(
            "verification.resamples is %d, which is too few for intervals at a confidence of %g. "
            "Set it to at least %d.",
            len(draws.weights),
            confidence,
            needed,
        )


def _rows_of_stratum(
    forecast: Forecast,
    period: str,
    stratum: str,
    scored: Scored,
    size: Mapping[str, int],
    confidence: float,
) -> list[dict[str, Any]]:
    """Return the rows of the table of scores for one forecast of the storms of a stratum."""
    name = {**forecast.columns(), "period": period, "stratum": stratum}
    return [{**name, **row, **size} for row in score_rows(scored, confidence)]
