"""The test of DeLong for the difference of two areas under the ROC curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from stormcnn.verification.scores import check_compact
from stormcnn.verification.storm_slices import storm_slices

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
    Sources: DeLong, DeLong and Clarke-Pearson (1988); computed from sorted probabilities, as by Sun
    and Xu (2014).

    >>> round(delong_test([0.9, 0.8, 0.3, 0.1], [0.9, 0.2, 0.3, 0.1], [1, 1, 0, 0]), 3)
    0.48
    """
    _, is_event = check_compact(second, event)
    events = int(is_event.sum())
    others = is_event.size - events
    if min(events, others) < 2:
        return float("nan")
    gain_events, gain_others = np.zeros(events), np.zeros(others)
    for sign, probability in ((1, first), (-1, second)):
        p, _ = check_compact(probability, event)
        of_events, of_others = p[is_event], p[~is_event]
        gain_events += sign * (_placement(of_events, np.sort(of_others)) / others)
        gain_others += sign * (1 - _placement(of_others, np.sort(of_events)) / events)
    difference = float(gain_events.mean())
    error = float(np.sqrt(gain_events.var(ddof=1) / events + gain_others.var(ddof=1) / others))
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    return float(2 * ndtr(-abs(difference) / error))


def _placement(values: Array, ordered: Array) -> Array:
    """Return how many of `ordered` are below each of `values` (storms,); equal ones count half."""
    placement = np.empty(values.size)
    for part in storm_slices(values.size):
        below = np.searchsorted(ordered, values[part], side="left")
        placement[part] = (below + np.searchsorted(ordered, values[part], side="right")) / 2
    return placement
