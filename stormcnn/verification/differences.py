"""Differences of scores between forecasts, with intervals and p-values."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from stormcnn.verification.delong import delong_test
from stormcnn.verification.forecasts import Forecast
from stormcnn.verification.resampling import holm, interval, p_value, reflect
from stormcnn.verification.score_registry import SCORES
from stormcnn.vocabulary import (
    ALL_SEEDS,
    MC_MEAN,
    OVER_SEEDS,
    SEED_MEANS,
    SINGLE,
    VARIANTS,
    Array,
)

logger = logging.getLogger(__name__)

WITHOUT_DROPOUT = {MC_MEAN: SINGLE, SEED_MEANS[MC_MEAN]: SEED_MEANS[SINGLE]}
"""The forecast without dropout that corresponds to a mean over Monte Carlo members."""


def pair_forecasts(
    forecasts: Mapping[Forecast, Array], reference: str, matched: Mapping[str, str]
) -> list[tuple[Forecast, Forecast]]:
    """Return each forecast with every forecast that it is compared with.

    These are the same kind of forecast of the `reference` model and of the model that `matched`
    gives for it (without dropout if that model has no Monte Carlo members), and for a mean over
    Monte Carlo members the forecast of the same model without dropout. A variant is compared only
    with the forecast that it is a variant of.

    >>> baseline, l2 = Forecast("baseline", "single", "0"), Forecast("l2", "single", "0")
    >>> forecasts = dict.fromkeys((baseline, l2), np.array([0.5]))
    >>> pair_forecasts(forecasts, "baseline", matched={}) == [(l2, baseline)]
    True
    """
    pairs = []
    for forecast in forecasts:
        if forecast.kind in VARIANTS:
            pairs.append((forecast, forecast._replace(kind=SINGLE)))
            continue
        own = _without_dropout(forecast)
        others = dict.fromkeys(
            _same_kind(forecast, model, forecasts)
            for model in _compared_models(forecast.model, reference, matched)
        )
        for other in others:
            if other not in forecasts:
                logger.warning(
                    "Model %s, seed %s is not compared with model %s, which has no such seed.",
                    forecast.model,
                    forecast.seed,
                    other.model,
                )
        pairs += [(forecast, o) for o in (*others, own) if o != forecast and o in forecasts]
    return pairs


def pair_averages(
    averages: Iterable[Forecast],
    forecasts: Iterable[Forecast],
    reference: str,
    matched: Mapping[str, str],
) -> list[tuple[Forecast, Forecast]]:
    """Return the comparisons with one network, whose scores are averaged over the seeds.

    Compared with one network of the `reference` or of the matched model is one network of the
    model itself; compared with the latter are its mean over Monte Carlo members, and the means of
    probabilities over the seeds. `averages` are the forecasts of seed `OVER_SEEDS`.
    """
    averages = list(averages)
    joint = [forecast for forecast in forecasts if forecast.seed == ALL_SEEDS]
    pairs = []
    for average in averages:
        if average.kind == SINGLE:
            others = (
                average._replace(model=model)
                for model in _compared_models(average.model, reference, matched)
            )
            pairs += [(average, other) for other in others if other in averages]
            pairs += [(mean, average) for mean in joint if mean.model == average.model]
        else:
            pairs.append((average, average._replace(kind=SINGLE)))
    return pairs


def difference_table(
    pairs: list[tuple[Forecast, Forecast]],
    values: Mapping[Forecast, Mapping[str, float]],
    samples: Mapping[Forecast, Mapping[str, Array]],
    probabilities: Mapping[Forecast, Array],
    event: Array,
    period: str,
    confidence: float,
    blocks: int,
) -> pd.DataFrame:
    """Return the differences of all scores with `compared` in the registry.

    The table has one row per pair and score. `values` and `samples` (resamples,) are the scores of
    each forecast and of its resamples of that many `blocks` by name; `probabilities` (storms,) and
    `event` (storms,) are for the test of DeLong. p-values are corrected by Holm's method over the rows of one forecast,
    seed and score.
    """
    rows: list[tuple[Any, ...]] = []
    compared = [name for name, score in SCORES.items() if score.compared]
    for forecast, other in pairs:
        for score in compared:
            difference = values[forecast][score] - values[other][score]
            resampled = samples[forecast][score] - samples[other][score]
            if SCORES[score].departure:
                resampled = reflect(difference, resampled)
            low, high = interval(difference, resampled, confidence, blocks)
            delong = np.nan
            if score == "auc" and {forecast, other} <= probabilities.keys():
                first, second = probabilities[forecast], probabilities[other]
                delong = delong_test(first, second, event)
            rows.append(
                (
                    forecast.model,
                    other.model,
                    forecast.kind,
                    other.kind,
                    OVER_SEEDS if other.seed == OVER_SEEDS else forecast.seed,
                    period,
                    score,
                    difference,
                    float(low),
                    float(high),
                    p_value(difference, resampled, blocks),
                    delong,
                )
            )
    columns = ["model", "reference", "forecast", "reference_forecast", "seed", "period", "score"]
    columns += ["difference", "low", "high", "p_value", "p_delong_independent_storms"]
    table = pd.DataFrame(rows, columns=columns)
    family = table.groupby(["forecast", "seed", "score"])["p_value"]
    table.insert(columns.index("p_value") + 1, "p_holm", family.transform(holm))
    return table


def _without_dropout(forecast: Forecast) -> Forecast:
    return forecast._replace(kind=WITHOUT_DROPOUT.get(forecast.kind, forecast.kind))


def _compared_models(model: str, reference: str, matched: Mapping[str, str]) -> list[str]:
    """Return the models that `model` is compared with."""
    if model == reference:
        return []
    return list(dict.fromkeys((reference, matched.get(model, reference))))


def _same_kind(forecast: Forecast, model: str, forecasts: Mapping[Forecast, Array]) -> Forecast:
    """Return the forecast of another model; without dropout if it has no Monte Carlo members."""
    same = forecast._replace(model=model)
    return same if same in forecasts else _without_dropout(same)
