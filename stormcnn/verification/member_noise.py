"""The noise of a mean over Monte Carlo members, which are a sample of all sub-networks.

Other members, drawn with another seed, would give another mean. A member's masks are the same for
all storms, so it errs in the same way for similar storms, and averages over storms remove only
part of this noise.
"""

from __future__ import annotations

import numpy as np

from stormcnn.vocabulary import Array


def brier_score_noise(influence: Array, storms: int, resamples: int, seed: int = 0) -> Array:
    """Return how the Brier score of the members' mean changes with the members (resamples,).

    Members are resampled; the mean of a resample is linear in the number of times each was drawn,
    and so is its Brier score, apart from terms of second order. `influence` (members,) is the sum
    of `EventCounts.brier_influence` over all `storms`. The changes are scaled such that their
    variance has the divisor members - 1. NaN for one member.
    Source: Efron and Tibshirani (1993, chapter 21) for the linear approximation.

    >>> brier_score_noise(np.array([-1.0, 1.0]), storms=100, resamples=1000).std().round(3)
    np.float64(0.02)
    """
    members = influence.size
    if members == 1:
        return np.full(resamples, np.nan)
    draw = np.random.Generator(np.random.Philox([seed, members]))
    times = draw.multinomial(members, np.full(members, 1 / members), size=resamples)
    change = 2 / storms * (times @ (influence - influence.mean())) / members
    return change * np.sqrt(members / (members - 1))


def brier_score_noise_variance(influence: Array, storms: int) -> float:
    """Return the variance of the Brier score of the members' mean due to the draw of the members.

    The parameters are those of `brier_score_noise`. NaN for one member.

    >>> brier_score_noise_variance(np.array([-1.0, 1.0]), storms=100)
    0.0004
    """
    members = influence.size
    if members == 1:
        return float("nan")
    return float((2 / storms) ** 2 * influence.var(ddof=1) / members)
