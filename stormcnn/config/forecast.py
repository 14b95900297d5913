"""Settings of the block `forecast`."""

from __future__ import annotations

from pydantic import Field

from stormcnn.config.block import Block
from stormcnn.config.field_types import Count, OptionalFilePattern, OptionalPath, Paths, Seed, Text


class Forecast(Block):
    """Forecasts for new storms, for which the target is not known yet."""

    runs: Paths = Field(
        default=[],
        description="Paths of the new run files (target `forecast`). Relative paths start at the "
        "working directory.",
    )
    observed: Paths = Field(
        default=[],
        description="Paths of run files of the same forecast runs that contain the target "
        "variable, once it is known (target `verify`).",
    )
    file_pattern: OptionalFilePattern = Field(
        default=None,
        description="Form of the names of these run files. null: that of `data.file_pattern`.",
    )
    model: Text = Field(
        default="dropout", description="Key of the network that makes the forecasts."
    )
    seed: Seed = Field(default=0, description="Seed of that network, one of `training.seeds`.")
    members: Count = Field(
        default=100, description="Number of MC members. Must be 0 if the network has no dropout."
    )
    explained: Count = Field(
        default=10,
        description="Number of most probable storms of a run that are explained. The most probable "
        "ones of each hour are explained as well: as many, but at most 3.",
    )
    network: OptionalPath = Field(
        default=None,
        description="Path of the `network.keras` that makes the forecasts, or `champion` for the "
        "network in `registry/champion.json`. null: the network of this experiment with the key "
        "`model` and the seed `seed`; for `ops/forecast`, the champion.",
    )
