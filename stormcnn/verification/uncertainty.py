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

from stormcnn.verification.blocks import block_of
from stormcnn.verification.count_tests import value_only
from stormcnn.verification.discard import discard_scores, discard_table, discard_test
from stormcnn.verification.member_noise import brier_score_noise, brier_score_noise_variance
from stormcnn.verification.resampling import Resamples, interval, resample_blocks, rescale
from stormcnn.verification.run_counts import count_table, judge_counts
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
from stormcnn.vocabulary import BLOCK_DAY, LEAST_BLOCKS, MC_MEAN, SINGLE, Array, BlockSize

logger = logging.getLogger(__name__)

SCORE_COLUMNS = [
    "model", "forecast", "seed", "period", "stratum", "score", "value", "low", "high",
    "seed_sd", "block_sd", "storms", "events", "runs", "blocks",
]  # fmt: skip


class UncertaintyTables(NamedTuple):
    """Tidy tables of one network: scores, spread-skill diagrams, discard curves, event counts."""

    scores: pd.DataFrame
    spread_skill: pd.DataFrame
    discard: pd.DataFrame
    counts: pd.DataFrame


class ScoredMembers(NamedTuple):
    """The tables of one network, and what averages over several networks need.

    `scores` has, by forecast and name, each score followed by its resamples (1 + resamples,);
    `size` has the numbers of storms, events, runs and blocks.
    """

    tables: UncertaintyTables
    scores: dict[str, dict[str, Array]]
    size: dict[str, int]


def score_uncertainty(
    storms: xr.Dataset,
    event: ArrayLike,
    counts: xr.Dataset,
    *,
    model: str,
    seed: int,
    resamples: int,
    confidence: float = 0.95,
    block: BlockSize = BLOCK_DAY,
    truth: ArrayLike | None = None,
) -> ScoredMembers:
    """Score the Monte Carlo members of one network, with intervals from resampled blocks.

    Parameters
    ----------
    storms
        `probability` of the network without dropout, `mc_mean`, `mc_std` and `mc_entropy` in nats
        (storm), `mc_quantile` (storm, quantile), and `run_date` (storm).
    event
        1 for an event, else 0 (storms,).
    counts
        `count` and `expected` (run, mc_member): number of events that each member draws and its
        expectation; `brier_influence` (run, mc_member), see `sampling.members.EventCounts`;
        `observed` and `run_date` (run).
    model, seed
        Name of the network, for the tables and the log.
    resamples, confidence
        Number of resamples of the blocks, and confidence of the intervals.
    block
        What is resampled as a whole, see `blocks.block_of`.
    truth
        True probability of made-up storms (storms,).

    In the tables, scores of the network without dropout have the forecast `single`. Undefined
    values (without events, with one member, for the interval with one block, or for a test with
    fewer than `LEAST_BLOCKS` blocks) are missing, and the log says why.

    Raises `UserError` if `storms` and `counts` are not for the same storms, or a value is missing
    or not allowed.
    """
    network = f"{model}, seed {seed}"
    run_date = storms["run_date"].to_numpy()
    draws = resample_blocks(block_of(run_date, block), resamples)
    checked = read_sampled_storms(storms, event, counts.sizes["mc_member"], truth, network)
    counts = match_counts(counts, checked.event, run_date, network)
    _log_what_is_undefined(network, checked, draws)
    if draws.blocks.size == 1:
        draws = draws._replace(weights=draws.weights[:0])
    # The storms themselves are the first row, so one formula gives values and intervals.
    rows = draws._replace(weights=np.vstack([np.ones(draws.blocks.size), draws.weights]))

    diagrams = spread_skill_diagrams(checked, rows)
    tests = discard_test(checked, rows)
    judged = judge_counts(counts, checked, run_date, rows, block, confidence)
    scores = {
        MC_MEAN: member_scores(checked, rows)
        | spread_skill_scores(diagrams, checked.truth is not None)
        | discard_scores(tests)
        | judged.scores[MC_MEAN],
        SINGLE: judged.scores[SINGLE],
    }
    influence = counts["brier_influence"].sum("run").to_numpy()
    _add_noise_of_members(scores[MC_MEAN], influence, checked.event.size, draws.blocks.size)
    identity = {"model": model, "seed": seed}
    size = {
        "storms": checked.event.size,
        "events": int(checked.event.sum()),
        "runs": counts.sizes["run"],
        "blocks": draws.blocks.size,
    }
    tables = UncertaintyTables(
        _score_table(scores, judged.ends, identity | size, confidence),
        spread_skill_table(diagrams, identity, confidence, draws.blocks.size),
        discard_table(tests, identity, confidence, draws.blocks.size),
        count_table(counts, judged, identity),
    )
    return ScoredMembers(tables, scores, size)


def _add_noise_of_members(
    scores: dict[str, Array], influence: Array, storms: int, blocks: int
) -> None:
    """Add the noise of the members to the resamples of the benefit of averaging them.

    The first row, which is that of the storms, stays as it is. With the true probability in place
    of the event the noise is somewhat less, so it is taken from the event in both cases.
    """
    benefit = scores["averaging_benefit"][1:]
    noise = brier_score_noise(influence, storms, benefit.size)
    of_members = brier_score_noise_variance(influence, storms)
    of_blocks = benefit.var(ddof=1) * blocks / (blocks - 1) if benefit.size > 1 else np.nan
    share = ratio(of_members, of_members + of_blocks)
    scores["averaging_benefit_noise_share"] = value_only(float(share), benefit.size)
    for name in ("averaging_benefit", "averaging_benefit_truth"):
        if name in scores:
            scores[name] = np.concatenate((scores[name][:1], scores[name][1:] - noise))


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
            "%s: all storms belong to one block of forecast runs (%s), so there are no intervals.",
            network,
            draws.blocks[0],
        )
    elif draws.blocks.size < LEAST_BLOCKS:
        logger.warning(
            "%s: the storms belong to %d blocks of forecast runs, so the event counts are not "
            "tested. It takes %d blocks.",
            network,
            draws.blocks.size,
            LEAST_BLOCKS,
        )


def block_deviation(value: Array, samples: Array, blocks: int) -> Array:
    """Return the standard deviation of scores due to the choice of blocks (scores,).

    `value` (scores,) has the `samples` (resamples, scores). NaN if some samples are missing.
    """
    if blocks == 1 or len(samples) < 2:
        return np.full(value.shape, np.nan)
    return rescale(value, samples, blocks).std(axis=0, ddof=1)


def _score_table(
    scores: Mapping[str, Mapping[str, Array]],
    known: Mapping[str, Mapping[str, tuple[float, float]]],
    identity: Mapping[str, Any],
    confidence: float,
) -> pd.DataFrame:
    """Return the scores as a table; the first row of each array is that of the storms.

    `known` are the intervals that do not come from resamples, by forecast and score.
    """
    parts = []
    for forecast, values in scores.items():
        samples = np.column_stack(list(values.values()))
        low, high = interval(samples[0], samples[1:], confidence, identity["blocks"])
        table = pd.DataFrame(
            {
                "forecast": forecast,
                "score": list(values),
                "value": samples[0],
                "low": low,
                "high": high,
                "block_sd": block_deviation(samples[0], samples[1:], identity["blocks"]),
            }
        )
        # The percentiles of reflected samples, see `resampling.reflect`.
        departure = np.array([score_text(score).departure for score in values])
        reflected = 2 * table["value"].to_numpy()[:, np.newaxis] - table[["high", "low"]]
        table.loc[departure, ["low", "high"]] = reflected[departure].clip(lower=0).to_numpy()
        table = table.set_index("score")
        for score, ends in known[forecast].items():
            table.loc[score, ["low", "high"]] = ends
        parts.append(table.reset_index())
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(period="test", stratum="all", seed_sd=np.nan, **identity)
    return table[SCORE_COLUMNS]
