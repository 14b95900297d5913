"""Relative economic value: what a forecast saves somebody who can protect against the event.

Protection costs C; without it, the event causes the loss L. Only the ratio C / L matters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stormcnn.verification.scores import ratio

if TYPE_CHECKING:
    from stormcnn.verification.contingency import Contingency
    from stormcnn.vocabulary import Array

COST_LOSS_RATIOS = np.array(
    [
        *(0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3),
        *(0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95),
    ]
)
"""Ratios of the curve; denser near 0, because protection pays off there for a rare event."""


def relative_economic_value(table: Contingency, cost_loss: Array | float) -> Array:
    """Return the value of acting on a forecast, 1 for a perfect one, 0 for climatology.

    V = (E_c - E) / (E_c - E_p) with the expenses per unit of loss: E = r (hits + false alarms) +
    misses for the ratio r = C / L, E_p = r (hits + misses) for a perfect forecast, and E_c =
    min(r (number of storms), hits + misses) for whoever always or never protects, whichever is
    cheaper. This reference knows the event frequency of these storms, so the value is rather too
    low. It is negative if acting on the forecast costs more. NaN without events or other storms.
    `cost_loss` is between 0 and 1 and has a shape that can be combined with that of the table.
    Source: Richardson (2000).

    >>> from stormcnn.verification.contingency import Contingency
    >>> table = Contingency(*map(np.array, ([6.0], [2.0], [4.0], [88.0])))
    >>> relative_economic_value(table, 0.1).round(3)  # (8 - 3) / (8 - 0.8)
    array([0.694])
    """
    events = table.hits + table.misses
    warnings = table.hits + table.false_alarms
    storms = warnings + table.misses + table.correct_negatives
    climatology = np.minimum(cost_loss * storms, events)
    expense = cost_loss * warnings + table.misses
    possible = np.where((events > 0) & (events < storms), climatology - cost_loss * events, 0)
    return ratio(climatology - expense, possible)
