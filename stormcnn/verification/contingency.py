"""Contingency tables of a probability forecast at thresholds, and their scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stormcnn.verification.scores import check_compact, ratio
from stormcnn.verification.storm_slices import forecast_slices

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stormcnn.verification.resampling import Resamples
    from stormcnn.vocabulary import Array


@dataclass(frozen=True)
class Contingency:
    """Hits, misses, false alarms and correct negatives: arrays of one shape, counts or weights.

    Scores are NaN where they divide by 0. Formulas: Jolliffe and Stephenson (2012, chapter 3).

    >>> table = Contingency(*map(np.array, ([6], [2], [4], [88])))
    >>> table.pod, table.success_ratio, table.csi
    (array([0.75]), array([0.6]), array([0.5]))
    """

    hits: Array
    misses: Array
    false_alarms: Array
    correct_negatives: Array

    @property
    def pod(self) -> Array:
        """Probability of detection (hit rate): share of the events that were forecast."""
        return ratio(self.hits, self.hits + self.misses)

    @property
    def pofd(self) -> Array:
        """Probability of false detection: share of the other storms that were forecast."""
        return ratio(self.false_alarms, self.false_alarms + self.correct_negatives)

    @property
    def success_ratio(self) -> Array:
        """Share of the forecast events that occurred: 1 - false alarm ratio."""
        return ratio(self.hits, self.hits + self.false_alarms)

    @property
    def csi(self) -> Array:
        """Critical success index (threat score). Sources: Gilbert (1884), Schaefer (1990)."""
        return ratio(self.hits, self.hits + self.misses + self.false_alarms)

    @property
    def frequency_bias(self) -> Array:
        """Number of forecast events divided by the number of observed events."""
        return ratio(self.hits + self.false_alarms, self.hits + self.misses)

    @property
    def peirce_skill_score(self) -> Array:
        """POD - POFD. Source: Peirce (1884)."""
        return self.pod - self.pofd

    @property
    def heidke_skill_score(self) -> Array:
        """Share of correct forecasts, relative to chance. Source: Heidke (1926)."""
        a, b, c, d = self.hits, self.false_alarms, self.misses, self.correct_negatives
        return ratio(2 * (a * d - b * c), (a + c) * (c + d) + (a + b) * (b + d))

    @property
    def equitable_threat_score(self) -> Array:
        """CSI without the hits due to chance. Sources: Gilbert (1884), Schaefer (1990)."""
        a, b, c, d = self.hits, self.false_alarms, self.misses, self.correct_negatives
        chance = ratio((a + b) * (a + c), a + b + c + d)
        return ratio(a - chance, a + b + c - chance)

    @property
    def symmetric_extremal_dependence_index(self) -> Array:
        """Skill that does not vanish for rare events. Source: Ferro and Stephenson (2011)."""
        h, f = (np.where((x > 0) & (x < 1), x, np.nan) for x in (self.pod, self.pofd))
        difference = np.log(f) - np.log(h) - np.log1p(-f) + np.log1p(-h)
        return ratio(difference, np.log(f) + np.log(h) + np.log1p(-f) + np.log1p(-h))


def contingency(probability: ArrayLike, event: ArrayLike, thresholds: ArrayLike) -> Contingency:
    """Return the contingency table (thresholds,) of forecasting the event if p >= threshold.

    `probability` (storms,) lies in [0, 1], `event` (storms,) is 0 or 1, `thresholds`
    (thresholds,) may be in any order. Raises `UserError` as `scores.check_forecast` does.

    >>> contingency([0.9, 0.4, 0.2], [1, 1, 0], thresholds=[0.1, 0.5]).hits
    array([2., 1.])
    """
    levels, place = np.unique(np.asarray(thresholds, dtype=np.float64), return_inverse=True)
    together = np.zeros(np.size(probability), np.int32)
    events, others = _count_between(probability, event, levels, together, blocks=1)
    table = _tabulate(events, others)
    return Contingency(
        table.hits[0, place],
        table.misses[0, place],
        table.false_alarms[0, place],
        table.correct_negatives[0, place],
    )


def contingency_by_block(
    probability: ArrayLike, event: ArrayLike, resamples: Resamples, thresholds: Array
) -> Contingency:
    """Return the contingency tables (resamples, thresholds) of all resamples.

    Parameters are as in `contingency`, but `thresholds` must ascend.

    >>> from stormcnn.verification.resampling import resample_blocks
    >>> draws = resample_blocks(["1 May", "1 May", "2 May"], resamples=2, seed=0)
    >>> contingency_by_block([0.9, 0.4, 0.2], [1, 1, 0], draws, np.array([0.1, 0.5])).hits.shape
    (2, 2)
    """
    counts = _count_between(probability, event, thresholds, resamples.block, resamples.blocks.size)
    return _tabulate(*(resamples.weights @ by_block for by_block in counts))


def _count_between(
    probability: ArrayLike, event: ArrayLike, thresholds: Array, block: Array, blocks: int
) -> tuple[Array, Array]:
    """Return the events and the other storms of each block between thresholds.

    Arrays (blocks, thresholds + 1); `thresholds` must ascend, and the first element counts storms
    below all of them.
    """
    p, y = check_compact(probability, event)
    shape = blocks, thresholds.size + 1
    events, storms = np.zeros((2, shape[0] * shape[1]))
    for some_p, some_y, by in forecast_slices(p, y, block, events.size):
        cell = by * shape[1] + np.searchsorted(thresholds, some_p, side="right")
        events += np.bincount(cell, some_y, events.size)
        storms += np.bincount(cell, minlength=storms.size)
    return events.reshape(shape), (storms - events).reshape(shape)


def _tabulate(events: Array, others: Array) -> Contingency:
    """Return the contingency tables (rows, thresholds) of what `_count_between` counts."""
    tables = []
    for counts in (events, others):
        reached = counts[:, ::-1].cumsum(axis=1)[:, ::-1]
        tables += [reached[:, 1:], reached[:, :1] - reached[:, 1:]]
    hits, misses, false_alarms, correct_negatives = tables
    return Contingency(hits, misses, false_alarms, correct_negatives)
