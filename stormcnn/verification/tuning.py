"""The choice of a dropout rate, judged on storms that the networks were not trained on.

Neither the spread of a storm's members nor its ratio to the error identifies a good rate: for a
binary event both simply grow with the rate (see `stormcnn.verification.uncertainty`). The rule
therefore asks for the best probabilities first and, among rates that are equally good, for the
best numbers of events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from stormcnn.errors import UserError
from stormcnn.verification.resampling import resample_blocks
from stormcnn.verification.scores import log_losses
from stormcnn.verification.tables import verify
from stormcnn.verification.uncertainty import score_uncertainty
from stormcnn.vocabulary import COUNT_COVERAGE, MC_MEAN, OVER_SEEDS, RATE_SCORES, Array

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
    resamples, confidence
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
        ).scores
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
        {rate: np.mean(values, axis=0) for rate, values in losses.items()},
        first["run_date"],
        resamples,
    )
    members = scores[scores["forecast"] == MC_MEAN]
    averages = members.pivot_table("value", index="rate", columns="score", dropna=False)
    table = table.join(averages[list(RATE_SCORES)], on="rate")
    choice = choose_rate(table)
    return TuningTables(scores, choice.assign(own=choice["rate"] == own_rate))


def compare_losses(
    losses: Mapping[float, Array], run_date: ArrayLike, resamples: int, seed: int = 0
) -> pd.DataFrame:
    """Return the log score of each rate and its difference from the lowest, with one row per rate.

    `losses` has each storm's log loss (storms,) by rate, `run_date` (storms,) its run date. The
    standard error of the difference is the standard deviation over resamples of the run dates.
    Both rates use the same resamples, so effects that make a day easy or hard for every network
    cancel. It is NaN for a single run date. Source: Efron and Tibshirani (1993, chapter 6).

    >>> losses = {0.1: np.array([0.1, 0.3]), 0.5: np.array([0.2, 0.4])}
    >>> compare_losses(losses, ["1 May", "2 May"], resamples=10).round(3)
       rate  log_score  difference  standard_error
    0   0.1        0.2         0.0             0.0
    1   0.5        0.3         0.1             0.0
    """
    rates = sorted(losses)
    score = {rate: float(losses[rate].mean()) for rate in rates}
    lowest = min(rates, key=score.__getitem__)
    draws = resample_blocks(run_date, resamples, seed)
    storms = draws.weights @ np.bincount(draws.block)
    rows = []
    for rate in rates:
        by_block = np.bincount(draws.block, losses[rate] - losses[lowest])
        error = np.std(draws.weights @ by_block / storms, ddof=1) if resamples > 1 else np.nan
        known = draws.blocks.size > 1
        difference = score[rate] - score[lowest]
        rows.append((rate, score[rate], difference, float(error) if known else np.nan))
    return pd.DataFrame(rows, columns=["rate", "log_score", "difference", "standard_error"])


def choose_rate(rates: pd.DataFrame) -> pd.DataFrame:
    """Choose a dropout rate; return `rates` with the columns `as_good`, `chosen` and `reason`.

    `rates` has one row per rate with the columns `rate`, `log_score`, `difference`,
    `standard_error`, `count_crps` and `count_coverage_90`. A rate is as good as the best if its
    log score exceeds the lowest by at most one standard error of the difference; without a
    standard error, only if the log scores are equal. Among these, the chosen rate has the lowest
    CRPS of event counts; if several have it, the coverage of the 90 % intervals of event counts
    that is closest to 0.9; and then the lowest rate.
    Source of the first step: Breiman et al. (1984, chapter 3).

    >>> rates = pd.DataFrame({"rate": [0.1, 0.5], "log_score": [0.2, 0.3]})
    >>> rates = rates.assign(difference=[0.0, 0.1], standard_error=[0.0, 0.02])
    >>> rates = rates.assign(count_crps=[2.0, 1.0], count_coverage_90=[0.8, 0.9])
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
    table["reason"] = [
        _reason(row, ranked, lowest) for row in table.assign(miss=ranked["miss"]).to_dict("records")
    ]
    return table


def _reason(row: Mapping, ranked: pd.DataFrame, lowest: float) -> str:
    """Return why a rate is chosen or not.

    `ranked` are the rates that are as good as the best, the chosen one first; `lowest` is the rate
    with the lowest log score.
    """
    if not row["as_good"]:
        above = f"log score exceeds that of rate {lowest:g}, the lowest, by {row['difference']:.4f}"
        if np.isnan(row["standard_error"]):
            return f"{above}; there is no standard error"
        return f"{above}, more than one standard error ({row['standard_error']:.4f})"
    best = ranked.iloc[0]
    if len(ranked) == 1:
        return "lowest log score; no other rate is within one standard error"
    if row["chosen"]:
        others = ", ".join(f"{rate:g}" for rate in sorted(ranked["rate"][1:]))
        other = ranked.iloc[1]
        by = _decided_by(best, other)
        return f"log score within one standard error of rate {others}; among these, {by}"
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
