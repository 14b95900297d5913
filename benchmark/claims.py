"""Measure how often the report's verdicts are wrong, on made-up forecasts with known faults.

If a forecast lacks the fault that a verdict finds, that is a false alarm; otherwise the verdict has
the right or the wrong direction.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np

from benchmark.claim_outcomes import Outcomes, Results, count_outcomes
from benchmark.simulated_forecasts import Storms, make_storms
from benchmark.simulated_verdicts import (
    applied_recalibrations,
    averaging,
    better_methods,
    counts,
    intervals,
    methods,
    networks,
    recalibrations,
    single_models,
)


class Setting(NamedTuple):
    """How many days a data set has, and forecast runs and storms a day."""

    days: int
    runs: int = 1
    storms: int = 40

    @property
    def name(self) -> str:
        """Name in the results."""
        return f"{self.days} days, {'daily' if self.runs == 1 else 'hourly'}"


PARTS: dict[str, Callable[[Storms, np.random.Generator], Outcomes]] = {
    "single-models": single_models,
    "networks": networks,
    "methods": methods,
    "better-methods": better_methods,
    "averaging": averaging,
    "recalibrations": recalibrations,
    "applied-recalibrations": applied_recalibrations,
    "counts": counts,
    "intervals": intervals,
}

DAILY = [Setting(days) for days in (36, 20, 12)]
HOURLY = [Setting(days, runs=24, storms=120) for days in (36, 20, 12)]
COVERAGE = [
    Setting(days, runs, storms)
    for runs, storms in ((1, 40), (24, 120))
    for days in (10, 20, 36, 100)
]
DATA_SETS = 300
"""Number of data sets of each part and setting."""


def settings_of(part: str) -> list[Setting]:
    """Return the settings of a part."""
    return COVERAGE if part == "intervals" else DAILY + HOURLY


def judge_data_set(setting: Setting, part: str, number: int) -> Outcomes:
    """Return the outcomes of one made-up data set, which `number` identifies."""
    draw = np.random.default_rng([setting.days, setting.runs, list(PARTS).index(part), number])
    return PARTS[part](make_storms(draw, *setting), draw)


def measure(part: str, data_sets: int = DATA_SETS, processes: int | None = None) -> Results:
    """Return how often each outcome came up, for each setting of a part."""
    # Few blocks and events are meant here, so their warnings say nothing.
    without_warnings = partial(logging.disable, logging.WARNING)
    with ProcessPoolExecutor(processes or os.cpu_count(), initializer=without_warnings) as pool:
        return {
            setting.name: count_outcomes(
                pool.map(partial(judge_data_set, setting, part), range(data_sets), chunksize=10)
            )
            for setting in settings_of(part)
        }
