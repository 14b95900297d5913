"""All storms of a period, or those of a stratum, with resamples of their blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stormcnn.verification.forecasts import Storms
from stormcnn.verification.resampling import Resamples, draw_blocks
from stormcnn.vocabulary import Array

ALL = "all"
"""The stratum of all storms."""


@dataclass(frozen=True)
class Part:
    """Some of the storms of a period. Which they are is stored in an eighth of a byte per storm."""

    stratum: str
    storms: int
    events: int
    runs: int
    blocks: Array
    """Labels of the blocks of these storms, in ascending order."""
    weights: Array
    """Number of times each of these blocks was drawn (resamples, blocks)."""
    _inside: Array | None
    """The bits of whether each storm of the period is one of these, None for all of them."""
    _block: Array
    """Index in `blocks` of each block of the period."""

    @property
    def size(self) -> dict[str, int]:
        """Columns of tables that give the size of the sample."""
        counts = {"storms": self.storms, "events": self.events, "runs": self.runs}
        return counts | {"blocks": self.blocks.size}

    def select(self, array: Array) -> Array:
        """Return the values of these storms in an array of all storms of the period."""
        if self._inside is None:
            return array
        return array[np.unpackbits(self._inside, count=array.size).view(bool)]

    def resamples(self, block: Array) -> Resamples:
        """Return the resamples; `block` is the index of the block of each storm of the period."""
        return Resamples(self.blocks, self._block[self.select(block)], self.weights)


def part_of(
    storms: Storms,
    blocks: Array,
    block: Array,
    resamples: int,
    seed: int,
    stratum: str = ALL,
    inside: Array | None = None,
) -> Part:
    """Return the part of the storms that are `inside` (storms,), by default all.

    `blocks` are the labels of the blocks of the period, and `block` (storms,) is the index of each
    storm's block; `resamples` and `seed` are those of `draw_blocks`.
    """
    chosen = slice(None) if inside is None else inside
    used = np.bincount(block[chosen], minlength=blocks.size) > 0
    return Part(
        stratum,
        storms=block[chosen].size,
        events=int(storms.event[chosen].sum()),
        runs=int(np.count_nonzero(np.bincount(storms.run[chosen]))),
        blocks=blocks[used],
        weights=draw_blocks(int(used.sum()), resamples, seed),
        _inside=None if inside is None else np.packbits(inside),
        _block=(np.cumsum(used) - 1).astype(np.int32),
    )
