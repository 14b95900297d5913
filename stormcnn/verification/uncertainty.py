"""Scores of Monte Carlo dropout that are valid for a binary event.

A storm's event is 0 or 1 and its members are probabilities, so most ensemble scores do not apply:
no probability strictly between 0 and 1 ever equals the outcome. Two things can be judged. For a
storm, the forecast is an event with the mean probability p; its variance p(1 - p) is the sum of
the members' spread (epistemic) and of what the members agree on (aleatoric). For a run date, the
members forecast numbers of events, for which all ensemble scores are valid.

Three scores are left out deliberately. The continuous ranked probability score of members against 0
or 1 rewards members near 0 and 1 whatever the truth is; the rank histogram of members has every
storm at one of its ends; the ensemble Brier score would read each member as a yes or no.

Scores named `..._truth` need the true probabilities of storms, which only made-up storms have.
If a score measures a distance from the event, the true probability takes the event's place; if
it judges a forecast of the event, the expectation over the event is taken.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from stormcnn.sampling.members import QUANTILES
from stormcnn.verification.counts import (
    CountForecast,
    count_forecast_of_independent_storms,
    count_forecast_of_members,
    count_scores,
)
from stormcnn.verification.discard import discard_scores, discard_table, discard_test
from stormcnn.verification.resampling import Resamples, interval, resample_blocks
from stormcnn.verification.sampled_storms import (
    SampledStorms,
    match_counts,
    read_sampled_storms,
)
from stormcnn.verification.score_registry import score_text
from stormcnn.verification.scores import ratio
from stormcnn.verification.spread_skill import (
    spread_skill_diagrams,
    spread_skill_scores,
    spread_skill_table,
)
from stormcnn.vocabulary import MC_MEAN, SINGLE, Array

logger = logging.getLogger(__name__)

SCORE_COLUMNS = [
    "model", "forecast", "seed", "period", "stratum", "score", "value", "low", "high",
    "storms", "events", "runs",
]  # fmt: skip


class UncertaintyTables(NamedTuple):
    """Tidy tables of one network: scores, spread-skill diagrams, discard curves, event counts."""

    scores: pd.DataFrame
    spread_skill: pd.DataFrame
    discard: pd.DataFrame
    counts: pd.DataFrame


def score_uncertainty(
    storms: xr.Dataset,
    event: ArrayLike,
    counts: xr.Dataset,
    *,
    model: str,
    seed: int,
    resamples: int,
    confidence: float = 0.95,
    truth: ArrayLike | None = None,
) -> UncertaintyTables:
    """Score the Monte Carlo members of one network, with intervals from resampled run dates.

    Parameters
    ----------
    storms
        `probability` of the network without dropout, `mc_mean`, `mc_std` and `mc_entropy` in nats
        (storm), `mc_quantile` (storm, quantile), and `run_date` (storm).
    event
        1 for an event, else 0 (storms,).
    counts
        `count` and `expected` (run, mc_member): number of events that each member draws and its
        expectation; `observed` and `run_date` (run).
    model, seed
        Name of the network, for the tables and the log.
    resamples, confidence
        Number of resamples of the run dates, and confidence of the intervals.
    truth
        True probability of made-up storms (storms,).

    In the tables, scores of the network without dropout have the forecast `single`. Undefined
    values (without events, with one member, or for the interval with one run date) are missing,
    and the log says why.

    Raises `UserError` if `storms` and `counts` are not for the same storms, or a value is missing
    or not allowed.
    """
    network = f"{model}, seed {seed}"
    draws = resample_blocks(storms["run_date"].to_numpy(), resamples)
    checked = read_sampled_storms(storms, event, counts.sizes["mc_member"], truth, network)
    counts = match_counts(counts, checked.event, draws, network)
    _log_what_is_undefined(network, checked, draws)
    if draws.blocks.size == 1:
        draws = draws._replace(weights=draws.weights[:0])
    # The storms themselves are the first row, so one formula gives values and intervals.
    rows = draws._replace(weights=np.vstack([np.ones(draws.blocks.size), draws.weights]))

    diagrams = spread_skill_diagrams(checked, rows)
    tests = discard_test(checked, rows)
    observed = counts["observed"].to_numpy()
    single = count_forecast_of_independent_storms(checked.without_dropout, rows.block, observed)
    members = count_forecast_of_members(counts["count"].to_numpy(), observed)
    scores = {
        MC_MEAN: member_scores(checked, rows)
        | spread_skill_scores(diagrams, checked.truth is not None)
        | discard_scores(tests)
        | _rename("count_{}", count_scores(members, observed, rows.weights)),
        SINGLE: _rename("count_{}", count_scores(single, observed, rows.weights)),
    }
    true_count = np.full(observed.size, np.nan)
    if checked.truth is not None:
        true_count = np.bincount(rows.block, checked.truth)
        expected = count_forecast_of_members(counts["expected"].to_numpy(), true_count)
        scores[MC_MEAN] |= _rename(
            "count_{}_truth", count_scores(expected, true_count, rows.weights)
        )
    identity = {"model": model, "seed": seed}
    size = {
        "storms": checked.event.size,
        "events": int(checked.event.sum()),
        "runs": draws.blocks.size,
    }
    return UncertaintyTables(
        _score_table(scores, identity | size, confidence, draws.blocks.size),
        spread_skill_table(diagrams, identity, confidence, draws.blocks.size),
        discard_table(tests, identity, confidence, draws.blocks.size),
        _count_table(counts, single, true_count, identity),
    )


def member_scores(storms: SampledStorms, resamples: Resamples) -> dict[str, Array]:
    """Return the scores that are functions of averages over storms (resamples,), by name.

    - `members_brier_score` is the mean Brier score of single members: that of their mean plus the
      epistemic variance (Krogh and Vedelsby 1995). `averaging_benefit` is the gain of the mean
      over the network without dropout.
    - `spread_skill_ratio` is the members' spread divided by the error of their mean (Fortin et al.
      2014). For reliable forecasts of a binary event it is 1 only if the members are sure of 0 or
      1: its square is the `epistemic_share`. With `_truth` the error is that of the probability,
      and 1 is correct.
    - `total_spread_skill_ratio` uses the total spread, sqrt(p(1 - p)): 1 is reliable, less is
      overconfident (the condition of Spiegelhalter 1986).
    - `quantile_coverage_90_truth` is the share of storms whose true probability lies between the
      members' 5 and 95 % quantiles.
    """
    p, y, q = storms.mean, storms.event, storms.truth
    terms: dict[str, Array] = {
        "brier": (p - y) ** 2,
        "without_dropout": (storms.without_dropout - y) ** 2,
        "variance": storms.std**2,
        **storms.variance._asdict(),
        "entropy": storms.entropy.total,
        "expected": storms.entropy.expected,
        "information": storms.entropy.mutual_information,
    }
    if q is not None:
        terms |= {
            "distance": (p - q) ** 2,
            "distance_without_dropout": (storms.without_dropout - q) ** 2,
            "expected_brier": (p - q) ** 2 + q * (1 - q),
        }
        terms |= {
            f"coverage_{percent}": (low <= q) & (q <= high)
            for percent, (low, high) in storms.central.items()
        }
    mean = _averages(terms, resamples)

    spread_squared = storms.member_factor * mean["variance"]
    scores = {
        "brier_score": mean["brier"],
        "members_brier_score": mean["brier"] + mean["epistemic"],
        "averaging_benefit": mean["without_dropout"] - mean["brier"],
        "total_variance": mean["total"],
        "aleatoric_variance": mean["aleatoric"],
        "epistemic_variance": mean["epistemic"],
        "spread_skill_ratio": np.sqrt(ratio(spread_squared, mean["brier"])),
        "epistemic_share": ratio(spread_squared, mean["brier"]),
        "total_spread_skill_ratio": np.sqrt(ratio(mean["total"], mean["brier"])),
        "total_entropy": mean["entropy"],
        "expected_entropy": mean["expected"],
        "mutual_information": mean["information"],
    }
    if q is None:
        return scores
    return scores | {
        "brier_score_truth": mean["distance"],
        "members_brier_score_truth": mean["distance"] + mean["epistemic"],
        "averaging_benefit_truth": mean["distance_without_dropout"] - mean["distance"],
        "spread_skill_ratio_truth": np.sqrt(ratio(spread_squared, mean["distance"])),
        "total_spread_skill_ratio_truth": np.sqrt(ratio(mean["total"], mean["expected_brier"])),
        **{f"quantile_{n}_truth": v for n, v in mean.items() if n.startswith("coverage_")},
    }


def _averages(terms: Mapping[str, Array], resamples: Resamples) -> dict[str, Array]:
    """Return the weighted averages (resamples,) of named terms (storms,)."""
    summed = [np.ones(resamples.block.size), *terms.values()]
    by_block = [np.bincount(resamples.block, term, resamples.blocks.size) for term in summed]
    sums = resamples.weights @ np.stack(by_block, axis=1)
    return dict(zip(terms, (sums[:, 1:] / sums[:, :1]).T, strict=True))


def _rename(pattern: str, scores: Mapping[str, Array]) -> dict[str, Array]:
    return {pattern.format(name): value for name, value in scores.items()}


def _log_what_is_undefined(network: str, storms: SampledStorms, draws: Resamples) -> None:
    """Log why the tables lack scores or intervals."""
    if storms.members == 1:
        logger.warning(
            "%s has one MC member and therefore no spread, so scores of the spread are missing. "
            "Set uncertainty.members to 2 or more.",
            network,
        )
    if storms.event.min() == storms.event.max():
        logger.warning(
            "%s: %s of the storms is an event, so Brier skill scores are missing.",
            network,
            "each" if storms.event[0] else "none",
        )
    if draws.blocks.size == 1:
        logger.warning(
            "%s: all storms have the run date %s, so there are no intervals.",
            network,
            draws.blocks[0],
        )


def _score_table(
    scores: Mapping[str, Mapping[str, Array]],
    identity: Mapping[str, Any],
    confidence: float,
    blocks: int,
) -> pd.DataFrame:
    """Return the scores as a table; the first row of each array is that of the storms."""
    parts = []
    for forecast, values in scores.items():
        samples = np.column_stack(list(values.values()))
        low, high = interval(samples[0], samples[1:], confidence, blocks)
        table = pd.DataFrame(
            {
                "forecast": forecast,
                "score": list(values),
                "value": samples[0],
                "low": low,
                "high": high,
            }
        )
        # The percentiles of reflected samples, see `resampling.reflect`.
        departure = np.array([score_text(score).departure for score in values])
        reflected = 2 * table["value"].to_numpy()[:, np.newaxis] - table[["high", "low"]]
        table.loc[departure, ["low", "high"]] = reflected[departure].clip(lower=0).to_numpy()
        parts.append(table)
    table = pd.concat(parts, ignore_index=True)
    return table.assign(period="test", stratum="all", **identity)[SCORE_COLUMNS]


def _count_table(
    counts: xr.Dataset, single: CountForecast, true_count: Array, identity: Mapping[str, Any]
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
            "deterministic": single.mean,
            "truth": true_count,
        }
    )
