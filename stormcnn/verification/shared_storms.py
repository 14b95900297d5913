"""Count test storms that runs of other blocks, or of the training period, forecast as well.

If a model starts every 12 hours and forecasts for 36, several runs forecast the same storm. Blocks
that share storms are not independent, so resampling them gives intervals that are too narrow; and a
network that was trained on a storm knows it already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xarray as xr

from stormcnn.name_pattern import DEFAULT_PATTERN
from stormcnn.storms.cycles import repeated_in_other_cycles
from stormcnn.verification.blocks import block_of

if TYPE_CHECKING:
    from stormcnn.vocabulary import BlockSize

COMPARED = ("run_file", "run_date", "ensemble_member", "valid_time", "longitude", "latitude")
"""The coordinates by which the same storm is found in several runs."""


class SharedStorms(NamedTuple):
    """Numbers of test storms: all of them, and those that other runs forecast as well."""

    storms: int
    by_blocks: int
    """Forecast by runs of other blocks of the test period."""
    by_training: int
    """Forecast by runs of the training period."""


def count_shared_storms(
    training: xr.Dataset, test: xr.Dataset, block: BlockSize, file_pattern: str = DEFAULT_PATTERN
) -> SharedStorms:
    """Return how many test storms other runs forecast as well; see `repeated_in_other_cycles`.

    `training` and `test` are the storms of both periods with the coordinates that `read_run`
    returns.
    """
    parts = [
        xr.Dataset({name: ("storm", period[name].values) for name in COMPARED})
        for period in (training, test)
    ]
    tested = np.repeat([False, True], [part.sizes["storm"] for part in parts])
    by_training = repeated_in_other_cycles(xr.concat(parts, "storm"), file_pattern, tested)
    blocks = block_of(test["run_date"].values, block)
    by_blocks = repeated_in_other_cycles(parts[1], file_pattern, blocks)
    return SharedStorms(len(blocks), int(by_blocks.sum()), int(by_training[tested].sum()))
