"""Differences of scores between forecasts, with intervals and p-values."""

from __future__ import annotations

import logging
from collections.abc import Container, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from stormcnn.verification.block_tests import t_test
from stormcnn.verification.delong import delong_test
from stormcnn.verification.forecasts import Forecast, Source
from stormcnn.verification.multi_bootstrap import multi_bootstrap
from stormcnn.verification.resampling import (
    holm,
    reflect,
    resamples_needed,
    widened_interval,
    widened_p_value,
)
from stormcnn.verification.score_registry import SCORES
from stormcnn.verification.score_rows import Scored
from stormcnn.vocabulary import (
    ALL_SEEDS,
    LEAST_BLOCKS,
    MC_MEAN,
    METHOD,
    NETWORKS,
    OPPONENTS,
    OVER_SEEDS,
    SEED_MEANS,
    SEEDLESS,
    SINGLE,
    VARIANTS,
    Array,
)

logger = logging.getLogger(__name__)

T_TEST, BOOTSTRAP = "t_test", "bootstrap"
"""Values of the column `test`: how the p-value was computed."""

LOSSES = {
    "brier_score": "squared_error",
    "brier_skill_score": "squared_error",
    "brier_skill_score_training": "squared_error",
    "log_score": "log_loss",
}
"""Scores of the same storms that differ if and only if the sums of these losses differ."""

COLUMNS = (
    "model",
    "reference",
    "forecast",
    "reference_forecast",
    "seed",
    "period",
    "score",
    "difference",
    "low",
    "high",
    "p_value",
    "p_holm",
    "claim",
    "test",
    "p_delong_independent_storms",
    "seeds",
    "reference_seeds",
)
"""Columns of the table of differences, followed by the size of the sample."""

WITHOUT_DROPOUT = {MC_MEAN: SINGLE, SEED_MEANS[MC_MEAN]: SEED_MEANS[SINGLE]}
"""The forecast without dropout that corresponds to a mean over Monte Carlo members."""


def pair_forecasts(
    forecasts: Mapping[Forecast, Any], reference: str, matched: Mapping[str, str]
) -> list[tuple[Forecast, Forecast]]:
    """Return each forecast with every forecast that it is compared with.

    These are the same kind of forecast of the `reference` model and of the model that `matched`
    gives for it (without dropout if that model has no Monte Carlo members), and for a mean over
    Monte Carlo members the forecast of the same model without dropout. A variant is compared only
    with the forecast that it is a variant of. A network without dropout is also compared with each
    opponent of the networks; if that has no seeds, with its only forecast.

    >>> baseline, l2 = Forecast("baseline", "single", "0"), Forecast("l2", "single", "0")
    >>> forecasts = dict.fromkeys((baseline, l2), np.array([0.5]))
    >>> pair_forecasts(forecasts, "baseline", matched={}) == [(l2, baseline)]
    True
    """
    pairs = []
    for forecast in forecasts:
        if forecast.kind in VARIANTS:
            others = [forecast._replace(kind=SINGLE)]
        else:
            others = [
                _same_kind(forecast._replace(model=model), forecasts)
                for model in _compared_models(forecast.model, reference, matched)
            ]
            others.append(_without_dropout(forecast))
            others += _opponents_of(forecast, forecasts)
        pairs += [(forecast, other) for other in dict.fromkeys(others) if other != forecast]
    return _existing(pairs, forecasts)


def _existing(
    pairs: Iterable[tuple[Forecast, Forecast]], forecasts: Container[Forecast]
) -> list[tuple[Forecast, Forecast]]:
    """Return the pairs whose second forecast exists, and log the others."""
    possible = []
    for forecast, other in pairs:
        if other in forecasts:
            possible.append((forecast, other))
        else:
            logger.warning(
                "Model %s, seed %s (%s) is not compared with model %s (%s), which has no such "
                "seed.",
                *(forecast.model, forecast.seed, forecast.kind, other.model, other.kind),
            )
    return possible


def _opponents_of(forecast: Forecast, forecasts: Iterable[Forecast]) -> list[Forecast]:
    """Return the forecasts of opponents with which one of a network is compared."""
    if forecast.kind != SINGLE or forecast.model in OPPONENTS:
        return []
    return [
        other
        for other in forecasts
        if other.model in OPPONENTS
        and other.kind == SINGLE
        and (other.seed == forecast.seed or other.model in SEEDLESS)
    ]


def pair_averages(
    averages: Iterable[Forecast],
    forecasts: Iterable[Forecast],
    reference: str,
    matched: Mapping[str, str],
) -> list[tuple[Forecast, Forecast]]:
    """Return the comparisons with one network, whose scores are averaged over the seeds.

    Compared with one network of the `reference` or of the matched model is one network of the
    model itself, with and without Monte Carlo dropout; compared with the latter are its mean over
    Monte Carlo members, and the means of probabilities over the seeds. A model that was trained
    once is compared with the averages of the others. A network without dropout is also compared
    with the opponents of the networks. `averages` are the forecasts of seed `OVER_SEEDS`.
    """
    averages, forecasts = list(averages), list(forecasts)
    several = {average.model for average in averages if average.kind == SINGLE}
    once = {f.model: f for f in forecasts if f.kind == SINGLE and f.model not in several}
    pairs = []
    for average in averages:
        for model in _compared_models(average.model, reference, matched):
            other = _same_kind(average._replace(model=model), averages)
            if other in averages or model in once:
                pairs.append((average, other if other in averages else once[model]))
        pairs += [(average, other) for other in _opponents_of(average, [*averages, *once.values()])]
        if average.kind == SINGLE:
            joint = (f for f in forecasts if f.seed == ALL_SEEDS and f.model == average.model)
            pairs += [(mean, average) for mean in joint]
        else:
            pairs += _existing([(average, average._replace(kind=SINGLE))], averages)
    for model, forecast in once.items():
        for other_model in _compared_models(model, reference, matched):
            other = Forecast(other_model, SINGLE, OVER_SEEDS)
            pairs += [(forecast, other)] if other in averages else []
    return pairs


def difference_table(
    pairs: Iterable[tuple[Forecast, Forecast]],
    scored: Mapping[Forecast, Scored],
    sources: Mapping[Forecast, Source],
    event: Array,
    period: str,
    confidence: float,
    size: Mapping[str, int],
) -> pd.DataFrame:
    """Return the differences of all scores with `compared` in the registry.

    The table has one row per pair and score. `scored` has the scores of each forecast;
    `sources` and `event` (storms,) are for the test of DeLong.

    `claim` is `method` if both sides are means over at least `LEAST_SEEDS` seeds: the difference
    holds for networks that are trained with other seeds. It is `networks` if it holds for these
    trained networks on other storms. `test` is `t_test` (see `block_tests.t_test`) for differences
    of losses of trained networks, and `bootstrap` for all others.

    `p_holm` is corrected over a family of the same forecast, seed and score: the comparisons of
    networks with other networks, those of all networks with one opponent, or those of forecasts of
    one model. It is missing if no claim can be made: with
    fewer than `LEAST_BLOCKS` blocks, or if the family is too large for the number of resamples.
    """
    compared = [name for name, score in SCORES.items() if score.compared]
    resamples = max((scores.samples["auc"].size for scores in scored.values()), default=0)
    rows = [
        {
            **_name_of(forecast, other),
            "period": period,
            "score": score,
            **_difference(forecast, other, score, scored, confidence),
            "p_delong_independent_storms": _delong(forecast, other, score, sources, event),
            "seeds": max(1, len(scored[forecast].seeds)),
            "reference_seeds": max(1, len(scored[other].seeds)),
            **size,
        }
        for forecast, other in pairs
        for score in compared
    ]
    table = pd.DataFrame(rows, columns=[*COLUMNS, *size])
    compared_with = (table["model"] != table["reference"]).map({True: "network", False: "itself"})
    opponent = table["reference"].isin(OPPONENTS) & (compared_with == "network")
    family = ["forecast", "seed", "score", compared_with.mask(opponent, table["reference"])]
    table["p_holm"] = table.groupby(family)["p_value"].transform(holm)
    members = table.groupby(family)["p_value"].transform("count")
    return _withhold_claims(table, members, resamples, size["blocks"], confidence)


def _name_of(forecast: Forecast, other: Forecast) -> dict[str, str]:
    """Return the columns that name a comparison."""
    return {
        "model": forecast.model,
        "reference": other.model,
        "forecast": forecast.kind,
        "reference_forecast": other.kind,
        "seed": OVER_SEEDS if OVER_SEEDS in (forecast.seed, other.seed) else forecast.seed,
    }


def _difference(
    forecast: Forecast,
    other: Forecast,
    score: str,
    scored: Mapping[Forecast, Scored],
    confidence: float,
) -> dict[str, Any]:
    """Return the columns `difference` to `test`, without `p_holm`."""
    first, second = scored[forecast], scored[other]
    value = first.values[score] - second.values[score]
    samples = first.samples[score] - second.samples[score]
    if SCORES[score].departure:
        samples = reflect(value, samples)
    method = first.of_method and second.of_method
    ends: tuple[Any, Any] = (np.nan, np.nan)
    p = np.nan
    if first.blocks > 1 and samples.size:
        seeds = _groups_of_seeds(forecast, other, first, second, score) if method else []
        spread = multi_bootstrap(value, samples, first.blocks, seeds)
        ends = widened_interval(value, *spread, confidence)
        p = widened_p_value(value, *spread)
    by_t_test = score in LOSSES and not method
    if by_t_test and not np.isnan(value):
        p = t_test(first.sums[LOSSES[score]] - second.sums[LOSSES[score]])
    return {
        "difference": value,
        "low": float(ends[0]),
        "high": float(ends[1]),
        "p_value": p,
        "claim": METHOD if method else NETWORKS,
        "test": T_TEST if by_t_test else BOOTSTRAP,
    }


def _delong(
    forecast: Forecast,
    other: Forecast,
    score: str,
    sources: Mapping[Forecast, Source],
    event: Array,
) -> float:
    """Return the p-value of DeLong's test for AUC, NaN for other scores and for means of scores."""
    if score != "auc" or not {forecast, other} <= sources.keys():
        return float("nan")
    return delong_test(sources[forecast].read(), sources[other].read(), event)


def _groups_of_seeds(
    forecast: Forecast, other: Forecast, first: Scored, second: Scored, score: str
) -> list[tuple[Array, Array]]:
    """Return the values of the seeds and their draws, for each independent group of seeds.

    Two forecasts of the same networks share their seeds, so these are one group.
    """
    if forecast.model == other.model and first.seeds == second.seeds:
        return [(first.by_seed[score] - second.by_seed[score], first.drawn)]
    return first.groups_of_seeds(score) + second.groups_of_seeds(score)


def _withhold_claims(
    table: pd.DataFrame, members: pd.Series, resamples: int, blocks: int, confidence: float
) -> pd.DataFrame:
    """Remove `p_holm` where nothing can be claimed, and log why.

    `members` is the number of comparisons in the family of each row.
    """
    if blocks < LEAST_BLOCKS:
        return table.assign(p_holm=np.nan)
    needed = members.map(lambda size: resamples_needed(size, confidence) + 1)
    too_few = (table["test"] == BOOTSTRAP) & (needed > resamples) & table["p_value"].notna()
    if too_few.any():
        logger.warning(
            "No claim is made for %d of %d differences: with %d resamples their p-values cannot "
            "be significant after Holm's correction. Set verification.resamples to at least %d.",
            too_few.sum(),
            len(table),
            resamples,
            needed[too_few].max(),
        )
    return table.assign(p_holm=table["p_holm"].mask(too_few))


def _without_dropout(forecast: Forecast) -> Forecast:
    return forecast._replace(kind=WITHOUT_DROPOUT.get(forecast.kind, forecast.kind))


def _compared_models(model: str, reference: str, matched: Mapping[str, str]) -> list[str]:
    """Return the networks that `model` is compared with."""
    if model == reference or model in OPPONENTS:
        return []
    return list(dict.fromkeys((reference, matched.get(model, reference))))


def _same_kind(forecast: Forecast, forecasts: Iterable[Forecast]) -> Forecast:
    """Return a forecast, or the one without dropout if `forecasts` lack it."""
    return forecast if forecast in forecasts else _without_dropout(forecast)
