"""Verdicts on made-up forecasts with known faults.

Each data set is scored by `verify` and `score_uncertainty` and judged by `claims.judge`, as in the
workflow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from benchmark.claim_outcomes import (
    COVERED,
    MISSED,
    NONE,
    Outcomes,
    choice_outcome,
    compare,
    outcome,
    worst,
)
from benchmark.simulated_forecasts import (
    FREQUENCY,
    DropoutNetwork,
    Forecaster,
    Members,
    Storms,
    with_skill,
)
from stormcnn.verification import calibration
from stormcnn.verification.claim_types import Bias, Change, Claims, Slope, Width
from stormcnn.verification.claims import judge, judge_counts, judge_recalibrations
from stormcnn.verification.recalibration import Recalibration
from stormcnn.verification.tables import verify
from stormcnn.verification.uncertainty import score_uncertainty
from stormcnn.vocabulary import INTERCEPT

CONFIDENCE = 0.95
RESAMPLES = 200
RESAMPLES_OF_NOISE = 50
"""Resamples for the share of the noise of the members, of which only the variance is needed."""

SEEDS = 5
SKILL = 0.26
BETTER_SKILL = 0.33
BENEFIT = 0.04
"""Gain in Brier skill score of an MC mean that is better."""

GOOD = Forecaster()
CALIBRATIONS = {
    "calibrated": (GOOD, Bias.NONE, Slope.NONE),
    "over-forecasts": (Forecaster(bias=0.5), Bias.OVER, Slope.NONE),
    "under-forecasts": (Forecaster(bias=-0.5), Bias.UNDER, Slope.NONE),
    "too sharp": (Forecaster(slope=0.67), Bias.NONE, Slope.SHARP),
    "too flat": (Forecaster(slope=1.5), Bias.NONE, Slope.FLAT),
}
"""Forecasters with their true bias and slope."""

SKILLS = {
    "skillful": (GOOD, Change.BETTER),
    "as good as climatology": (GOOD.without_skill(), Change.NONE),
    "worse than climatology": (Forecaster(bias=1.8), Change.WORSE),
}
"""Forecasters and how they compare with the climatology of the training period."""

COUNTS = {
    "reliable": (Members(), Bias.NONE, Width.NONE),
    "too many events": (Members(bias=0.5), Bias.OVER, Width.NONE),
    "too few events": (Members(bias=-0.5), Bias.UNDER, Width.NONE),
    "too narrow": (Members(day_effect=0.0), Bias.NONE, Width.NARROW),
    "too wide": (Members(day_effect=2.0), Bias.NONE, Width.WIDE),
}
"""MC members with the true bias of their counts and the width of their intervals."""

SEED_BIAS = 0.3
"""Standard deviation between seeds of the bias of a method that is calibrated on average."""

BIASED = Forecaster(bias=-0.5)
APPLIED = {
    "as good as before": (BIASED, BIASED.neutral_shift(), Change.NONE),
    "corrected": (Forecaster(bias=0.7), -0.7, Change.BETTER),
    "made too high": (GOOD, 0.7, Change.WORSE),
}
"""Forecasters, the change of their log odds, and what it does to the log score."""

RECALIBRATIONS = {
    "calibrated, so it can only get worse": (GOOD, Change.WORSE),
    "over-forecasts": (Forecaster(bias=0.7), Change.BETTER),
    "too sharp": (Forecaster(slope=0.5), Change.BETTER),
}
"""Forecasters, and what a recalibration does to them; it can only add noise to a calibrated one."""


def judge_models(
    storms: Storms,
    models: Mapping[str, Sequence[Forecaster]],
    draw: np.random.Generator,
    resamples: int = RESAMPLES,
) -> tuple[Claims, pd.DataFrame]:
    """Return the verdicts on models with some seeds, and the scores; the first is the reference."""
    tables = verify(
        {
            (model, seed): storms.arrays(probability=forecaster.forecast(storms, draw))
            for model, seeds in models.items()
            for seed, forecaster in enumerate(seeds)
        },
        reference=next(iter(models)),
        training_climatology=FREQUENCY,
        curves=False,
        resamples=resamples,
        confidence=CONFIDENCE,
    )
    claims = judge(tables.scores, tables.differences, confidence=CONFIDENCE, resamples=resamples)
    return claims, tables.scores


def single_models(storms: Storms, draw: np.random.Generator) -> Outcomes:
    """Return what becomes of the verdicts on calibration and skill."""
    models = {name: [case[0]] for name, case in (SKILLS | CALIBRATIONS).items()}
    claims, _ = judge_models(storms, models, draw)
    outcomes: Outcomes = {}
    for one in claims.calibration:
        if one.model in CALIBRATIONS:
            _, bias, slope = CALIBRATIONS[one.model]
            outcomes["bias", one.model] = outcome(one.bias, bias)
            outcomes["slope", one.model] = outcome(one.slope, slope)
            if (bias, slope) == (Bias.NONE, Slope.NONE):
                outcomes["bias or slope", one.model] = worst(
                    (outcomes["bias", one.model], outcomes["slope", one.model])
                )
    for skill in claims.skill:
        if skill.model in SKILLS:
            outcomes["skill", skill.model] = outcome(skill.verdict, SKILLS[skill.model][1])
    return outcomes


def intervals(storms: Storms, draw: np.random.Generator) -> Outcomes:
    """Return whether the intervals of a forecaster's scores contain the true values."""
    _, scores = judge_models(storms, {"good": [GOOD]}, draw, resamples=1000)
    ends = scores[scores["stratum"] == "all"].set_index("score")[["low", "high"]]
    return {
        ("interval", score): COVERED
        if ends.loc[score, "low"] <= truth <= ends.loc[score, "high"]
        else MISSED
        for score, truth in GOOD.population._asdict().items()
    }


def networks(storms: Storms, draw: np.random.Generator) -> Outcomes:
    """Return what becomes of the verdicts on differences of trained networks."""
    equal, _ = judge_models(storms, {name: [GOOD] for name in "abc"}, draw)
    better, _ = judge_models(storms, {"a": [GOOD], "b": [with_skill(BETTER_SKILL)]}, draw)
    useless, _ = judge_models(storms, {name: [GOOD.without_skill()] for name in "abc"}, draw)
    return (
        compare("three equal networks", NONE, equal)
        | compare("a better network", Change.BETTER, better)
        | {
            ("model to use", "three equal networks"): choice_outcome(equal, "abc"),
            ("model to use", "a better network"): choice_outcome(better, "b"),
            ("model to use", "three networks as good as climatology"): choice_outcome(useless, ""),
        }
    )


def methods(storms: Storms, draw: np.random.Generator) -> Outcomes:
    """Return what becomes of the verdicts on two groups of seeds of the same method."""
    outcomes: Outcomes = {}
    for case, train in (("steady", train_steady), ("unsteady", train_unsteady)):
        models = {name: train(draw) for name in "ab"}
        claims, _ = judge_models(storms, models, draw)
        name = f"two groups of seeds of one {case} method"
        outcomes |= compare(name, NONE, claims)
        outcomes["model to use", name] = choice_outcome(claims, "ab")
    biases = SEED_BIAS * draw.standard_normal(SEEDS)
    claims, _ = judge_models(storms, {"a": [Forecaster(bias=one) for one in biases]}, draw)
    for one in claims.calibration:
        outcomes["bias", "method calibrated on average"] = outcome(one.bias, Bias.NONE)
        outcomes["slope", "method calibrated on average"] = outcome(one.slope, Slope.NONE)
    return outcomes


def better_methods(storms: Storms, draw: np.random.Generator) -> Outcomes:
    """Return what becomes of the verdict on a better method."""
    models = {"a": train_steady(draw), "b": train_steady(draw, BETTER_SKILL)}
    claims, _ = judge_models(storms, models, draw)
    return compare("a better method", Change.BETTER, claims) | {
        ("model to use", "a better method"): choice_outcome(claims, "b")
    }


def averaging(storms: Storms, draw: np.random.Generator) -> Outcomes:
    """Return what becomes of the verdicts on the MC mean against the network without dropout."""
    cases: dict[str, tuple[Iterable[float], Change]] = {
        "no benefit": ([0.0], Change.NONE),
        "a benefit": ([BENEFIT], Change.BETTER),
        "seeds with no benefit on average": (0.02 * draw.standard_normal(SEEDS), Change.NONE),
    }
    return {
        ("MC mean", case): outcome(judge_averaging(storms, benefits, draw), truth)
        for case, (benefits, truth) in cases.items()
    }


def judge_averaging(storms: Storms, benefits: Iterable[float], draw: np.random.Generator) -> Change:
    """Return the verdict on the MC mean of a dropout network with a `benefit` for each seed."""
    networks, noise = {}, []
    for seed, benefit in enumerate(benefits):
        sampled, counted = DropoutNetwork(benefit).sample(storms, draw)
        networks["dropout", seed] = storms.arrays(
            **{name: sampled[name].to_numpy() for name in ("probability", "mc_mean")}
        )
        scored = score_uncertainty(
            sampled,
            storms.event,
            counted,
            model="dropout",
            seed=seed,
            resamples=RESAMPLES_OF_NOISE,
            confidence=CONFIDENCE,
        )
        noise.append(scored.tables.scores)
    tables = verify(
        networks,
        monte_carlo=networks,
        reference="dropout",
        training_climatology=FREQUENCY,
        curves=False,
        resamples=RESAMPLES,
        confidence=CONFIDENCE,
    )
    claims = judge(
        tables.scores,
        tables.differences,
        pd.concat(noise),
        confidence=CONFIDENCE,
        resamples=RESAMPLES,
    )
    return claims.averaging[0].verdict


def train_steady(draw: np.random.Generator, skill: float = SKILL) -> list[Forecaster]:
    """Return networks whose Brier skill scores have a standard deviation of 0.03."""
    skills = skill + 0.03 * draw.standard_normal(SEEDS)
    return [with_skill(one) for one in skills.clip(0.003, 0.37)]


def train_unsteady(draw: np.random.Generator) -> list[Forecaster]:
    """Return networks whose Brier skill scores have a standard deviation of 0.106."""
    return [with_skill(one) for one in draw.uniform(0.003, 0.37, SEEDS)]


def counts(storms: Storms, draw: np.random.Generator) -> Outcomes:
    """Return what becomes of the verdicts on event counts."""
    tables = []
    for model, (members, _, _) in COUNTS.items():
        sampled, counted = members.sample(storms, draw)
        tables.append(
            score_uncertainty(
                sampled,
                storms.event,
                counted,
                model=model,
                seed=0,
                resamples=1,  # these verdicts need none
                confidence=CONFIDENCE,
            ).tables.scores
        )
    outcomes: Outcomes = {}
    for one in judge_counts(pd.concat(tables), CONFIDENCE):
        _, bias, width = COUNTS[one.model]
        outcomes["bias of event counts", one.model] = outcome(one.bias, bias)
        outcomes["width of event counts", one.model] = outcome(one.width, width)
    return outcomes


def recalibrations(storms: Storms, draw: np.random.Generator) -> Outcomes:
    """Return what becomes of the verdicts on recalibrations fitted to held-out storms."""
    judged = {
        model: calibration.judge_recalibrations(
            ("intercept", "logistic"),
            forecaster.forecast(storms, draw),
            storms.event,
            storms.day,
            CONFIDENCE,
        )
        for model, (forecaster, _) in RECALIBRATIONS.items()
    }
    table = calibration.recalibration_table(judged)
    verdicts = judge_recalibrations(table, {}, CONFIDENCE)
    return {
        ("recalibration", one.model): outcome(one.verdict, RECALIBRATIONS[one.model][1])
        for one in verdicts
    }


def applied_recalibrations(storms: Storms, draw: np.random.Generator) -> Outcomes:
    """Return what becomes of the verdicts on what a recalibration does in the test period."""
    networks, table = {}, []
    for model, (forecaster, shift, _) in APPLIED.items():
        p, function = forecaster.forecast(storms, draw), Recalibration(INTERCEPT, shift, 1.0)
        networks[model, 0] = storms.arrays(
            **{"probability": p, f"probability_{INTERCEPT}": function.apply(p)}
        )
        table.append(calibration.Judged(INTERCEPT, function, storms.day[-1] + 1, p.size, 0))
    tables = verify(
        networks,
        recalibrated=networks,
        reference=next(iter(APPLIED)),
        training_climatology=FREQUENCY,
        curves=False,
        resamples=RESAMPLES,
        confidence=CONFIDENCE,
    )
    claims = judge(
        tables.scores,
        tables.differences,
        recalibration=calibration.recalibration_table(
            {model: [one] for model, one in zip(APPLIED, table, strict=True)}
        ),
        confidence=CONFIDENCE,
        resamples=RESAMPLES,
    )
    return {
        ("recalibration in the test period", one.model): outcome(one.in_test, APPLIED[one.model][2])
        for one in claims.recalibration
    }
