"""Which dropout rate to take, judged on storms that the networks have not seen.

Neither the spread of a storm's members nor its ratio to the error tells a good rate: of a yes/no
event both only grow with it (see `stormcnn.uncertainty`). So the rule asks for the best
probabilities first, and among equals for the best numbers of events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from stormcnn.errors import UserError
from stormcnn.verification.resampling import resample_dates
from stormcnn.verification.scores import log_losses
from stormcnn.verification.tables import OVER_SEEDS, verify
from stormcnn.verification.uncertainty import score_uncertainty
from stormcnn.vocabulary import Array

COVERAGE = 0.9
JUDGED = ("count_crps", "count_coverage_90", "spread_skill_ratio")
"""Scores of the members that stand beside the log score; the last is shown and judges nothing."""

Network = tuple[float, int]
"""A network is told by its dropout rate and its seed."""


class TuningTables(NamedTuple):
    """Tidy scores of every network, and the choice: a row a rate."""

    scores: pd.DataFrame
    choice: pd.DataFrame


def score_rates(
    storms: Mapping[Network, xr.Dataset],
    counts: Mapping[Network, xr.Dataset],
    *,
    model: str,
    own_rate: float,
    training_climatology: float,
    resamples: int,
    confidence: float,
) -> TuningTables:
    """Score networks that differ in their dropout rate, and choose a rate by `choose_rate`.

    `storms` and `counts` are as for `uncertainty.score_uncertainty`, all of the same storms;
    `own_rate` is the rate that `model` has now. With several seeds a rate is judged by the average
    over them. Raises `UserError` where no storm or every storm had the event.
    """
    first = next(iter(storms.values()))
    label = first["label"].to_numpy()
    if label.min() == label.max():
        raise UserError(
            f"{'Every' if label[0] else 'No'} storm that dropout rates are judged on had the "
            "event, so nothing can be chosen. Set another tuning.validation_start, or change "
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
    # Rows that average over the seeds are of no network, and would count its seeds twice.
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
    members = scores[scores["forecast"] == "mc_mean"]
    averages = members.pivot_table("value", index="rate", columns="score", dropna=False)
    table = table.join(averages[list(JUDGED)], on="rate")
    choice = choose_rate(table)
    return TuningTables(scores, choice.assign(own=choice["rate"] == own_rate))


def compare_losses(
    losses: Mapping[float, Array], run_date: ArrayLike, resamples: int, seed: int = 0
) -> pd.DataFrame:
    """Log score of each rate and how far it lies above the lowest, a row a rate.

    `losses` gives each storm's loss (storms,) by rate. `standard_error` is that of `difference`:
    the standard deviation over resamples of the run dates, drawn for both rates alike, so that
    what makes a day easy or hard for every network cancels. NaN for one run date.
    Source: Efron and Tibshirani (1993, chapter 6).
    """
    rates = sorted(losses)
    score = {rate: float(losses[rate].mean()) for rate in rates}
    lowest = min(rates, key=score.__getitem__)
    draws = resample_dates(run_date, resamples, seed)
    storms = draws.weights @ np.bincount(draws.date)
    rows = []
    for rate in rates:
        by_date = np.bincount(draws.date, losses[rate] - losses[lowest])
        error = np.std(draws.weights @ by_date / storms, ddof=1) if resamples > 1 else np.nan
        known = draws.dates.size > 1
        difference = score[rate] - score[lowest]
        rows.append((rate, score[rate], difference, float(error) if known else np.nan))
    return pd.DataFrame(rows, columns=["rate", "log_score", "difference", "standard_error"])


def choose_rate(rates: pd.DataFrame) -> pd.DataFrame:
    """Choose a dropout rate and say why, for every rate.

    `rates` has a row a rate: `rate,log_score,difference,standard_error,count_crps,
    count_coverage_90`. A rate is as good as the best (`as_good`) if its log score lies above the
    lowest by no more than one standard error of the difference. Of these the one with the lowest
    CRPS of event counts is `chosen`; then the one whose 90 % intervals of counts have a coverage
    nearest to 0.9; then the lowest rate. `reason` says it in words. Without a standard error only
    equal log scores are as good. Source of the first step: Breiman et al. (1984, chapter 3).
    """
    table = rates.sort_values("rate", ignore_index=True)
    table["as_good"] = (table["difference"] == 0) | (table["difference"] <= table["standard_error"])
    ranked = table.assign(miss=(table["count_coverage_90"] - COVERAGE).abs())
    ranked = ranked[ranked["as_good"]].sort_values(["count_crps", "miss", "rate"])
    best = ranked.iloc[0]
    table["chosen"] = table["rate"] == best["rate"]
    lowest = table.loc[table["difference"].idxmin(), "rate"]
    table["reason"] = [
        _reason(row, ranked, lowest) for row in table.assign(miss=ranked["miss"]).to_dict("records")
    ]
    return table


def _reason(row: Mapping, ranked: pd.DataFrame, lowest: float) -> str:
    """Why a rate is chosen or not; `ranked` holds the rates that are as good, the chosen first."""
    if not row["as_good"]:
        above = f"log score {row['difference']:.4f} above that of rate {lowest:g}, the lowest"
        if np.isnan(row["standard_error"]):
            return f"{above}; no standard error can be given"
        return f"{above}, which is more than one standard error ({row['standard_error']:.4f})"
    best = ranked.iloc[0]
    if len(ranked) == 1:
        return "lowest log score, and no other lies within one standard error of it"
    if row["chosen"]:
        others = ", ".join(f"{rate:g}" for rate in sorted(ranked["rate"][1:]))
        other = ranked.iloc[1]
        by = _decided_by(best, other)
        return f"log score as good as that of {others} within one standard error; of these {by}"
    return f"log score as good as the lowest, but at rate {best['rate']:g} {_decided_by(best, row)}"


def _decided_by(best: Mapping, other: Mapping) -> str:
    """What speaks for the first of two rates whose log scores are as good."""
    if best["count_crps"] != other["count_crps"]:
        return f"the event counts of the runs have the lowest CRPS ({best['count_crps']:.3f})"
    if best["miss"] != other["miss"]:
        return (
            "the coverage of the 90 % intervals of event counts is nearest to 0.9 "
            f"({best['count_coverage_90']:.2f}), with the same CRPS"
        )
    return "the rate is the lowest, with the same CRPS and coverage of the event counts"
