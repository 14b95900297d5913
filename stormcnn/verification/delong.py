"""The test of DeLong for the difference of two areas under the ROC curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from stormcnn.verification.scores import check_forecast

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stormcnn.vocabulary import Array


def delong_test(first: ArrayLike, second: ArrayLike, event: ArrayLike) -> float:
    """Return the two-sided p-value of the hypothesis that two forecasts have the same AUC.

    Parameters are arrays (storms,): the probabilities of the two forecasts for the same storms, and
    `event`, 0 or 1. The test assumes independent storms. Storms of one forecast run are not
    independent, so the p-value is too small: report it only with this caveat.

    The p-value is NaN with fewer than two events or fewer than two other storms, and 1 if the
    forecasts rank the storms in the same order. Raises `UserError` as `scores.check_forecast` does.
    Sources: DeLong, DeLong and Clarke-Pearson (1988); computed by ranks as in Sun and Xu (2014).

    >>> round(delong_test([0.9, 0.8, 0.3, 0.1], [0.9, 0.2, 0.3, 0.1], [1, 1, 0, 0]), 3)
    0.48
    """
    _, y = check_forecast(second, event)
    is_event = y == 1
    events, others = int(is_event.sum()), int((~is_event).sum())
    if min(events, others) < 2:
        return float("nan")
    of_events, of_others = [], []
    for probability in (first, second):
        p, _ = check_forecast(probability, event)
        rank = _ranks(p)
        of_events.append((rank[is_event] - _ranks(p[is_event])) / others)
        of_others.append(1 - (rank[~is_event] - _ranks(p[~is_event])) / events)
    gain_events, gain_others = of_events[0] - of_events[1], of_others[0] - of_others[1]
    difference = float(gain_events.mean())
    error = float(np.sqrt(gain_events.var(ddof=1) / events + gain_others.var(ddof=1) / others))
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    return float(2 * ndtr(-abs(difference) / error))


def _ranks(values: Array) -> Array:
    """Return the ranks from 1, and their mean for equal values, as `scipy.stats.rankdata` does."""
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, side="left")
    return (below + np.searchsorted(ordered, values, side="right") + 1) / 2
