"""Sums over the storms of one forecast, from which all its scores are computed.

`ForecastByBlock` sorts the storms once and sums them by block. The totals of a resample are
then products of these sums with the weights of the blocks, so thousands of resamples cost
little more than one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stormcnn.verification.score_registry import SCORES
from stormcnn.verification.scores import (
    bin_of,
    check_compact,
    log_losses,
    log_odds,
    ratio,
    spiegelhalter_terms,
)
from stormcnn.verification.storm_slices import forecast_slices, storm_slices
from stormcnn.verification.storm_steps import sort_into_steps
from stormcnn.vocabulary import PROBABILITY_BINS, Array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike

LOG_ODDS_WIDTH = 0.1
"""Width of the groups of log odds with which resamples are fitted by logistic regression.

With 3000 storms this changes a slope by 2 to 7 % of its standard error; the values of the storms
themselves are exact.
"""

MOST_UNGROUPED = 200
"""Number of different probabilities up to which resamples are fitted without groups.

About as many groups exist at most, and a few storms per group would not represent them.
"""

_CELLS = 2**18
"""Elements of an array of steps and rows that fit into the cache of a processor."""


@dataclass(frozen=True)
class StormTotals:
    """Weighted sums over the storms of one forecast; a row for each set of weights.

    In the descriptions p is a storm's probability and y is 1 for an event, else 0.
    """

    storms: Array
    """Sum of the weights (rows,)."""
    events: Array
    """Sum of y (rows,)."""
    probability: Array
    """Sum of p (rows,)."""
    squared_error: Array
    """Sum of (p - y)^2 (rows,)."""
    log_loss: Array
    """Sum of `scores.log_losses` (rows,)."""
    spiegelhalter_excess: Array
    """Sum of the first of `scores.spiegelhalter_terms` (rows,)."""
    spiegelhalter_variance: Array
    """Sum of the second of `scores.spiegelhalter_terms` (rows,)."""
    bin_storms: Array
    """Sum of the weights in each bin of `scores.bin_of` (rows, bins)."""
    bin_probability: Array
    """Sum of p in each bin (rows, bins)."""
    bin_events: Array
    """Sum of y in each bin (rows, bins)."""
    bin_squared_probability: Array
    """Sum of p^2 in each bin (rows, bins)."""
    bin_probability_of_events: Array
    """Sum of p * y in each bin (rows, bins)."""
    step_events: Array
    """Events in each step of `storm_steps.Steps` (steps, rows)."""
    step_others: Array
    """Storms without event in each step (steps, rows)."""
    isotonic_pools: Array
    """First step of each pool of steps that isotonic regression always merges (pools,)."""
    log_odds: Array
    """Mean log odds of p in each group of storms of similar p (groups,)."""
    log_odds_storms: Array
    """Sum of the weights in each of these groups (rows, groups)."""
    log_odds_events: Array
    """Sum of y in each of these groups (rows, groups)."""
    log_odds_together: tuple[Array, Array]
    """Storms and events in each of these groups if all weights are 1 (groups,)."""
    training_climatology: float
    """Event frequency of the training period."""

    @cached_property
    def hits(self) -> Array:
        """Events whose probability reaches the threshold (steps, rows)."""
        return np.cumsum(self.step_events, axis=0)

    @cached_property
    def false_alarms(self) -> Array:
        """Storms without event whose probability reaches the threshold (steps, rows)."""
        return np.cumsum(self.step_others, axis=0)

    @cached_property
    def critical_success_index(self) -> Array:
        """Critical success index at each threshold (steps, rows)."""
        events = self.hits[-1]
        return ratio(self.hits, np.where(events > 0, events + self.false_alarms, 0))

    @cached_property
    def bin_mean_probability(self) -> Array:
        """Mean of p in each bin (rows, bins); 0 for empty bins."""
        return self.bin_probability / np.where(self.bin_storms > 0, self.bin_storms, 1)

    @cached_property
    def bin_event_frequency(self) -> Array:
        """Mean of y in each bin (rows, bins); 0 for empty bins."""
        return self.bin_events / np.where(self.bin_storms > 0, self.bin_storms, 1)

    @cached_property
    def isotonic_brier_score(self) -> Array:
        """Brier score after the best monotone recalibration (rows,)."""
        # The residuals of the fit add up to 0 within each of its steps, so the squared error is
        # the number of events minus the sum of the squared fit.
        events = self.hits[-1]
        return (events - self._squared_isotonic_fit()) / (events + self.false_alarms[-1])

    def _squared_isotonic_fit(self) -> Array:
        """Sum the squared isotonic fit over storms (rows,)."""
        from scipy.optimize import isotonic_regression  # takes long to import

        last = np.append(self.isotonic_pools[1:], len(self.hits)) - 1
        pooled_events = np.diff(self.hits[last], axis=0, prepend=0).T
        pooled_storms = pooled_events + np.diff(self.false_alarms[last], axis=0, prepend=0).T
        drawn = pooled_storms > 0
        row = np.nonzero(drawn)[0]
        storms = pooled_storms[drawn]
        # One fit serves all rows: frequencies differ by at most 1, so lowering each row by 2
        # against the previous one keeps the rows apart.
        step = -2.0 * row
        fit = isotonic_regression(
            pooled_events[drawn] / storms + step, weights=storms, increasing=False
        )
        return np.bincount(row, storms * (fit.x - step) ** 2, len(drawn))


class Reliability(NamedTuple):
    """The bins of a reliability diagram: arrays (rows, bins)."""

    probability: Array
    """Mean probability, NaN in empty bins."""
    frequency: Array
    """Event frequency, NaN in empty bins."""
    storms: Array
    events: Array


def _terms(p: Array, y: Array) -> dict[str, Array]:
    """Return what `StormTotals` sums over all storms: arrays (storms,) by the name of the sum."""
    excess, variance = spiegelhalter_terms(p, y)
    return {
        "storms": np.ones_like(p),
        "events": y,
        "probability": p,
        "squared_error": (p - y) ** 2,
        "log_loss": log_losses(p, y),
        "spiegelhalter_excess": excess,
        "spiegelhalter_variance": variance,
    }


def _bin_terms(p: Array, y: Array) -> dict[str, Array]:
    """Return what `StormTotals` sums over the storms of each bin, in the same form."""
    return {
        "bin_storms": np.ones_like(p),
        "bin_probability": p,
        "bin_events": y,
        "bin_squared_probability": p * p,
        "bin_probability_of_events": p * y,
    }


def _interval_of(log_odds: Array) -> Array:
    """Return the number of the interval of width `LOG_ODDS_WIDTH` that contains log odds."""
    return np.floor(log_odds / LOG_ODDS_WIDTH).astype(np.intp)


def _scores_of(totals: StormTotals) -> dict[str, Array]:
    """Return every score of the registry that has a function (rows,), by its name."""
    return {name: score.function(totals) for name, score in SCORES.items() if score.function}


def total_storms(
    probability: ArrayLike, event: ArrayLike, training_climatology: float = float("nan")
) -> StormTotals:
    """Return the totals of storms of weight 1, in a single row.

    Parameters are arrays (storms,), `probability` in [0, 1] and `event` 0 or 1, and the event
    frequency of the training period. Raises `UserError` as `scores.check_forecast` does.

    >>> totals = total_storms([0.9, 0.2, 0.2], [1, 0, 1])
    >>> totals.storms, totals.events
    (array([3.]), array([2.]))
    """
    block = np.zeros(np.shape(probability), dtype=np.int32)
    return ForecastByBlock(probability, event, block, training_climatology).totals_of_storms()


class ForecastByBlock:
    """One forecast, summed by block.

    Parameters
    ----------
    probability, event
        Arrays (storms,), in [0, 1], and 0 or 1.
    block
        Index of each storm's block (storms,), as in `Resamples`.
    training_climatology
        Event frequency of the training period.

    Raises `UserError` as `scores.check_forecast` does.

    >>> forecast = ForecastByBlock([0.9, 0.2, 0.2], [1, 0, 1], block=np.array([0, 0, 1]))
    >>> forecast.scores(np.array([[1, 1], [2, 0]]))["event_frequency"].round(3)
    array([0.667, 0.5  ])
    """

    def __init__(
        self,
        probability: ArrayLike,
        event: ArrayLike,
        block: Array,
        training_climatology: float = float("nan"),
    ) -> None:
        p, y = check_compact(probability, event)
        blocks = int(block.max()) + 1
        self._training_climatology = training_climatology
        self._steps = sort_into_steps(p, y, block, blocks)
        self._sum_by_block(p, y, block, blocks)
        self._group_log_odds(p, y, block, blocks)

    def _sum_by_block(self, p: Array, y: Array, block: Array, blocks: int) -> None:
        """Sum the terms by block (blocks, sums), those of bins one column per bin."""
        sums: dict[str, Array] = {}
        bin_sums: dict[str, Array] = {}
        for some_p, some_y, by in forecast_slices(p, y, block):
            for name, term in _terms(some_p, some_y).items():
                sums[name] = sums.get(name, 0) + np.bincount(by, term, blocks)
            cell = by * PROBABILITY_BINS + bin_of(some_p)
            for name, term in _bin_terms(some_p, some_y).items():
                counts = np.bincount(cell, term, blocks * PROBABILITY_BINS)
                bin_sums[name] = bin_sums.get(name, 0) + counts
        self._names, self._bin_names = list(sums), list(bin_sums)
        binned = [array.reshape(blocks, PROBABILITY_BINS) for array in bin_sums.values()]
        self._sums = np.hstack([np.stack([*sums.values()], axis=1), *binned])

    def _group_log_odds(self, p: Array, y: Array, block: Array, blocks: int) -> None:
        """Count storms and events by block in groups of log odds, and average these in each group.

        Groups are intervals of log odds, or equal log odds of few different probabilities.
        """
        few = self._steps.probability.size <= MOST_UNGROUPED
        different = (
            np.unique(log_odds(self._steps.probability.astype(np.float64))) if few else np.empty(0)
        )
        lowest, highest = (_interval_of(log_odds(np.array(end))) for end in (0.0, 1.0))
        groups = different.size if few else int(highest - lowest) + 1
        total = np.zeros(groups)
        storms, events = np.zeros((2, blocks * groups))
        for some_p, some_y, by in forecast_slices(p, y, block, storms.size):
            x = log_odds(some_p)
            group = np.searchsorted(different, x) if few else _interval_of(x) - lowest
            cell = by * groups + group
            total += np.bincount(group, x, groups)
            storms += np.bincount(cell, minlength=blocks * groups)
            events += np.bincount(cell, some_y, blocks * groups)
        storms, events = storms.reshape(blocks, groups), events.reshape(blocks, groups)
        number = storms.sum(axis=0)
        used = number > 0
        self._log_odds = total[used] / number[used]
        self._log_odds_storms, self._log_odds_events = storms[:, used], events[:, used]

    def _split_sums(self, sums: Array) -> dict[str, Any]:
        """Return the parts of an array (rows, sums) by name, (rows,) or (rows, bins) each."""
        whole, binned = np.split(sums, [len(self._names)], axis=1)
        bins = np.split(binned, len(self._bin_names), axis=1)
        names = (*self._names, *self._bin_names)
        return dict(zip(names, (*whole.T, *bins), strict=True))

    def sums_by_block(self, term: str) -> Array:
        """Return the sum of a term over the storms of each block (blocks,).

        `term` is a name of `StormTotals` with shape (rows,).
        """
        return self._sums[:, self._names.index(term)]

    def totals(self, weights: Array) -> Iterator[StormTotals]:
        """Yield the totals for `weights` (rows, blocks), a few rows at a time.

        The number of rows is such that the arrays stay in the processor's cache. If
        `weights` has no rows, one object without rows is yielded.
        """
        sums = weights @ self._sums
        together = self._log_odds_storms.sum(axis=0), self._log_odds_events.sum(axis=0)
        for rows in self._chunks(weights):
            events, others = self._count_in_steps(weights[rows])
            yield StormTotals(
                **self._split_sums(sums[rows]),
                step_events=events,
                step_others=others,
                isotonic_pools=self._steps.isotonic_pools,
                log_odds=self._log_odds,
                log_odds_storms=weights[rows] @ self._log_odds_storms,
                log_odds_events=weights[rows] @ self._log_odds_events,
                log_odds_together=together,
                training_climatology=self._training_climatology,
            )

    def totals_of_storms(self) -> StormTotals:
        """Return the totals of the storms themselves, with every probability as it is."""
        totals = next(self.totals(np.ones((1, len(self._sums)))))
        x = np.empty(self._steps.probability.size)
        for part in storm_slices(x.size):
            x[part] = log_odds(self._steps.probability[part].astype(np.float64))
        together = self._steps.storms, self._steps.events
        return replace(
            totals,
            log_odds=x,
            log_odds_storms=together[0][np.newaxis],
            log_odds_events=together[1][np.newaxis],
            log_odds_together=together,
        )

    def scores(self, weights: Array) -> dict[str, Array]:
        """Return every score of `score_registry.SCORES` that has a function, by its name.

        `weights` (rows, blocks) is the number of times each block counts; scores have the shape
        (rows,).
        """
        parts = [_scores_of(totals) for totals in self.totals(weights)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def values(self) -> dict[str, float]:
        """Return the scores of the storms themselves, each of weight 1."""
        once = _scores_of(self.totals_of_storms())
        return {score: float(value[0]) for score, value in once.items()}

    def reliability(self, weights: Array) -> Reliability:
        """Return the bins of a reliability diagram (rows, bins). `weights` is as in `scores`."""
        sums = self._split_sums(weights @ self._sums)
        storms, events = sums["bin_storms"], sums["bin_events"]
        return Reliability(
            ratio(sums["bin_probability"], storms), ratio(events, storms), storms, events
        )

    def thresholds_at_pofd(self, pofd: Array) -> Array:
        """Return the lowest probability whose POFD does not exceed each of `pofd` (points,).

        NaN without storms that have no event, and if even the highest one has a larger POFD.
        """
        false_alarms = np.cumsum(self._steps.storms - self._steps.events)
        reached = np.searchsorted(ratio(false_alarms, false_alarms[-1]), pofd, side="right")
        return np.where(reached > 0, self._steps.probability[reached - 1], np.nan)

    def pod_at_pofd(self, weights: Array, pofd: Array) -> Array:
        """Return the POD at each of `pofd` (points,), interpolated linearly (rows, points).

        NaN for rows without events or without other storms. `weights` is as in `scores`.
        """

        def interpolate(hits: Array, false_alarms: Array) -> Array:
            return np.interp(pofd, false_alarms / false_alarms[-1], hits / hits[-1])

        return self._by_row(weights, interpolate, pofd.size)

    def _count_in_steps(self, weights: Array) -> tuple[Array, Array]:
        """Count events and other storms in each step (steps, rows)."""
        drawn = np.ascontiguousarray(weights.T, dtype=np.float64)
        return self._steps.step_events @ drawn, self._steps.step_others @ drawn

    def _chunks(self, weights: Array) -> Iterator[slice]:
        rows = max(1, _CELLS // self._steps.step_events.shape[0])
        for start in range(0, max(1, len(weights)), rows):
            yield slice(start, start + rows)

    def _by_row(self, weights: Array, curve: Callable[[Array, Array], Array], points: int) -> Array:
        """Apply `curve` to the hits and false alarms of each row (rows, points)."""
        values = np.full((len(weights), points), np.nan)
        row = 0
        for rows in self._chunks(weights):
            events, others = self._count_in_steps(weights[rows])
            hits, false_alarms = np.cumsum(events, axis=0), np.cumsum(others, axis=0)
            for hit, false_alarm in zip(hits.T, false_alarms.T, strict=True):
                if hit[-1] > 0 and false_alarm[-1] > 0:
                    values[row] = curve(
                        np.concatenate(([0.0], hit)), np.concatenate(([0.0], false_alarm))
                    )
                row += 1
        return values
