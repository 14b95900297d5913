"""Which test period storms allow, and how precisely forecasts of it could be verified."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stormcnn.storms.events import LEAST_STORMS_PER_CLASS
from stormcnn.storms.run_files import BATCH_FORMATS, first_day
from stormcnn.verification.blocks import block_of
from stormcnn.verification.resampling import interval, resample_blocks
from stormcnn.verification.scores import ratio
from stormcnn.vocabulary import LEAST_BLOCKS, Array, BlockSize

if TYPE_CHECKING:
    from collections.abc import Iterator

TEST_SHARE = 1 / 3
"""Share of the blocks that a suggested test period aims at, about that of the AMS lesson (36 %)."""

TOLERANCE = 0.1
"""Deviation from `TEST_SHARE` with which larger batches are preferred to smaller ones."""

ASSUMED_SKILL = 0.3
"""Brier skill score of the forecast for which the width of the interval is estimated."""

BLOCK_ERROR = 1.0
"""Standard deviation of the error that the logits of all storms of a block share in a forecast of a
less favorable kind: their odds are wrong by a factor of 2.7 in a typical block."""

FORECASTS = 20
"""Forecasts over which the estimated width is averaged."""


class Period(NamedTuple):
    """Numbers of a training or test period; `events` is -1 if the target is unknown."""

    runs: int
    blocks: int
    storms: int
    events: int

    @property
    def is_sufficient(self) -> bool:
        """Whether there are enough events and non-events to train, and blocks for claims."""
        enough = (
            self.events < 0 or min(self.events, self.storms - self.events) >= LEAST_STORMS_PER_CLASS
        )
        return enough and self.blocks >= LEAST_BLOCKS


class Split(NamedTuple):
    """A first day of the test period with the size of the batches, and both periods."""

    test_start: str
    batch: str
    training: Period
    test: Period

    @property
    def is_sufficient(self) -> bool:
        """Whether both periods are."""
        return self.training.is_sufficient and self.test.is_sufficient


class Runs(NamedTuple):
    """The forecast runs of storms, all of shape (runs,): date, storms and events of each.

    `events` is None if the target is unknown.
    """

    run_date: Array
    storms: Array
    events: Array | None

    @classmethod
    def of_storms(cls, run_date: Array, event: Array | None) -> Runs:
        """Count the storms of each run; `run_date` and `event` have the shape (storms,)."""
        dates, run, storms = np.unique(run_date, return_inverse=True, return_counts=True)
        return cls(dates, storms, None if event is None else np.bincount(run, event).astype(int))


def split_runs(runs: Runs, block: BlockSize, test_start: str, batch: str) -> Split:
    """Return the periods before `test_start` and from then on."""
    tested = runs.run_date >= np.datetime64(test_start)
    training, test = (
        Period(
            int(chosen.sum()),
            np.unique(block_of(runs.run_date[chosen], block)).size,
            int(runs.storms[chosen].sum()),
            -1 if runs.events is None else int(runs.events[chosen].sum()),
        )
        for chosen in (~tested, tested)
    )
    return Split(test_start, batch, training, test)


def suggest_split(runs: Runs, block: BlockSize) -> Split | None:
    """Return a split with about a third of the blocks in the test period, None without any.

    Only splits with sufficient periods (`Period.is_sufficient`) are considered, if there are any.
    Of these, the share of the test period that is nearest to `TEST_SHARE` wins, with batches of a
    year if they come within `TOLERANCE`, otherwise of a month, otherwise of a day.

    >>> days = np.arange("2014-06-01", "2015-05-01", dtype="M8[D]").astype("M8[ns]")
    >>> suggest_split(Runs(days, np.full(days.size, 9), None), "day").test_start
    '2015-01-01'
    """
    splits = [split_runs(runs, block, test_start, batch) for batch, test_start in _candidates(runs)]
    sufficient = [one for one in splits if one.is_sufficient]
    ranked = sorted(sufficient or splits, key=_deviation)
    near = [one for one in ranked if _deviation(one) <= TOLERANCE]
    # The sort is stable, so splits of one batch size stay in order of their deviation.
    near.sort(key=lambda one: list(BATCH_FORMATS).index(one.batch), reverse=True)
    return next(iter([*near, *ranked]), None)


def _candidates(runs: Runs) -> Iterator[tuple[str, str]]:
    """Yield batch size and first day of each possible test period, from large to small batches."""
    days: list[date] = sorted(set(runs.run_date.astype("datetime64[D]").tolist()))
    for batch in reversed(BATCH_FORMATS):
        batches = sorted({day.strftime(BATCH_FORMATS[batch]) for day in days})
        for name in batches[1:]:
            yield batch, first_day(name)


def _deviation(split: Split) -> float:
    return abs(split.test.blocks / (split.training.blocks + split.test.blocks) - TEST_SHARE)


def expected_width(
    event: Array,
    run_date: Array,
    block: BlockSize,
    confidence: float,
    *,
    block_error: float = 0.0,
    skill: float = ASSUMED_SKILL,
    resamples: int = 500,
) -> float:
    """Return the expected width of the interval of the Brier skill score of these storms.

    `event` and `run_date` have shape (storms,). The width is that of a made-up forecast with
    reliable probabilities from a beta distribution whose mean is the share of events. Such a
    forecast has the Brier skill score 1 / (a + b + 1) with the parameters a and b, here `skill`.
    Given the outcome, the probability of an event follows Beta(a + 1, b), that of another storm
    Beta(a, b + 1), so the forecast has the events of these storms in their blocks. Intervals are
    those of the scores: blocks are resampled, with the correction for few blocks. The result is the
    mean over `FORECASTS` such forecasts.

    Without `block_error`, errors of different storms are independent given the outcome, as those of
    a perfect forecast are. With it, the logits of a block's storms share a normal error with
    this standard deviation, which reduces the skill and widens the interval.

    NaN with fewer than two blocks, or without events or other storms.

    >>> days = np.repeat(np.arange("2015-05-01", "2015-06-06", dtype="M8[D]"), 40)
    >>> event = np.arange(days.size) % 20 == 0
    >>> alone = expected_width(event, days, "day", confidence=0.95)
    >>> shared = expected_width(event, days, "day", confidence=0.95, block_error=1)
    >>> round(alone, 1), shared > alone
    (0.2, True)
    """
    share = float(event.mean()) if event.size else 0.0
    if not 0 < share < 1:
        return float("nan")
    draws = resample_blocks(block_of(run_date, block), resamples)
    if draws.blocks.size < 2:
        return float("nan")
    total = 1 / skill - 1
    alpha, beta = share * total, (1 - share) * total
    storms, events = np.bincount(draws.block), np.bincount(draws.block, event)
    drawn_share = draws.weights @ events / (draws.weights @ storms)
    random = np.random.default_rng(0)
    widths = []
    for _ in range(FORECASTS):
        probability = random.beta(alpha + event, beta + 1 - event)
        shift = block_error * random.normal(size=draws.blocks.size)[draws.block]
        errors = np.bincount(draws.block, np.square(_shifted(probability, shift) - event))
        value = _skill(errors.sum() / storms.sum(), np.asarray(share))
        samples = _skill(draws.weights @ errors / (draws.weights @ storms), drawn_share)
        low, high = interval(value, samples, confidence, draws.blocks.size)
        widths.append(float(high - low))
    return float(np.mean(widths))


def _shifted(probability: Array, shift: Array) -> Array:
    """Return probabilities (storms,) whose logits are shifted."""
    odds = np.exp(shift) * probability
    return odds / (odds + 1 - probability)


def _skill(brier_score: Array, share: Array) -> Array:
    """Return Brier skill scores, NaN where the share of events is 0 or 1."""
    return 1 - ratio(brier_score, share * (1 - share))
