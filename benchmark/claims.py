"""Measure how often the report's verdicts are wrong, on made-up forecasts with known faults.

Each data set is scored by `verify` and `score_uncertainty` and judged by `claims.judge`, as in the
workflow. If the forecast lacks the fault that a verdict finds, that is a false alarm; otherwise the
verdict has the right or the wrong direction.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmark.simulated_forecasts import (
    FREQUENCY,
    Forecaster,
    Members,
    Storms,
    make_storms,
    with_skill,
)
from stormcnn.verification import calibration
from stormcnn.verification.claim_types import Bias, Change, Claims, Slope, Width
from stormcnn.verification.claims import judge, judge_counts, judge_recalibrations
from stormcnn.verification.tables import verify
from stormcnn.verification.uncertainty import score_uncertainty

CONFIDENCE = 0.95
RESAMPLES = 200
SEEDS = 5
BETTER_SKILL = 0.33

NONE, UNKNOWN = "none", "unknown"
RIGHT, WRONG, FALSE_ALARM = "right", "wrong", "false alarm"
COVERED, MISSED = "covered", "missed"

Question = tuple[str, str]
"""What is judged, and the case."""

Outcomes = dict[Question, str]

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

RECALIBRATIONS = {
    "calibrated, so it can only get worse": (GOOD, Change.WORSE),
    "over-forecasts": (Forecaster(bias=0.7), Change.BETTER),
    "too sharp": (Forecaster(slope=0.5), Change.BETTER),
}
"""Forecasters, and what a recalibration does to them; it can only add noise to a calibrated one."""


class Setting(NamedTuple):
    """How many days a data set has, and forecast runs and storms a day."""

    days: int
    runs: int = 1
    storms: int = 40

    @property
    def name(self) -> str:
        """Name in the results."""
        return f"{self.days} days, {'daily' if self.runs == 1 else 'hourly'}"


def outcome(verdict: str, truth: str) -> str:
    """Return what a verdict is worth if the truth is known.

    >>> [outcome(Bias.OVER, truth) for truth in (Bias.NONE, Bias.UNDER, Bias.OVER)]
    ['false alarm', 'wrong', 'right']
    >>> outcome(Bias.UNKNOWN, Bias.OVER)
    'unknown'
    """
    if verdict in (NONE, UNKNOWN):
        return str(verdict)
    if truth == NONE:
        return FALSE_ALARM
    return RIGHT if verdict == truth else WRONG


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


def worst(outcomes: Iterable[str]) -> str:
    """Return one outcome for several verdicts: the one that matters most."""
    given = set(outcomes)
    return next(one for one in (FALSE_ALARM, WRONG, RIGHT, UNKNOWN, NONE) if one in given)


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
    return compare("three equal networks", NONE, equal) | compare(
        "a better network", Change.BETTER, better
    )


def methods(storms: Storms, draw: np.random.Generator) -> Outcomes:
    """Return what becomes of the verdicts on two groups of seeds of the same method."""
    outcomes: Outcomes = {}
    for case, train in (("steady", train_steady), ("unsteady", train_unsteady)):
        models = {name: train(draw) for name in "ab"}
        claims, _ = judge_models(storms, models, draw)
        outcomes |= compare(f"two groups of seeds of one {case} method", NONE, claims)
    return outcomes


def better_methods(storms: Storms, draw: np.random.Generator) -> Outcomes:
    """Return what becomes of the verdict on a better method."""
    models = {"a": train_steady(draw), "b": train_steady(draw, BETTER_SKILL)}
    claims, _ = judge_models(storms, models, draw)
    return compare("a better method", Change.BETTER, claims)


def train_steady(draw: np.random.Generator, skill: float = 0.25) -> list[Forecaster]:
    """Return networks whose Brier skill scores have a standard deviation of 0.03."""
    skills = skill + 0.03 * draw.standard_normal(SEEDS)
    return [with_skill(one) for one in skills.clip(0.003, 0.37)]


def train_unsteady(draw: np.random.Generator) -> list[Forecaster]:
    """Return networks whose Brier skill scores have a standard deviation of 0.106."""
    return [with_skill(one) for one in draw.uniform(0.003, 0.37, SEEDS)]


def compare(case: str, truth: str, claims: Claims) -> Outcomes:
    """Return what becomes of the differences: in the claimed score, and in others."""
    others = [change for one in claims.differences for _, change in one.others]
    return {
        ("difference", case): worst(outcome(one.verdict, truth) for one in claims.differences),
        ("difference in other scores", case): worst(
            (NONE, *(outcome(change, truth) for change in others))
        ),
    }


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
                resamples=RESAMPLES,
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


PARTS: dict[str, Callable[[Storms, np.random.Generator], Outcomes]] = {
    "single models": single_models,
    "networks": networks,
    "methods": methods,
    "counts": counts,
    "recalibrations": recalibrations,
    "better methods": better_methods,
    "intervals": intervals,
}

DAILY = [Setting(days) for days in (36, 20, 12)]
HOURLY = [Setting(days, runs=24, storms=120) for days in (36, 20, 12)]
COVERAGE = [
    Setting(days, runs, storms)
    for runs, storms in ((1, 40), (24, 120))
    for days in (10, 20, 36, 100)
]
PLAN = {
    "single models": (DAILY + HOURLY, 300),
    "networks": (DAILY, 300),
    "methods": (DAILY, 300),
    "counts": (DAILY, 300),
    "recalibrations": (DAILY, 300),
    "better methods": (DAILY, 100),
    "intervals": (COVERAGE, 300),
}
"""Settings and number of data sets of each part."""


def judge_data_set(setting: Setting, part: str, number: int) -> Outcomes:
    """Return the outcomes of one made-up data set, which `number` identifies."""
    draw = np.random.default_rng([setting.days, setting.runs, list(PARTS).index(part), number])
    return PARTS[part](make_storms(draw, *setting), draw)


def count_outcomes(all_outcomes: Iterable[Outcomes]) -> dict[str, dict[str, dict[str, int]]]:
    """Return how often each outcome came up, by question and case."""
    counted: dict[str, dict[str, dict[str, int]]] = {}
    for outcomes in all_outcomes:
        for (question, case), one in outcomes.items():
            counted.setdefault(question, {}).setdefault(case, Counter())[one] += 1
    return counted


def measure() -> dict[str, Any]:
    """Return how often each outcome came up, by setting, question and case."""
    results: dict[str, Any] = {}
    # Few blocks and events are meant here, so their warnings say nothing.
    without_warnings = partial(logging.disable, logging.WARNING)
    with ProcessPoolExecutor(os.cpu_count(), initializer=without_warnings) as pool:
        for part, (settings, data_sets) in PLAN.items():
            for setting in settings:
                judge_one = partial(judge_data_set, setting, part)
                outcomes = pool.map(judge_one, range(data_sets), chunksize=10)
                own = results.setdefault(setting.name, {})
                for question, cases in count_outcomes(outcomes).items():
                    own.setdefault(question, {}).update(cases)
    return results
