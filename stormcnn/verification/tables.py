"""Verification of all forecasts of one period: tidy tables of scores, differences and curves."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from stormcnn.errors import UserError
from stormcnn.verification.curves import CURVES, Curve
from stormcnn.verification.differences import difference_table, pair_averages, pair_forecasts
from stormcnn.verification.forecasts import (
    Forecast,
    Predictions,
    Source,
    average_over_seeds,
    read_forecasts,
)
from stormcnn.verification.multi_bootstrap import draw_seeds
from stormcnn.verification.period_parts import ALL, Part, part_of
from stormcnn.verification.reading import opened
from stormcnn.verification.resampling import resamples_needed
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
        A dataset, a data frame, a dict, or the path of a file. From files, the probabilities of
        more than 65,536 storms are read each time they are used, so that only those of `threads`
        forecasts are in memory.
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
    >>> storms |= {"valid_time": ["2015-05-01T20"] * 3}
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
    blocks, storm_block = storms.block(block)
    parts = [part_of(storms, blocks, storm_block, resamples, seed)]
    if stratify:
        with opened(storms.stored) as variables:
            parts += [
                part_of(storms, blocks, storm_block, resamples, seed, stratum, inside)
                for stratum, inside in strata(variables, regions)
            ]
    whole = parts[0]
    _log_what_is_undefined(whole, period, confidence)

    averages = average_over_seeds(forecasts)
    drawn = {
        mean: draw_seeds(mean.model, len(networks), resamples, seed)
        for mean, networks in averages.items()
    }
    rows: list[dict[str, Any]] = []
    with ThreadPoolExecutor(threads) as pool:
        for part in parts:
            judge = partial(
                _judge_part,
                part=part,
                event=storms.event,
                block=storm_block,
                training_climatology=training_climatology,
                curves=CURVES if curves and part is whole else {},
                confidence=confidence,
            )
            judged = [f for f in forecasts if part is whole or f.kind not in VARIANTS]
            results = list(pool.map(judge, judged, (forecasts[f] for f in judged)))
            scored = {f: scores for f, (scores, _) in zip(judged, results, strict=True)}
            scored |= _average_networks(scored, averages, drawn)
            for forecast, scores in scored.items():
                rows += _rows_of_part(forecast, period, part, scores, confidence)
            if part is whole:
                scored_whole, curve_tables = scored, [tables for _, tables in results]
    pairs = pair_forecasts(forecasts, reference, matched or {})
    pairs += pair_averages(averages, forecasts, reference, matched or {})
    differences = difference_table(
        pairs, scored_whole, forecasts, storms.event, period, confidence, whole.size
    )
    tables = {
        name: pd.concat([tables[name] for tables in curve_tables], ignore_index=True)
        if curves
        else pd.DataFrame()
        for name in CURVES
    }
    return Tables(pd.DataFrame(rows), differences, **tables)


def _judge_part(
    forecast: Forecast,
    source: Source,
    *,
    part: Part,
    event: Array,
    block: Array,
    training_climatology: float,
    curves: Mapping[str, Curve],
    confidence: float,
) -> tuple[Scored, dict[str, pd.DataFrame]]:
    """Return the scores of one forecast of a part of the storms, and `curves` by name.

    `event` and `block` (storms,) are those of all storms of the period.
    """
    if part.stratum != ALL and part.events < LEAST_EVENTS:
        return undefined(len(part.weights), part.blocks.size), {}
    probability, event = part.select(source.read()), part.select(event)
    draws = part.resamples(block)
    by_block = ForecastByBlock(probability, event, draws.block, training_climatology)
    scored = score_forecast(by_block, probability, event, draws)
    tables = {
        name: pd.DataFrame(
            {**forecast.columns(), **curve(probability, event, by_block, draws, confidence)}
        )
        for name, curve in curves.items()
    }
    return replace(scored, seedless=forecast.model in SEEDLESS), tables


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
    having = {}
    for network, stored in predictions.items():
        with opened(stored) as variables:
            if variable in variables:
                having[network] = stored
    return method, variable, having


def _log_what_is_undefined(whole: Part, period: str, confidence: float) -> None:
    """Log why the tables lack scores, intervals or claims."""
    if whole.events in (0, whole.storms):
        logger.warning(
            "%s of the %d storms of the %s period is an event, so scores that need both events "
            "and other storms (AUC, Brier skill, ...) have no value.",
            "Each" if whole.events else "None",
            whole.storms,
            period,
        )
    blocks, needed = whole.blocks.size, resamples_needed(1, confidence)
    if blocks == 1:
        logger.warning(
            "All storms of the %s period are in the same block (%s), so there are no intervals "
            "and p-values: these are computed by resampling blocks.",
            period,
            whole.blocks[0],
        )
    elif blocks < LEAST_BLOCKS:
        logger.warning(
            "The %s period has %d blocks. Intervals of fewer than %d blocks are unreliable, so "
            "nothing is claimed about differences.",
            period,
            blocks,
            LEAST_BLOCKS,
        )
    if len(whole.weights) < needed:
        logger.warning(
            "verification.resamples is %d, which is too few for intervals at a confidence of %g. "
            "Set it to at least %d.",
            len(whole.weights),
            confidence,
            needed,
        )


def _rows_of_part(
    forecast: Forecast, period: str, part: Part, scored: Scored, confidence: float
) -> list[dict[str, Any]]:
    """Return the rows of the table of scores for one forecast of a part of the storms."""
    name = {**forecast.columns(), "period": period, "stratum": part.stratum}
    return [{**name, **row, **part.size} for row in score_rows(scored, confidence)]
