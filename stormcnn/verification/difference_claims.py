"""Rules that decide which differences between forecasts may be claimed."""

from __future__ import annotations

import math
from collections.abc import Mapping

from stormcnn.verification.claim_rows import (
    LEAST_RESAMPLES,
    LOG_SCORE,
    Evidence,
    Row,
    change_of,
    difference_of,
    judge_support,
    seed_variance,
    what_would_do,
)
from stormcnn.verification.claim_types import Change, Difference, Level, Need, Support
from stormcnn.verification.resampling import holm, resamples_needed
from stormcnn.vocabulary import MC_MEAN, OPPONENTS, SINGLE

CLAIMED = "brier_skill_score"
"""The score by which models are compared."""

OTHER_SCORES = ("auc", "average_precision", LOG_SCORE)
"""Scores in which differences are mentioned as well; `CLAIMED` stands for the Brier score."""

RELEVANT_DIFFERENCE = 0.05
"""A difference in Brier skill score that must not be missed."""


Pairs = Mapping[tuple[str, str], Mapping[str, Row]]
"""For each model and reference, the row of each score."""


def judge_differences(
    evidence: Evidence, confidence: float, resamples: int
) -> tuple[Difference, ...]:
    """Return how each network compares with its reference networks in `CLAIMED`.

    A difference is claimed if its p-value after Holm's correction is below 1 - `confidence` and
    its interval excludes 0. Differences in `OTHER_SCORES` are found in the same way, as one family.
    """
    pairs = {
        (model, reference): rows
        for (period, model, reference, forecast), rows in evidence.differences.items()
        if period == "test"
        and forecast == SINGLE
        and model != reference
        and reference not in OPPONENTS
    }
    return _judge_pairs(pairs, evidence, confidence, resamples)


def judge_opponents(
    evidence: Evidence, confidence: float, resamples: int
) -> tuple[Difference, ...]:
    """Return how the networks compare with each opponent in `CLAIMED`, the best network first.

    The networks that are compared with one opponent are one family of Holm's correction, so the
    p-value of the best of them accounts for the choice; its interval does not.
    """
    verdicts: list[Difference] = []
    for opponent in OPPONENTS:
        pairs = {
            (model, reference): rows
            for (period, model, reference, forecast), rows in evidence.differences.items()
            if period == "test" and forecast == SINGLE and reference == opponent
        }
        judged = _judge_pairs(pairs, evidence, confidence, resamples)
        verdicts += sorted(judged, key=lambda one: -one.difference.value)
    return tuple(verdicts)


def judge_averaging(
    evidence: Evidence, noise: Mapping[str, float], confidence: float, resamples: int
) -> tuple[Difference, ...]:
    """Return how the mean over the MC members compares with the same networks without dropout.

    `noise` is, for each model, the share of the variance that is due to the draw of the members.
    Intervals are widened by it, because other members would give another mean.
    """
    pairs = {
        (model, reference): {
            score: _widen(row, noise.get(model, 0.0)) for score, row in rows.items()
        }
        for (period, model, reference, forecast), rows in evidence.differences.items()
        if period == "test" and forecast == MC_MEAN and model == reference
    }
    return _judge_pairs(pairs, evidence, confidence, resamples)


def _widen(row: Row, noise: float) -> Row:
    """Return a row whose interval accounts for a share of the variance that was left out.

    Without a share below 1, the interval is unknown.
    """
    known = math.isfinite(noise) and noise < 1
    factor = 1 / math.sqrt(1 - max(noise, 0.0)) if known else math.nan
    value = row["difference"]
    low, high = (value + factor * (row[end] - value) for end in ("low", "high"))
    return {**row, "low": low, "high": high}


def _judge_pairs(
    pairs: Pairs, evidence: Evidence, confidence: float, resamples: int
) -> tuple[Difference, ...]:
    """Return one verdict per pair; all of them are listed together."""
    others = _other_differences(pairs, confidence)
    enough = max(LEAST_RESAMPLES, resamples_needed(len(pairs), confidence) + 1)
    verdicts = []
    for (model, reference), rows in pairs.items():
        row = rows[CLAIMED]
        support, difference = judge_support(row, evidence.seeds), difference_of(row)
        claimed = support.level is not Level.NOTHING and resamples >= enough
        verdict, need = Change.UNKNOWN, Need()
        if support.level is Level.NOTHING:
            need = Need(blocks=support.need.blocks)
        elif resamples < enough:
            need = Need(resamples=enough)
        else:
            verdict = change_of(row, row["p_holm"], confidence)
            excluded = difference.within(-RELEVANT_DIFFERENCE, RELEVANT_DIFFERENCE)
            if verdict is Change.NONE and not excluded:
                verdict = Change.UNKNOWN
                need = what_would_do(
                    support,
                    difference,
                    RELEVANT_DIFFERENCE,
                    confidence,
                    resamples,
                    _from_seeds(evidence, support, row),
                    comparisons=len(pairs),
                )
        verdicts.append(
            Difference(
                model,
                reference,
                forecast=row["forecast"],
                reference_forecast=row["reference_forecast"],
                support=support,
                verdict=verdict,
                difference=difference,
                p_holm=float(row["p_holm"]),
                need=need,
                others=others[model, reference] if claimed else (),
            )
        )
    return tuple(verdicts)


def _other_differences(
    pairs: Pairs, confidence: float
) -> dict[tuple[str, str], tuple[tuple[str, Change], ...]]:
    """Return the significant differences in `OTHER_SCORES` of each pair; all are one family."""
    listed = [(pair, score) for pair in pairs for score in OTHER_SCORES]
    p_holm = holm([pairs[pair][score]["p_value"] for pair, score in listed])
    found: dict[tuple[str, str], list[tuple[str, Change]]] = {pair: [] for pair in pairs}
    for (pair, score), p in zip(listed, p_holm, strict=True):
        change = change_of(pairs[pair][score], p, confidence)
        if change in (Change.BETTER, Change.WORSE):
            found[pair].append((score, change))
    return {pair: tuple(changes) for pair, changes in found.items()}


def _from_seeds(evidence: Evidence, support: Support, row: Row) -> float:
    """Return the part of the variance of a difference that is due to the seeds of both models."""
    if row["model"] == row["reference"]:
        return 0.0
    return sum(
        seed_variance(evidence.scores["test", model, SINGLE][CLAIMED], support)
        for model in (row["model"], row["reference"])
    )
