"""What can be said about models: verdicts without words, each with its evidence.

A verdict has three kinds of outcome: something was found; nothing was found although an effect that
matters would have shown; or too little is known, and the verdict says how many blocks, seeds or
resamples would do. The rules are in `claims.py`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """What a statement is about."""

    METHOD = "method"
    NETWORKS = "networks"
    NOTHING = "nothing"


class Bias(StrEnum):
    """Whether probabilities or event counts are too high or too low on average."""

    OVER = "over"
    UNDER = "under"
    NONE = "none"
    UNKNOWN = "unknown"


class Slope(StrEnum):
    """Whether probabilities vary too much (sharp) or too little (flat)."""

    SHARP = "sharp"
    FLAT = "flat"
    NONE = "none"
    UNKNOWN = "unknown"


class Width(StrEnum):
    """Whether intervals of event counts are too narrow or too wide."""

    NARROW = "narrow"
    WIDE = "wide"
    NONE = "none"
    UNKNOWN = "unknown"


class Change(StrEnum):
    """How a forecast compares with another one, or with climatology."""

    BETTER = "better"
    WORSE = "worse"
    NONE = "none"
    UNKNOWN = "unknown"


ROUNDING = 1e-6
"""Scores of 0 differ from it by less, because predictions are stored in single precision."""


class Estimate(NamedTuple):
    """A value with the ends of its confidence interval, NaN if they are unknown."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half of the length of the interval."""
        return (self.high - self.low) / 2

    def within(self, low: float, high: float) -> bool:
        """Return whether the interval lies between `low` and `high`."""
        return low < self.low and self.high < high

    def excludes(self, value: float) -> bool:
        """Return whether the interval excludes `value`; one without ends excludes nothing."""
        return self.low > value or self.high < value

    @property
    def sign(self) -> int:
        """1 or -1 if the interval lies above or below 0 by more than rounding errors, else 0."""
        return int(self.low > ROUNDING) - int(self.high < -ROUNDING)


class Need(NamedTuple):
    """How many blocks, seeds or resamples would do; None for what is not too few."""

    blocks: int | None = None
    seeds: int | None = None
    resamples: int | None = None


class Support(NamedTuple):
    """What a statement can be about, and what is missing for one about the method."""

    level: Level
    seeds: int
    blocks: int
    need: Need


class Calibration(NamedTuple):
    """Whether a forecast is calibrated: bias and slope apart."""

    model: str
    forecast: str
    support: Support
    bias: Bias
    slope: Slope
    intercept: Estimate
    """Of the events on the log odds of the forecast, with slope 1: > 0 if it under-forecasts."""
    slope_estimate: Estimate
    need: Need


class Skill(NamedTuple):
    """Whether a model is more skillful than the event frequency of the training period."""

    model: str
    support: Support
    verdict: Change
    score: Estimate
    need: Need


class Difference(NamedTuple):
    """How one forecast compares with another one in Brier skill score."""

    model: str
    reference: str
    forecast: str
    reference_forecast: str
    support: Support
    verdict: Change
    difference: Estimate
    p_holm: float
    need: Need
    others: tuple[tuple[str, Change], ...]
    """Other scores that differ, with the direction."""


class Recalibration(NamedTuple):
    """Whether a recalibration helps storms that it was not fitted to."""

    model: str
    method: str
    support: Support
    verdict: Change
    log_score: Estimate
    """Change of the log score out of fold; negative is better."""
    in_test: Change
    """What it did to the log score of the test period."""


class Counts(NamedTuple):
    """Whether the members' numbers of events are right on average, and their intervals in width."""

    model: str
    seed: str
    """The seed of the network, or `mean` for the mean over the seeds."""
    blocks: int
    bias: Bias
    width: Width
    mean_error: Estimate
    """Forecast minus observed events per forecast run."""
    coverage: Estimate
    """Of the intervals that are meant to contain 90 % of the numbers."""
    pit_variance: Estimate
    """Without bias; 1/12 if the width is right, more if the intervals are too narrow."""
    need: Need


class Events(NamedTuple):
    """Whether there are enough events to tell the models apart."""

    enough: bool | None
    """None if that cannot be told."""
    events: int
    storms: int
    blocks: int
    detectable: float
    """Difference in Brier skill score that is found in 80 % of the cases; NaN if unknown."""
    need: Need


class Choice(NamedTuple):
    """Which models to use: none of those given is known to be worse than another."""

    verdict: Change
    """`BETTER` if each of the models beats another one, `NONE` if they may be as good, `WORSE` if
    no model is known to have skill, `UNKNOWN` if nothing can be claimed."""
    models: tuple[str, ...]


class Claims(NamedTuple):
    """All verdicts of one verification."""

    events: Events
    choice: Choice
    differences: tuple[Difference, ...]
    """Between networks."""
    opponents: tuple[Difference, ...]
    """Each network against each opponent: by opponent, the best network first."""
    skill: tuple[Skill, ...]
    calibration: tuple[Calibration, ...]
    recalibration: tuple[Recalibration, ...]
    counts: tuple[Counts, ...]
    averaging: tuple[Difference, ...]
    """Means over MC members against the same network without dropout."""
