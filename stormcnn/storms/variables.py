"""The variables of run files: physical quantities with CF names, and which variables to read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from stormcnn.vocabulary import STORM_FAULTS

PER_STORM = ("time", "track_id", "track_step", "centroid_lon", "centroid_lat")
"""Variables with one value per storm."""

MASK_ATTRIBUTES = {"long_name": "1 at the grid points of the storm, else 0"}
"""Attributes of `masks` in our files."""


class Quantity(NamedTuple):
    """A physical quantity: CF standard name, units, and range of physically possible values."""

    standard_name: str
    units: str
    lowest: float
    highest: float


QUANTITIES = {
    "REFL_COM": Quantity("equivalent_reflectivity_factor", "dBZ", -35, 85),
    "REFL_1KM_AGL": Quantity("equivalent_reflectivity_factor", "dBZ", -35, 85),
    "U10": Quantity("x_wind", "m s-1", -100, 100),
    "V10": Quantity("y_wind", "m s-1", -100, 100),
    "T2": Quantity("air_temperature", "K", 150, 350),
    "RVORT1_MAX": Quantity("atmosphere_upward_relative_vorticity", "s-1", 0, 0.2),
}
UNKNOWN = Quantity("", "", -math.inf, math.inf)


def quantity_of(variable: str) -> Quantity:
    """Return the quantity of a variable such as `REFL_COM_curr`, or `UNKNOWN`."""
    name, _, time = variable.rpartition("_")
    return QUANTITIES.get(name if time in ("prev", "curr", "future") else variable, UNKNOWN)


class Selection(NamedTuple):
    """The variables to read from a run file, and the storms to take.

    `region` is one of `stormcnn.vocabulary.REGIONS`; the target is evaluated there. Without a
    target no future variable is read. `reject` holds kinds in `STORM_FAULTS`, and `lead_hours` the
    first and last lead time. `units` are those of variables that are not in `QUANTITIES`. With
    `outlines`, `masks` and the positions of the grid points are read if the file has them.
    """

    predictors: tuple[str, ...]
    target: str | None
    region: str
    reject: tuple[str, ...] = STORM_FAULTS
    lead_hours: tuple[float, float] | None = None
    units: Mapping[str, str] = MappingProxyType({})
    outlines: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the variables whose values are checked: the predictors and the target."""
        return self.predictors if self.target is None else (*self.predictors, self.target)

    @property
    def masked(self) -> bool:
        """Whether `masks` is needed."""
        return self.target is not None and self.region == "storm"
