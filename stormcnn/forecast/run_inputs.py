"""Read run files for a network: in the units of the variables that it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import xarray as xr

from stormcnn.errors import UserError
from stormcnn.storms.child_process import MEMORY_MB
from stormcnn.storms.reading import read_run
from stormcnn.vocabulary import StrPath


def read_for_network(
    path: StrPath,
    *,
    predictors: Sequence[str],
    units: Mapping[str, str],
    reject: Sequence[str],
    file_pattern: str,
    target: str | None = None,
    region: str = "storm",
    outlines: bool = False,
    memory_mb: float = MEMORY_MB,
) -> xr.Dataset:
    """Return the valid storms of a run file, as `stormcnn.storms.reading.read_run` does.

    `units` are those of the predictors, and of the target if there is one, in the training period;
    they are empty if its run files state none. Raises `UserError` if the run file cannot be read,
    if its units cannot be converted, or if only one of both states units.
    """
    storms = read_run(
        path,
        predictors=predictors,
        target=target,
        region=region,
        reject=reject,
        units={name: text for name, text in units.items() if text},
        outlines=outlines,
        file_pattern=file_pattern,
        memory_mb=memory_mb,
    )
    for name, stated in storms.attrs["units"].items():
        trained = units.get(name, "")
        if bool(stated) != bool(trained):
            raise UserError(
                f"{path}: variable {name} has {_described(stated)}, but {_described(trained)} in "
                "the run files on which the network was trained, so the scale is unknown. Correct "
                "the attribute units with ncatted."
            )
    return storms


def _described(units: str) -> str:
    return f"the units {units}" if units else "no units"
