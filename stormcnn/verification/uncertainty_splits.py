"""Aleatoric and epistemic parts of the uncertainty of a forecast with Monte Carlo members."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stormcnn.sampling.members import binary_entropy
from stormcnn.vocabulary import Array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class VarianceSplit(NamedTuple):
    """Variance of the event under the forecast, the sum of its two parts (storms,)."""

    total: Array
    aleatoric: Array
    epistemic: Array


def split_variance(mean: ArrayLike, std: ArrayLike, members: int) -> VarianceSplit:
    """Split the variance p(1 - p) of the event.

    Parameters are the mean p of the members (storms,), their standard deviation with divisor
    members - 1 (storms,), and their number. The aleatoric part is the mean over members of
    p_s(1 - p_s), which the members agree on; the epistemic part is their variance with divisor
    members. Source: law of total variance; Kwon et al. (2020).

    >>> split = split_variance([0.3], [0.1], members=2)
    >>> split.total, split.aleatoric.round(3), split.epistemic.round(3)
    (array([0.21]), array([0.205]), array([0.005]))
    """
    p = np.asarray(mean, dtype=np.float64)
    total = p * (1 - p)
    epistemic = np.asarray(std, dtype=np.float64) ** 2 * (members - 1) / members
    return VarianceSplit(total, total - epistemic, epistemic)


class EntropySplit(NamedTuple):
    """Entropy of the event under the forecast, the sum of its two parts, in nats (storms,)."""

    total: Array
    expected: Array
    mutual_information: Array


def split_entropy(mean: ArrayLike, mean_entropy: ArrayLike) -> EntropySplit:
    """Split the entropy of the mean into the members' mean entropy and the mutual information.

    Parameters are the mean of the members and the mean of their entropies in nats (storms,). The
    mutual information of event and member is never negative; values that are slightly negative
    because files are rounded become 0. Source: Houlsby et al. (2011).

    >>> split = split_entropy([0.5], [0.0])
    >>> split.total.round(3), split.mutual_information.round(3)
    (array([0.693]), array([0.693]))
    """
    total = binary_entropy(mean)
    expected = np.asarray(mean_entropy, dtype=np.float64)
    return EntropySplit(total, expected, np.maximum(total - expected, 0))
