"""Rules that decide what the tables of a verification support.

Every statement that the report makes about a model, or about two, is decided here and in
`difference_claims.py`, so that `benchmark/claims.py` can measure on made-up forecasts with known
faults how often it is wrong.

A statement about a *method* needs several training seeds; with fewer it is one about the trained
*networks*. With fewer than `LEAST_BLOCKS` blocks nothing is claimed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from stormcnn.verification.claim_rows import (
    LOG_SCORE,
    Evidence,
    Row,
    change_of,
    estimate_of,
    judge_support,
    most_of,
    power_factor,
    read_evidence,
    rows_by,
    seed_variance,
    what_would_do,
)
from stormcnn.verification.claim_types import (
    ROUNDING,
    Bias,
    Calibration,
    Change,
    Choice,
    Claims,
    Counts,
    Difference,
    Estimate,
    Events,
    Level,
    Need,
    Recalibration,
    Skill,
    Slope,
    Support,
    Width,
)
from stormcnn.verification.difference_claims import (
    judge_averaging,
    judge_differences,
    judge_opponents,
)
from stormcnn.vocabulary import (
    LEAST_BLOCKS,
    LEAST_EVENTS,
    LEAST_SEEDS,
    MC_MEAN,
    OVER_SEEDS,
    RECALIBRATIONS,
    SINGLE,
)

RELEVANT_LOG_ODDS = math.log(2)
"""A bias that doubles or halves the odds must not be missed."""

RELEVANT_SLOPES = (0.5, 2.0)
"""Calibration slopes outside must not be missed."""

RELEVANT_SKILL = 0.1
"""A Brier skill score that must not be missed."""


TEST = "test"


def judge(
    scores: pd.DataFrame,
    differences: pd.DataFrame,
    uncertainty: pd.DataFrame | None = None,
    recalibration: pd.DataFrame | None = None,
    *,
    confidence: float,
    resamples: int,
) -> Claims:
    """Return everything that the tables support.

    `scores` and `differences` are the tables of `tables.verify`, `uncertainty` that of
    `uncertainty.score_uncertainty`, and `recalibration` that of `calibration.recalibration_table`.
    `confidence` and `resamples` are those of the tables.
    """
    evidence = read_evidence(scores, differences)
    forecasts = [(model, forecast) for period, model, forecast in evidence.scores if period == TEST]
    compared = judge_differences(evidence, confidence, resamples)
    opponents = judge_opponents(evidence, confidence, resamples)
    skill = tuple(
        judge_skill(evidence, model, confidence, resamples)
        for model, forecast in forecasts
        if forecast == SINGLE
    )
    return Claims(
        events=judge_events(evidence, compared, confidence),
        choice=choose_models((*compared, *opponents), skill),
        differences=compared,
        opponents=opponents,
        skill=skill,
        calibration=tuple(
            judge_calibration(evidence, model, forecast, confidence, resamples)
            for model, forecast in forecasts
            if forecast in (SINGLE, *RECALIBRATIONS)
        ),
        recalibration=()
        if recalibration is None
        else judge_recalibrations(recalibration, evidence.differences, confidence),
        counts=() if uncertainty is None else judge_counts(uncertainty, confidence),
        averaging=judge_averaging(evidence, _noise_of_members(uncertainty), confidence, resamples),
    )


def judge_events(evidence: Evidence, compared: Sequence[Difference], confidence: float) -> Events:
    """Return whether there are enough events to find a difference of `RELEVANT_DIFFERENCE`.

    Comparisons of methods decide; if there are none, those of networks. Storms without an event
    may be the rare ones.
    """
    rows = next(rows for (period, *_), rows in evidence.scores.items() if period == TEST)
    row = rows["brier_score"]
    events, storms, blocks = (int(row[name]) for name in ("events", "storms", "blocks"))
    rarer = min(events, storms - events)
    of_methods = [one for one in compared if one.support.level is Level.METHOD]
    decisive = of_methods or compared
    widths = [one.difference.half_width for one in decisive]
    # Equal forecasts have intervals of no width, which says nothing of other forecasts.
    unknown = not widths or not all(ROUNDING < width < math.inf for width in widths)
    detectable = math.nan if unknown else max(widths) * power_factor(confidence, len(compared))
    needs = [one.need for one in decisive]
    if blocks < LEAST_BLOCKS:
        needs.append(Need(blocks=LEAST_BLOCKS))
    if 0 < rarer < LEAST_EVENTS:
        needs.append(Need(blocks=math.ceil(blocks * LEAST_EVENTS / rarer)))
    need = most_of(needs)
    enough: bool | None = need == Need()
    if blocks < LEAST_BLOCKS or rarer < LEAST_EVENTS:
        enough = False
    elif unknown or need.resamples:
        enough = None
    return Events(enough, events, storms, blocks, detectable, need)


def choose_models(compared: Sequence[Difference], skill: Sequence[Skill]) -> Choice:
    """Return the models to use: those with skill that are not known to lose to another.

    They may be as good as each other, unless all of them beat some model.
    """
    if all(one.verdict is Change.UNKNOWN for one in skill):
        return Choice(Change.UNKNOWN, ())
    skillful = [one.model for one in skill if one.verdict is Change.BETTER]
    if not skillful:
        return Choice(Change.WORSE, ())
    better, worse = (
        {(one.model, one.reference) for one in compared if one.verdict is verdict}
        for verdict in (Change.BETTER, Change.WORSE)
    )
    winners = {model for model, _ in better}
    losers = {reference for _, reference in better} | {model for model, _ in worse}
    chosen = tuple(name for name in skillful if name not in losers)
    if not chosen:
        return Choice(Change.UNKNOWN, ())
    return Choice(Change.BETTER if winners.issuperset(chosen) else Change.NONE, chosen)


def judge_skill(evidence: Evidence, model: str, confidence: float, resamples: int) -> Skill:
    """Return whether a model beats the event frequency of the training period.

    The frequency of the test period is no fair opponent, because no forecaster knows it beforehand.
    """
    row = evidence.scores[TEST, model, SINGLE]["brier_skill_score_training"]
    support, score = judge_support(row, evidence.seeds), estimate_of(row)
    verdict, need = Change.UNKNOWN, Need()
    if support.level is not Level.NOTHING and score.sign:
        verdict = Change.BETTER if score.sign > 0 else Change.WORSE
    elif support.level is not Level.NOTHING and score.high < RELEVANT_SKILL:
        verdict = Change.NONE
    else:
        from_seeds = seed_variance(row, support)
        need = what_would_do(support, score, RELEVANT_SKILL, confidence, resamples, from_seeds)
    return Skill(model, support, verdict, score, need)


def judge_calibration(
    evidence: Evidence, model: str, forecast: str, confidence: float, resamples: int
) -> Calibration:
    """Return whether a forecast is calibrated in the test period.

    Bias and slope are tested apart, each at half of the level. If neither is found, the forecast
    is calibrated as far as can be told only if the intervals exclude a bias of
    `RELEVANT_LOG_ODDS` and slopes outside `RELEVANT_SLOPES`.
    """
    rows = evidence.scores[TEST, model, forecast]
    support = judge_support(rows["calibration_intercept"], evidence.seeds)
    intercept, slope = (estimate_of(rows[f"calibration_{name}"]) for name in ("intercept", "slope"))
    bias_found, slope_found = (
        2 * rows[f"calibration_{name}_p_value"]["value"] < 1 - confidence
        for name in ("bias", "slope")
    )
    bias, tilt = Bias.UNKNOWN, Slope.UNKNOWN
    if support.level is not Level.NOTHING:
        # The tests hold for other blocks, the intervals of a method for other seeds as well.
        if bias_found and intercept.excludes(0):
            bias = Bias.UNDER if intercept.low > 0 else Bias.OVER
        elif intercept.within(-RELEVANT_LOG_ODDS, RELEVANT_LOG_ODDS):
            bias = Bias.NONE
        if slope_found and slope.excludes(1):
            tilt = Slope.FLAT if slope.low > 1 else Slope.SHARP
        elif slope.within(*RELEVANT_SLOPES):
            tilt = Slope.NONE
    need = most_of(
        what_would_do(
            support,
            estimate,
            relevant,
            confidence,
            resamples,
            seed_variance(rows[f"calibration_{name}"], support),
            comparisons=2,
        )
        for unknown, name, estimate, relevant in (
            (bias is Bias.UNKNOWN, "intercept", intercept, RELEVANT_LOG_ODDS),
            (tilt is Slope.UNKNOWN, "slope", slope, 1 - RELEVANT_SLOPES[0]),
        )
        if unknown
    )
    return Calibration(model, forecast, support, bias, tilt, intercept, slope, need)


def judge_recalibrations(
    recalibration: pd.DataFrame,
    differences: Mapping[tuple[str, str, str, str], Mapping[str, Row]],
    confidence: float,
) -> tuple[Recalibration, ...]:
    """Return for each model whether its best recalibration helps, from the log score.

    `recalibration` is the table of `calibration.recalibration_table`, and `differences` are those
    of the evidence. The best one gains most out
    of fold: on storms of other blocks than those it was fitted to. p-values are multiplied by the
    number of recalibrations (Bonferroni).
    """
    verdicts = []
    for model, own in recalibration.groupby("model", sort=False):
        best = own.sort_values("log_score_gain", ascending=False, kind="stable").iloc[0]
        method, blocks, gain = best["method"], int(best["blocks"]), best["log_score_gain"]
        verdict = Change.UNKNOWN
        if best["p_value"] * len(own) < 1 - confidence:
            verdict = Change.BETTER if gain > 0 else Change.WORSE
        elif blocks >= LEAST_BLOCKS and not math.isnan(best["p_value"]):
            verdict = Change.NONE
        need = Need(blocks=LEAST_BLOCKS if blocks < LEAST_BLOCKS else None)
        tested = differences.get((TEST, model, model, method), {}).get(LOG_SCORE)
        verdicts.append(
            Recalibration(
                model,
                method,
                Support(Level.NOTHING if need.blocks else Level.NETWORKS, 1, blocks, need),
                verdict,
                Estimate(-gain, -best["high"], -best["low"]),
                change_of(tested, tested["p_value"], confidence) if tested else Change.UNKNOWN,
            )
        )
    return tuple(verdicts)


def judge_counts(uncertainty: pd.DataFrame, confidence: float) -> tuple[Counts, ...]:
    """Return whether the MC members of each model forecast event counts well, by its seeds' mean.

    If there is no such mean, the first network stands for the model.
    The bias is judged first; the width is that of the intervals after the bias is removed. They are
    too narrow if the PIT's variance exceeds 1/12. If the members forecast too few events, others
    were added to remove the bias. This widens the intervals, so only too narrow ones are found.
    """
    members = uncertainty[uncertainty["forecast"] == MC_MEAN]
    verdicts = []
    for (model,), rows in rows_by(members, "model").items():
        first = rows["count_bias"]
        mean_error, coverage, variance = (
            estimate_of(rows[f"count_{name}"]) for name in ("bias", "coverage_90", "pit_variance")
        )
        bias_p, width_p = (rows[f"count_{name}_p_value"]["value"] for name in ("bias", "width"))
        bias, width, need = Bias.UNKNOWN, Width.UNKNOWN, Need()
        if first["blocks"] < LEAST_BLOCKS:
            need = Need(blocks=LEAST_BLOCKS)
        elif math.isnan(bias_p) and first["seed"] == OVER_SEEDS:
            need = Need(seeds=LEAST_SEEDS)
        if need == Need() and not math.isnan(bias_p):
            found = Bias.OVER if mean_error.value > 0 else Bias.UNDER
            bias = found if bias_p < 1 - confidence else Bias.NONE
        if need == Need() and not math.isnan(width_p):
            wrong = Width.NARROW if variance.value > 1 / 12 else Width.WIDE
            width = wrong if width_p < 1 - confidence else Width.NONE
            if bias is Bias.UNDER and width is not Width.NARROW:
                width = Width.UNKNOWN
        verdicts.append(
            Counts(
                model, str(first["seed"]), int(first["blocks"]), bias, width, mean_error, coverage,
                variance, need,
            )
        )  # fmt: skip
    return tuple(verdicts)


def _noise_of_members(uncertainty: pd.DataFrame | None) -> dict[str, float]:
    """Return the share of the noise of the members for each model: the greatest of its networks."""
    if uncertainty is None:
        return {}
    share = uncertainty[uncertainty["score"] == "averaging_benefit_noise_share"]
    return share.groupby("model")["value"].max().to_dict()
