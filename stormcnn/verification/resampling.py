"""Intervals and tests that resample run dates, because storms of one run are alike.

A resample draws as many run dates as there are, with replacement; a storm's weight is how often
its run date was drawn. Two forecasts are compared on the same resamples. Few run dates (under
about ten) make intervals too narrow, as for every bootstrap of groups.
Sources: Efron and Tibshirani (1993); Field and Welsh (2007) for resampling groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import isotonic_regression

from stormcnn.verification.scores import (
    BINS,
    Contingency,
    bin_of,
    check_forecast,
    log_losses,
    murphy_from_sums,
    ratio,
    spiegelhalter_terms,
)
from stormcnn.vocabulary import Array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike

MOST_UNDEFINED = 0.05
"""Where a value is undefined in a larger share of the resamples than this, it gets no interval.

A value that hangs on one or two run dates is absent in over 5 % of the resamples and all but
constant in the rest: their percentiles would claim a certainty that is not there.
"""

FITTED = ("corp_miscalibration", "murphy_reliability")
"""Scores that come out too large, for chance departures from reliability count as departures.

A resample adds chance of its own, so all its values may lie above the true one: of a perfectly
reliable forecast the percentile interval never holds 0. Reflected, the interval of Murphy's
reliability holds it as often as it should. That of CORP's miscalibration, a closer fit, still
leaves 0 out for up to one such forecast in five, so it alone does not show unreliability.
"""

_CELLS = 2**18


class Resamples(NamedTuple):
    """Resamples of run dates.

    `date` (storms,) numbers each storm's run date in `dates` (dates,); `weights`
    (resamples, dates) says how often each run date was drawn.
    """

    dates: Array
    date: Array
    weights: Array


def resample_dates(run_date: ArrayLike, resamples: int, seed: int = 0) -> Resamples:
    """Draw run dates with replacement, `resamples` times; equal for equal dates and seed.

    `run_date` (storms,) may be of any sortable type; the order of storms does not matter to the
    draws, so every forecast of the same storms is judged on the same ones.
    """
    dates, date = np.unique(np.asarray(run_date), return_inverse=True)
    draw = np.random.Generator(np.random.Philox(seed))
    weights = draw.multinomial(dates.size, np.full(dates.size, 1 / dates.size), size=resamples)
    return Resamples(dates, date, weights)


def interval(samples: ArrayLike, confidence: float) -> tuple[Array, Array]:
    """Percentile interval over the first axis of `samples` (resamples, ...).

    Resamples where the value is undefined are left out; low and high are NaN where these are more
    than `MOST_UNDEFINED`, or no resample was drawn. Source: Efron and Tibshirani (1993, ch. 13).
    """
    values = np.asarray(samples, dtype=np.float64)
    ends = np.full((2, *values.shape[1:]), np.nan)
    if len(values):
        levels = [(1 - confidence) / 2, (1 + confidence) / 2]
        missing = np.isnan(values).mean(axis=0)
        whole, some = missing == 0, (missing > 0) & (missing <= MOST_UNDEFINED)
        ends[:, whole] = np.quantile(values[:, whole], levels, axis=0)
        if some.any():
            ends[:, some] = np.nanquantile(values[:, some], levels, axis=0)
    return ends[0], ends[1]


def centre(score: str, value: float, samples: Array) -> Array:
    """Give `samples` (resamples,) of a score as its interval and test need them.

    Those of `FITTED` are reflected at the value (the basic bootstrap), which takes the excess of
    the resamples off the value as well, so the interval may lie below the value. The others are
    left as they are. Source: Davison and Hinkley (1997, section 5.2).
    """
    return 2 * value - samples if score in FITTED else samples


def p_value(samples: ArrayLike) -> float:
    """Two-sided p-value of "the value is 0" from resamples (resamples,) of it.

    Twice the smaller of the shares of resamples at or below and at or above 0, where 1 is added
    to count and number, so that it is never 0. Undefined resamples count for both sides.
    NaN without resamples. Sources: Davison and Hinkley (1997, section 4.2), Efron and
    Tibshirani (1993, ch. 16).
    """
    values = np.asarray(samples, dtype=np.float64)
    if not values.size or np.isnan(values).all():
        return float("nan")
    count = min((~(values > 0)).sum(), (~(values < 0)).sum())
    return float(min(1.0, 2 * (1 + count) / (values.size + 1)))


def holm(p_values: ArrayLike) -> Array:
    """p-values corrected for making several comparisons; NaN stays NaN and is not counted.

    The k-th smallest of m is multiplied by m - k + 1, then made not to fall. Source: Holm (1979).
    """
    given = np.asarray(p_values, dtype=np.float64)
    corrected = np.full(given.shape, np.nan)
    order = np.argsort(given)[: np.count_nonzero(~np.isnan(given))]
    stepped = given[order] * np.arange(order.size, 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return corrected


class ForecastByDate:
    """One forecast, reduced to what its scores need of each run date.

    Storms are sorted by probability once. Neighbouring probabilities at which no event happened
    are one step, since no score changes its shape between them; then a resample costs a product
    of the steps' counts by date with the dates' weights, and cumulative sums. All scores equal
    those of `stormcnn.scores` with the storms' weights.
    """

    def __init__(
        self,
        probability: ArrayLike,
        event: ArrayLike,
        date: Array,
        training_climatology: float = float("nan"),
    ) -> None:
        """`date` (storms,) is each storm's number of its run date, as in `Resamples`."""
        p, y, _ = check_forecast(probability, event)
        dates = int(date.max()) + 1
        self._training_climatology = training_climatology
        self._sums = self._sum_by_date(p, y, date, dates)

        order = np.argsort(-p, kind="stable")
        p, y, by = p[order], y[order], date[order]
        value = np.cumsum(np.concatenate(([0], p[1:] != p[:-1])))
        eventless = np.bincount(value, y) == 0
        begins = np.concatenate(([0], ~(eventless[1:] & eventless[:-1])))
        step = np.cumsum(begins)[value]
        steps = int(step[-1]) + 1
        self._threshold = p[np.searchsorted(step, np.arange(steps), side="right") - 1]
        self._events, self._others = (
            sparse.csr_array((np.ones(here.sum()), (step[here], by[here])), shape=(steps, dates))
            for here in (y == 1, y == 0)
        )
        # Nothing can be lower than a step without events, nor higher than a step of events only.
        # The first before, or the second after, a neighbour of lower probability is out of order
        # or equal whatever the weights: isotonic regression gives both one value, so they can be
        # pooled before it.
        no_event = self._events.sum(axis=1) == 0
        only_events = self._others.sum(axis=1) == 0
        apart = ~(no_event[:-1] | only_events[1:])
        self._pool = np.flatnonzero(np.concatenate(([True], apart)))

    @staticmethod
    def _sum_by_date(p: Array, y: Array, date: Array, dates: int) -> Array:
        """Sum by date (dates, terms) what the means need: seven terms, and five for each bin."""
        terms = [
            np.ones_like(p),
            y,
            p,
            (p - y) ** 2,
            log_losses(p, y),
            *spiegelhalter_terms(p, y),
        ]
        sums = [np.bincount(date, term, dates) for term in terms]
        cell = date * BINS + bin_of(p)
        binned = [
            np.bincount(cell, term, dates * BINS).reshape(dates, BINS)
            for term in (np.ones_like(p), p, y, p * p, p * y)
        ]
        return np.hstack([np.stack(sums, axis=1), *binned])

    def scores(self, weights: Array) -> dict[str, Array]:
        """Every score of `scores.all_scores` for each row of `weights` (resamples, dates)."""
        sums = weights @ self._sums
        storms, events, forecast, squares, logs, excess, variance = sums[:, :7].T
        frequency = events / storms
        brier = squares / storms
        climatology = frequency * (1 - frequency)
        training = frequency + self._training_climatology * (
            self._training_climatology - 2 * frequency
        )
        ranked = self._in_chunks(weights, self._ranked_scores)
        best = ranked.pop("isotonic_brier_score")
        murphy = murphy_from_sums(*self._bins(sums))
        return {
            "auc": ranked["auc"],
            "brier_score": brier,
            "brier_score_climatology": climatology,
            "brier_skill_score": 1 - ratio(brier, climatology),
            "brier_score_climatology_training": training,
            "brier_skill_score_training": 1 - ratio(brier, training),
            "log_score": logs / storms,
            "average_precision": ranked["average_precision"],
            "corp_miscalibration": brier - best,
            "corp_discrimination": climatology - best,
            "corp_uncertainty": climatology,
            **{f"murphy_{name}": value for name, value in murphy._asdict().items()},
            "critical_success_index_best": ranked["critical_success_index_best"],
            "best_threshold": ranked["best_threshold"],
            "spiegelhalter_z": ratio(excess, np.sqrt(variance)),
            "mean_probability": forecast / storms,
            "event_frequency": frequency,
        }

    def values(self) -> dict[str, float]:
        """Every score of the storms as they are: those of `scores.all_scores` but for rounding."""
        once = self.scores(np.ones((1, len(self._sums))))
        return {score: float(value[0]) for score, value in once.items()}

    def reliability(self, weights: Array) -> tuple[Array, Array]:
        """Mean probability and event frequency (resamples, bins); NaN in an empty bin."""
        count, forecast, event, _, _ = self._bins(weights @ self._sums)
        return ratio(forecast, count), ratio(event, count)

    def pod_at_pofd(self, weights: Array, pofd: Array) -> Array:
        """POD (resamples, points) at given POFDs, on straight lines between thresholds."""

        def interpolate(hits: Array, false_alarms: Array) -> Array:
            return np.interp(pofd, false_alarms / false_alarms[-1], hits / hits[-1])

        return self._by_resample(weights, interpolate, pofd.size)

    def pod_at_success_ratio(self, weights: Array, success_ratio: Array) -> Array:
        """Largest POD (resamples, points) at which the success ratio is at least the given one.

        0 where no threshold reaches it.
        """

        def look_up(hits: Array, false_alarms: Array) -> Array:
            forecast = hits + false_alarms
            achieved = np.divide(hits, forecast, out=np.zeros(hits.size), where=forecast > 0)
            at_this_pod_or_more = np.maximum.accumulate(achieved[::-1])
            reached = hits.size - np.searchsorted(at_this_pod_or_more, success_ratio)
            return np.concatenate(([0.0], hits))[reached] / hits[-1]

        return self._by_resample(weights, look_up, success_ratio.size)

    def _bins(self, sums: Array) -> list[Array]:
        return np.split(sums[:, 7:], 5, axis=1)

    def _cumulative(self, weights: Array) -> tuple[Array, Array, Array, Array]:
        """Events and other storms in each step, and the same down to each step (steps, rows)."""
        drawn = np.ascontiguousarray(weights.T, dtype=np.float64)
        events, others = self._events @ drawn, self._others @ drawn
        return events, others, np.cumsum(events, axis=0), np.cumsum(others, axis=0)

    def _chunks(self, weights: Array) -> Iterator[Array]:
        """Rows of `weights`, as many at a time as keep the arrays in the processor's cache."""
        rows = max(1, _CELLS // self._threshold.size)
        for start in range(0, max(1, len(weights)), rows):
            yield weights[start : start + rows]

    def _in_chunks(
        self, weights: Array, score: Callable[[Array], dict[str, Array]]
    ) -> dict[str, Array]:
        parts = [score(chunk) for chunk in self._chunks(weights)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _ranked_scores(self, weights: Array) -> dict[str, Array]:
        """Score what depends on the order of the probabilities."""
        events, others, hits, false_alarms = self._cumulative(weights)
        all_events, all_others = hits[-1], false_alarms[-1]
        concordant = (events * (all_others - false_alarms + others / 2)).sum(axis=0)
        precision = np.nan_to_num(ratio(hits, hits + false_alarms))
        csi = ratio(hits, np.where(all_events > 0, all_events + false_alarms, 0))
        best = csi.argmax(axis=0)
        storms = all_events + all_others
        return {
            "auc": ratio(concordant, all_events * all_others),
            "average_precision": ratio((events * precision).sum(axis=0), all_events),
            "critical_success_index_best": csi[best, np.arange(best.size)],
            "best_threshold": np.where(all_events > 0, self._threshold[best], np.nan),
            "isotonic_brier_score": (all_events - self._isotonic_squares(events, others)) / storms,
        }

    def _isotonic_squares(self, events: Array, others: Array) -> Array:
        """Sum the squared isotonic fit over storms: events minus it is the fit's squared error."""
        pooled_events = np.add.reduceat(events, self._pool, axis=0).T
        pooled_storms = pooled_events + np.add.reduceat(others, self._pool, axis=0).T
        drawn = pooled_storms > 0
        resample = np.nonzero(drawn)[0]
        storms = pooled_storms[drawn]
        # One fit for all resamples: frequencies differ by 1 at most, so steps down of 2 from one
        # resample to the next keep them apart.
        step = -2.0 * resample
        fit = isotonic_regression(
            pooled_events[drawn] / storms + step, weights=storms, increasing=False
        )
        return np.bincount(resample, storms * (fit.x - step) ** 2, len(drawn))

    def _by_resample(
        self, weights: Array, curve: Callable[[Array, Array], Array], points: int
    ) -> Array:
        """Apply `curve` to the hits and false alarms of each resample; NaN for a single class."""
        values = np.full((len(weights), points), np.nan)
        row = 0
        for chunk in self._chunks(weights):
            _, _, hits, false_alarms = self._cumulative(chunk)
            for hit, false_alarm in zip(hits.T, false_alarms.T, strict=True):
                if hit[-1] > 0 and false_alarm[-1] > 0:
                    values[row] = curve(
                        np.concatenate(([0.0], hit)), np.concatenate(([0.0], false_alarm))
                    )
                row += 1
        return values


def contingency_by_date(
    probability: ArrayLike, event: ArrayLike, resamples: Resamples, thresholds: Array
) -> Contingency:
    """Contingency tables (resamples, thresholds) of every resample; `thresholds` ascend."""
    p, y, _ = check_forecast(probability, event)
    shape = resamples.dates.size, thresholds.size + 1
    cell = resamples.date * shape[1] + np.searchsorted(thresholds, p, side="right")
    tables: list[Any] = []
    for counted in (y, 1 - y):
        by_date = np.bincount(cell, counted, shape[0] * shape[1]).reshape(shape)
        reached = by_date[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
        forecast = resamples.weights @ reached
        total = resamples.weights @ by_date.sum(axis=1)
        tables += [forecast, total[:, np.newaxis] - forecast]
    hits, misses, false_alarms, correct_negatives = tables
    return Contingency(hits, misses, false_alarms, correct_negatives)
