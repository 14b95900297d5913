"""Recalibrations: functions of a probability, which are stored with a network.

`calibration` fits them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.special import expit, logit

from stormcnn.vocabulary import ISOTONIC, Array, RecalibrationMethod

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

LARGEST_LOG_ODDS = float(logit(1 - 1e-7))
"""Log odds are limited to this, as probabilities are in the log score."""


def log_odds(probability: ArrayLike) -> Array:
    """Return ln(p / (1 - p)) for probabilities of any shape, limited to `LARGEST_LOG_ODDS`.

    >>> log_odds([0.0, 0.5]).round(2)
    array([-16.12,   0.  ])
    """
    with np.errstate(divide="ignore"):
        odds = logit(np.asarray(probability, dtype=np.float64))
    return np.clip(odds, -LARGEST_LOG_ODDS, LARGEST_LOG_ODDS)


@dataclass(frozen=True)
class Recalibration:
    """A nondecreasing function of the probability.

    The methods `intercept` and `logistic` return the probability with the log odds
    `intercept` + `slope` x log odds (Cox 1958). `isotonic` interpolates linearly between
    `frequencies` at the probabilities `knots`, and is constant outside.

    >>> Recalibration("intercept", intercept=np.log(2), slope=1).apply([0.5]).round(3)
    array([0.667])
    """

    method: RecalibrationMethod
    intercept: float = np.nan
    slope: float = np.nan
    knots: Sequence[float] = ()
    frequencies: Sequence[float] = ()

    def apply(self, probability: ArrayLike) -> Array:
        """Return recalibrated probabilities in float64, with the shape of `probability`."""
        if self.method == ISOTONIC:
            return np.interp(np.asarray(probability, np.float64), self.knots, self.frequencies)
        return expit(self.intercept + self.slope * log_odds(probability))

    def as_json(self) -> dict[str, Any]:
        """Return the fields that the method uses."""
        unused = ("intercept", "slope") if self.method == ISOTONIC else ("knots", "frequencies")
        return {name: value for name, value in asdict(self).items() if name not in unused}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Return the function that `as_json` described."""
        return cls(**content)
