"""The choice of a dropout rate, judged on storms that the networks were not trained on.

Neither the spread of a storm's members nor its ratio to the error identifies a good rate: for a
binary event both simply grow with the rate (see `stormcnn.verification.uncertainty`). The rule
therefore asks for the best probabilities first and, among rates that are equally good, for the
best numbers of events.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike
from scipy import stats

from stormcnn.errors import UserError
from stormcnn.verification.blocks import block_of
from stormcnn.verification.multi_bootstrap import draw_seeds, multi_bootstrap
from stormcnn.verification.resampling import Resamples, holm, resample_blocks
from stormcnn.verification.scores import log_losses
from stormcnn.verification.tables import verify
from stormcnn.verification.uncertainty import score_uncertainty
from stormcnn.vocabulary import (
    BLOCK_DAY,
    COUNT_COVERAGE,
    LEAST_BLOCKS,
    LEAST_SEEDS,
    MC_MEAN,
    OVER_SEEDS,
    RATE_SCORES,
    Array,
    BlockSize,
)

TunedNetwork = tuple[float, int]
"""Dropout rate and seed of one of the networks that are compared."""


class TuningTables(NamedTuple):
    """Tidy scores of every network, and the choice with one row per rate."""

    scores: pd.DataFrame
    choice: pd.DataFrame


def score_rates(
    storms: Mapping[TunedNetwork, xr.Dataset],
    counts: Mapping[TunedNetwork, xr.Dataset],
    *,
    model: str,
    own_rate: float,
    training_climatology: float,
    resamples: int,
    confidence: float,
    block: BlockSize = BLOCK_DAY,
) -> TuningTables:
    """Score networks that differ in their dropout rate, and choose a rate by `choose_rate`.

    Parameters
    ----------
    storms, counts
        As in `uncertainty.score_uncertainty`, all for the same storms; `storms` also have `label`.
    model, own_rate
        The model that is tuned, and its present rate.
    training_climatology
        Event frequency of the storms that the networks were trained on.
    resamples, confidence, block
        As in `tables.verify`.

    With several seeds, a rate is judged by the average over them. Raises `UserError` if none or
    all of the storms are events.
    """
    first = next(iter(storms.values()))
    event = first["label"].to_numpy()
    if event.min() == event.max():
        raise UserError(
            f"{'All' if event[0] else 'None'} of the storms from tuning.validation_start on are "
            "events, so no dropout rate can be chosen. Change tuning.validation_start or "
            "event.threshold."
        )
    names = {network: f"{model} with rate {network[0]}" for network in storms}
    forecasts = {(names[rate, seed], seed): part for (rate, seed), part in storms.items()}
    tables = [
        verify(
            forecasts,
            reference=next(iter(names.values())),
            training_climatology=training_climatology,
            monte_carlo=forecasts,
            period="validation",
            resamples=resamples,
            curves=False,
            confidence=confidence,
            block=block,
        ).scores
    ]
    known = set(tables[0]["score"])
    for (rate, seed), part in storms.items():
        members = score_uncertainty(
            part,
            part["label"],
            counts[rate, seed],
            model=names[rate, seed],
            seed=seed,
            resamples=resamples,
            confidence=confidence,
            block=block,
        ).tables.scores
        tables.append(members[~members["score"].isin(known)])
    scores = pd.concat(tables)
    # Averages over seeds would count the seeds twice.
    of_networks = scores["seed"].astype(str) != OVER_SEEDS
    scores = scores[(scores["stratum"] == "all") & of_networks].reset_index(drop=True)
    rates = {name: rate for (rate, _), name in names.items()}
    scores.insert(1, "rate", scores["model"].map(rates))
    scores = scores.assign(model=model, period="validation", seed=scores["seed"].astype(str))

    losses: dict[float, list[Array]] = {}
    for (rate, _), part in storms.items():
        losses.setdefault(rate, []).append(log_losses(part["mc_mean"], part["label"]))
    table = compare_losses(
        {rate: np.array(values) for rate, values in losses.items()},
        first["run_date"].to_numpy(),
        resamples=resamples,
        confidence=confidence,
        block=block,
    )
    members = scores[scores["forecast"] == MC_MEAN]
    averages = members.pivot_table("value", index="rate", columns="score", dropna=False)
    table = table.join(averages[list(RATE_SCORES)], on="rate")
    choice = choose_rate(table)
    return TuningTables(scores, choice.assign(own=choice["rate"] == own_rate))


def compare_losses(
    losses: Mapping[float, Array],
    run_date: ArrayLike,
    *,
    resamples: int,
    confidence: float,
    block: BlockSize = BLOCK_DAY,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the log score of each rate and its difference from the lowest, with one row per rate.

    `losses` has the log loss of each network and storm (seeds, storms) by rate, `run_date`
    (storms,) the storms' run dates. `block` is described in `blocks.block_of`.

    The standard error of the difference is the standard deviation over resamples of blocks, the
    same for both rates, so effects that make a day easy or hard for every network cancel, and of
    seeds, drawn for each rate (`multi_bootstrap`). With one seed it is that of blocks alone; with
    a single block it is NaN.

    `told_apart` is whether the rate is worse than the lowest beyond chance: p < 1 - confidence,
    from the t distribution, after Holm's correction for all pairs of rates, because the lowest is
    chosen by the data. It takes `LEAST_SEEDS` seeds of each rate and `LEAST_BLOCKS` blocks.
    Sources: Sellam et al. (2022), Holm (1979).

    >>> losses = {0.1: np.array([[0.1, 0.3]]), 0.5: np.array([[0.2, 0.4]])}
    >>> dates = ["2015-05-01", "2015-05-02"]
    >>> table = compare_losses(losses, dates, resamples=10, confidence=0.95)
    >>> table[["rate", "log_score", "difference", "standard_error"]].round(3)
       rate  log_score  difference  standard_error
    0   0.1        0.2         0.0             0.0
    1   0.5        0.3         0.1             0.0
    """
    rates = sorted(losses)
    draws = resample_blocks(block_of(run_date, block), resamples, seed)
    blocks = draws.blocks.size
    score = {rate: float(losses[rate].mean()) for rate in rates}
    lowest = min(rates, key=score.__getitem__)
    pairs = {
        pair: _compare_pair(pair, losses, draws, seed) for pair in itertools.combinations(rates, 2)
    }
    corrected = dict(zip(pairs, holm([pair.p_value for pair in pairs.values()]), strict=True))
    seeds = min(len(losses[rate]) for rate in rates)
    claimed = seeds >= LEAST_SEEDS and blocks >= LEAST_BLOCKS
    rows = []
    for rate in rates:
        pair = (min(rate, lowest), max(rate, lowest))
        same = 0.0 if blocks > 1 and resamples > 1 else np.nan
        error, p = (same, np.nan) if rate == lowest else (pairs[pair].error, corrected[pair])
        difference = score[rate] - score[lowest]
        apart = bool(claimed and p < 1 - confidence)
        rows.append((rate, score[rate], difference, error, p, apart, len(losses[rate]), blocks))
    columns = ["rate", "log_score", "difference", "standard_error", "p_holm", "told_apart"]
    return pd.DataFrame(rows, columns=[*columns, "seeds", "blocks"])


class _Pair(NamedTuple):
    """Standard error and p-value of the difference between the log scores of two rates."""

    error: float
    p_value: float


def _compare_pair(
    pair: tuple[float, float], losses: Mapping[float, Array], draws: Resamples, seed: int
) -> _Pair:
    """Compare the log losses (seeds, storms) of two rates."""
    resamples, blocks = draws.weights.shape
    if blocks == 1 or resamples < 2:
        return _Pair(np.nan, np.nan)
    first, second = (losses[rate] for rate in pair)
    departure = first.mean(axis=0) - second.mean(axis=0)
    storms = draws.weights @ np.bincount(draws.block)
    samples = draws.weights @ np.bincount(draws.block, departure) / storms
    of_seeds = [
        (of_rate.mean(axis=1), draw_seeds(f"{rate}", len(of_rate), resamples, seed))
        for rate, of_rate in zip(pair, (first, second), strict=True)
        if len(of_rate) > 1
    ]
    difference = float(departure.mean())
    spread = multi_bootstrap(difference, samples, blocks, of_seeds)
    error = float(spread.samples.std(ddof=1))
    if error == 0:
        return _Pair(0.0, np.nan if difference == 0 else 0.0)
    p = 2 * stats.t.sf(abs(difference) / error, spread.degrees_of_freedom)
    return _Pair(error, float(p))


def choose_rate(rates: pd.DataFrame) -> pd.DataFrame:
    """Choose a dropout rate; return `rates` with the columns `as_good`, `chosen` and `reason`.

    `rates` has one row per rate with the columns of `compare_losses`, `count_crps` and
    `count_coverage_90`. A rate is as good as the best if its
    log score exceeds the lowest by at most one standard error of the difference; without a
    standard error, only if the log scores are equal. Among these, the chosen rate has the lowest
    CRPS of event counts; if several have it, the coverage of the 90 % intervals of event counts
    that is closest to 0.9; and then the lowest rate. The reason of the chosen rate ends with what
    is known beyond chance, because one standard error is no proof.
    Source of the first step: Breiman et al. (1984, chapter 3).

    >>> rates = pd.DataFrame({"rate": [0.1, 0.5], "log_score": [0.2, 0.3]})
    >>> rates = rates.assign(difference=[0.0, 0.1], standard_error=[0.0, 0.02])
    >>> rates = rates.assign(count_crps=[2.0, 1.0], count_coverage_90=[0.8, 0.9])
    >>> rates = rates.assign(told_apart=[False, True], seeds=3, blocks=12)
    >>> choose_rate(rates)["chosen"].tolist()
    [True, False]
    """
    table = rates.sort_values("rate", ignore_index=True)
    table["as_good"] = (table["difference"] == 0) | (table["difference"] <= table["standard_error"])
    ranked = table.assign(miss=(table["count_coverage_90"] - COUNT_COVERAGE).abs())
    ranked = ranked[ranked["as_good"]].sort_values(["count_crps", "miss", "rate"])
    best = ranked.iloc[0]
    table["chosen"] = table["rate"] == best["rate"]
    lowest = table.loc[table["difference"].idxmin(), "rate"]
    told_apart = _what_is_told_apart(table, lowest)
    table["reason"] = [
        _reason(row, ranked, lowest, told_apart)
        for row in table.assign(miss=ranked["miss"]).to_dict("records")
    ]
    return table


def _what_is_told_apart(table: pd.DataFrame, lowest: float) -> str:
    """Return which rates are worse than the one with the lowest log score beyond chance."""
    seeds, blocks = table["seeds"].min(), table["blocks"].min()
    if seeds < LEAST_SEEDS or blocks < LEAST_BLOCKS:
        return (
            f"rates cannot be told apart without {LEAST_SEEDS} seeds per rate (now {seeds}) and "
            f"{LEAST_BLOCKS} blocks of runs (now {blocks})"
        )
    if not table["told_apart"].any():
        return "no rate can be told apart from that with the lowest log score"
    return (
        f"worse than rate {lowest:g} beyond chance: {_list(table.loc[table['told_apart'], 'rate'])}"
    )


def _list(rates: Iterable[float]) -> str:
    return ", ".join(f"{rate:g}" for rate in rates)


def _reason(row: Mapping, ranked: pd.DataFrame, lowest: float, told_apart: str) -> str:
    """Return why a rate is chosen or not.

    `ranked` are the rates that are as good as the best, the chosen one first; `lowest` is the rate
    with the lowest log score; `told_apart` says which rates are worse beyond chance.
    """
    if not row["as_good"]:
        above = f"log score exceeds that of rate {lowest:g}, the lowest, by {row['difference']:.4f}"
        if np.isnan(row["standard_error"]):
            return f"{above}; there is no standard error"
        return f"{above}, more than one standard error ({row['standard_error']:.4f})"
    best = ranked.iloc[0]
    if row["chosen"] and len(ranked) == 1:
        only = "lowest log score; no other rate is within one standard error"
        return f"{only}; {told_apart}"
    if row["chosen"]:
        by = _decided_by(best, ranked.iloc[1])
        others = _list(sorted(ranked["rate"][1:]))
        return (
            f"log score within one standard error of rate {others}; among these, {by}; {told_apart}"
        )
    return (
        "log score within one standard error of the lowest, "
        f"but for rate {best['rate']:g} {_decided_by(best, row)}"
    )


def _decided_by(best: Mapping, other: Mapping) -> str:
    """Return why the first of two rates with equally good log scores is preferred."""
    if best["count_crps"] != other["count_crps"]:
        return f"the CRPS of the event counts is lowest ({best['count_crps']:.3f})"
    if best["miss"] != other["miss"]:
        return (
            "the coverage of the 90 % intervals of the event counts is closest to 0.9 "
            f"({best['count_coverage_90']:.2f}), with the same CRPS"
        )
    return "the rate is lowest, with the same CRPS and coverage of the event counts"
