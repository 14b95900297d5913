"""Intervals and p-values of means over training seeds, which hold for further seeds and blocks.

For each resample, blocks are drawn (the same for all models) and, independently for each model,
seeds. Source: the Multi-Bootstrap of Sellam et al. (2022).
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stormcnn.verification.resampling import rescale
from stormcnn.vocabulary import Array

if TYPE_CHECKING:
    from collections.abc import Sequence


class Spread(NamedTuple):
    """Resamples (resamples,) of a value, and the degrees of freedom of their variance."""

    samples: Array
    degrees_of_freedom: float


def draw_seeds(model: str, seeds: int, resamples: int, seed: int) -> Array:
    """Return how often each of the seeds was drawn, minus once (resamples, seeds).

    The draws depend on `seed` and on the name of the model, so those of different models are
    independent, and all kinds of forecasts of one model have the same.

    >>> draw_seeds("dropout", seeds=3, resamples=100, seed=0).sum(axis=1).max()
    np.int64(0)
    """
    source = np.random.SeedSequence([seed, zlib.crc32(model.encode())])
    draw = np.random.Generator(np.random.Philox(source))
    return draw.multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples) - 1


def multi_bootstrap(
    value: float,
    samples: Array,
    blocks: int,
    seeds: Sequence[tuple[Array, Array]],
) -> Spread:
    """Return resamples of a mean over seeds, or of a difference of two such means.

    Parameters
    ----------
    value
        The value itself.
    samples
        Its resamples from that many `blocks`, with all seeds (resamples,).
    seeds
        For each independent group of seeds, the values of the single seeds (seeds,), and how often
        each was drawn as in `draw_seeds` (resamples, seeds).

    The deviation of a resample is the sum of the deviations due to blocks and to each group of
    seeds. Each is rescaled for its number of blocks or seeds (`resampling.rescale`). The degrees
    of freedom of the sum are those of Satterthwaite (1946): near the number of blocks if these
    dominate, and near the number of seeds if seeds do.

    >>> drawn = draw_seeds("dropout", seeds=5, resamples=1000, seed=0)
    >>> each = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    >>> spread = multi_bootstrap(0.3, np.full(1000, 0.3), 20, [(each, drawn)])
    >>> round(spread.degrees_of_freedom), round(spread.samples.std() / (each.std(ddof=1) / 5**0.5))
    (4, 1)
    """
    total = rescale(value, samples, blocks)
    defined = total[~np.isnan(total)]
    parts = [(float(defined.var()) if defined.size else 0.0, blocks - 1)]
    for values, drawn in seeds:
        number = values.size
        total = total + np.sqrt(number / (number - 1)) * (drawn @ values) / number
        parts.append((float(values.var(ddof=1)) / number, number - 1))
    variance = sum(part for part, _ in parts)
    # Without any variance, the degrees of freedom do not matter.
    uncertain = sum(part**2 / degrees for part, degrees in parts)
    return Spread(total, variance**2 / uncertain if uncertain > 0 else blocks - 1)
