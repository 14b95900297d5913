"""Made-up storms and forecasts whose bias, slope, skill and spread are known exactly.

The log odds of an event are a constant + SIGNAL x + DAY_EFFECT h, where each storm has its own
standard normal x and all storms of a day share a hidden h. A forecaster sees z, which has the
correlation `knowledge` with x, and forecasts the probability of the event given z, so it is
calibrated. Faults are then added to its log odds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.optimize import brentq
from scipy.special import expit, logit

from stormcnn.sampling.members import QUANTILES, binary_entropy

FREQUENCY = 0.047
"""Event frequency, as in the AMS lesson."""

SIGNAL = 3.2
DAY_EFFECT = 0.8
STORMS_PER_DAY = 40

FIRST_DAY = np.datetime64("2011-04-01T00", "h")
GRID = np.linspace(-7, 7, 281)
"""Values of a standard normal variable."""

DENSITY = np.exp(-(GRID**2) / 2) / np.exp(-(GRID**2) / 2).sum()
"""Probabilities of `GRID`."""

Array = np.ndarray[Any, Any]


def average_over_normal(log_odds: Array, sd: float) -> Array:
    """Return the mean probability (n,) if a normal variable is added to `log_odds` (n,)."""
    return expit(log_odds[:, np.newaxis] + sd * GRID) @ DENSITY


@lru_cache
def constant(day_effect: float = DAY_EFFECT) -> float:
    """Return the constant of the log odds, with which events have the frequency `FREQUENCY`."""
    sd = float(np.hypot(SIGNAL, day_effect))
    return brentq(lambda at: average_over_normal(np.array([at]), sd)[0] - FREQUENCY, -20, 0)


class Storms(NamedTuple):
    """Made-up storms: arrays (storms,)."""

    signal: Array
    """The part of the log odds that forecasters may see, x."""
    event: Array
    """1 for an event, else 0."""
    day: Array
    """Number of the day."""
    run_date: Array

    def arrays(self, **own: Array) -> dict[str, Array]:
        """Return what `verify` needs of the storms, and `own`."""
        return own | {"label": self.event, "run_date": self.run_date}


def make_storms(draw: np.random.Generator, days: int, runs: int = 1, storms: int = 40) -> Storms:
    """Return `storms` storms for each day, in `runs` forecast runs a day at equal intervals."""
    day = np.repeat(np.arange(days), storms)
    hour = np.tile(np.arange(storms) * runs // storms * (24 // runs), days)
    signal = draw.standard_normal(day.size)
    hidden = draw.standard_normal(days)[day]
    chance = expit(constant() + SIGNAL * signal + DAY_EFFECT * hidden)
    event = (draw.random(day.size) < chance).astype(np.int8)
    run_date = FIRST_DAY + (24 * day + hour).astype("timedelta64[h]")
    return Storms(signal, event, day, run_date)


class Population(NamedTuple):
    """Scores of a forecaster over infinitely many storms."""

    brier_score: float
    brier_skill_score_training: float
    auc: float


@dataclass(frozen=True)
class Forecaster:
    """A forecaster with known faults.

    `bias` is added to the log odds; `slope` is the slope of the events on the forecast's log odds,
    so less than 1 is too sharp. A change of slope leaves the mean probability as it is.
    """

    knowledge: float = 0.9
    bias: float = 0.0
    slope: float = 1.0

    @cached_property
    def calibrated(self) -> Array:
        """The probability of the event at each value of `GRID`."""
        unseen = np.hypot(SIGNAL * np.sqrt(1 - self.knowledge**2), DAY_EFFECT)
        return average_over_normal(constant() + SIGNAL * self.knowledge * GRID, float(unseen))

    @cached_property
    def _log_odds(self) -> Array:
        """The forecast log odds at each value of `GRID`."""
        right = logit(self.calibrated)
        if self.slope == 1:
            return right + self.bias

        def excess(shift: float) -> float:
            return float(DENSITY @ expit((right - shift) / self.slope)) - FREQUENCY

        return (right - brentq(excess, -20, 20)) / self.slope + self.bias

    def forecast(self, storms: Storms, draw: np.random.Generator) -> Array:
        """Return the probabilities (storms,)."""
        return self.probability(storms, draw.standard_normal(storms.signal.size))

    def probability(self, storms: Storms, noise: Array) -> Array:
        """Return the probabilities (storms,) of a forecaster with this `noise` (storms,)."""
        seen = self.knowledge * storms.signal + np.sqrt(1 - self.knowledge**2) * noise
        return expit(np.interp(seen, GRID, self._log_odds))

    @cached_property
    def population(self) -> Population:
        """The scores over infinitely many storms; the training climatology is `FREQUENCY`."""
        p, q = self.calibrated, expit(self._log_odds)
        brier = float(DENSITY @ (q**2 - 2 * q * p + p))
        events, others = DENSITY * p, DENSITY * (1 - p)
        below = np.cumsum(others) - others / 2
        area = float(events @ below) / (events.sum() * others.sum())
        return Population(brier, 1 - brier / (FREQUENCY * (1 - FREQUENCY)), area)

    def log_score(self, shift: float) -> float:
        """Return the log score over infinitely many storms if `shift` is added to the log odds."""
        p, log_odds = self.calibrated, self._log_odds + shift
        return float(DENSITY @ (np.logaddexp(0, log_odds) - p * log_odds))

    def neutral_shift(self) -> float:
        """Return the constant other than 0 that leaves the log score of a biased forecaster."""

        def change(shift: float) -> float:
            return self.log_score(shift) - self.log_score(0)

        return float(brentq(change, *sorted((-1.2 * self.bias, -4 * self.bias))))

    def without_skill(self) -> Forecaster:
        """Return the forecaster with the bias that makes it as good as climatology."""

        def skill(bias: float) -> float:
            return replace(self, bias=bias).population.brier_skill_score_training

        return replace(self, bias=brentq(skill, 0, 10))


@lru_cache
def _skill_by_knowledge() -> tuple[Array, Array]:
    """Return values of `knowledge`, and the Brier skill score of each calibrated forecaster."""
    knowledge = np.linspace(0, 1, 101)
    scores = [Forecaster(one).population.brier_skill_score_training for one in knowledge]
    return knowledge, np.array(scores)


def with_skill(skill: float) -> Forecaster:
    """Return the calibrated forecaster with this Brier skill score."""
    knowledge, scores = _skill_by_knowledge()
    return Forecaster(float(np.interp(skill, scores, knowledge)))


def summarize_members(
    storms: Storms, single: Array, p: Array, draw: np.random.Generator
) -> tuple[xr.Dataset, xr.Dataset]:
    """Return the members' statistics and their event counts, as they are sampled.

    `single` (storms,) are the probabilities without dropout, `p` (members, storms) those of the
    members.
    """
    event = draw.random(p.shape) < p
    mean = p.mean(axis=0)
    dates, run = np.unique(storms.run_date, return_inverse=True)

    def by_run(values: Array) -> Array:
        return np.stack([np.bincount(run, one, dates.size) for one in values], axis=1)

    sampled = xr.Dataset(
        {
            "probability": ("storm", single),
            "mc_mean": ("storm", mean),
            "mc_std": ("storm", p.std(axis=0, ddof=1)),
            "mc_entropy": ("storm", binary_entropy(p).mean(axis=0)),
            "mc_quantile": (("quantile", "storm"), np.quantile(p, QUANTILES, axis=0)),
        },
        coords={"run_date": ("storm", storms.run_date), "quantile": list(QUANTILES)},
    )
    counted = xr.Dataset(
        {
            "count": (("run", "mc_member"), by_run(event).astype(int)),
            "expected": (("run", "mc_member"), by_run(p)),
            "brier_influence": (("run", "mc_member"), by_run((mean - storms.event) * (p - mean))),
            "observed": ("run", np.bincount(run, storms.event, dates.size).astype(int)),
        },
        coords={"run_date": ("run", dates)},
    )
    return sampled, counted


@dataclass(frozen=True)
class Members:
    """MC members with known faults, which see x and draw the hidden part of each day themselves.

    Their numbers of events and the observed one are exchangeable if they add the right `day_effect`
    and no `bias`. With less the intervals are too narrow, with more too wide.
    """

    bias: float = 0.0
    day_effect: float = DAY_EFFECT
    members: int = 50

    def sample(self, storms: Storms, draw: np.random.Generator) -> tuple[xr.Dataset, xr.Dataset]:
        """Return the members' statistics and their event counts, as they are sampled."""
        known = constant(self.day_effect) + self.bias + SIGNAL * storms.signal
        hidden = draw.standard_normal((self.members, storms.day[-1] + 1))[:, storms.day]
        return summarize_members(
            storms, expit(known), expit(known + self.day_effect * hidden), draw
        )


@dataclass(frozen=True)
class DropoutNetwork:
    """A dropout network whose MC mean has a known benefit.

    Without dropout it is calibrated and has the Brier skill score `skill`. Each member adds its own
    constant, with the standard deviation `member_sd`, to all log odds. The mean over infinitely
    many members is calibrated; that over `members` of them has on average the Brier skill score
    `skill` + `benefit`. The two forecasts see noise with the correlation `in_common`.
    """

    benefit: float = 0.0
    skill: float = 0.26
    member_sd: float = 0.6
    members: int = 50
    in_common: float = 0.9

    def _center(self, mean: Array) -> Array:
        """Return the log odds of a member without constant, from the mean over all members."""
        center = np.linspace(-30, 20, 1001)
        return np.interp(mean, average_over_normal(center, self.member_sd), center)

    @cached_property
    def _mean(self) -> Forecaster:
        """What infinitely many members would forecast on average."""
        skill = self.skill + self.benefit
        center = self._center(with_skill(skill).calibrated)
        chance = expit(center[:, np.newaxis] + self.member_sd * GRID)
        variance = chance**2 @ DENSITY - (chance @ DENSITY) ** 2
        lost = float(DENSITY @ variance) / self.members / (FREQUENCY * (1 - FREQUENCY))
        return with_skill(skill + lost)

    def sample(self, storms: Storms, draw: np.random.Generator) -> tuple[xr.Dataset, xr.Dataset]:
        """Return the members' statistics and their event counts, as they are sampled."""
        noise, other = draw.standard_normal((2, storms.signal.size))
        single = with_skill(self.skill).probability(storms, noise)
        noise = self.in_common * noise + np.sqrt(1 - self.in_common**2) * other
        center = self._center(self._mean.probability(storms, noise))
        constants = self.member_sd * draw.standard_normal((self.members, 1))
        return summarize_members(storms, single, expit(center + constants), draw)
