"""Convert values to other units of the same dimension, with pint."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from stormcnn.vocabulary import Array

if TYPE_CHECKING:
    import pint

# UDUNITS, on which the CF conventions are based, writes exponents and products as in `kg.m-1 s-2`.
# The exponent of a number such as 1e-5 is not that of a unit.
_EXPONENT = re.compile(r"(?<=[A-Za-z])(?<![0-9.-][eE])(?=-?[0-9])")
_PRODUCT = re.compile(r"(?<=[A-Za-z0-9])[.·](?=[A-Za-z])(?![eE]-?[0-9])")
_ALLOWED = re.compile(r"[\w\s.·*/^+()°%-]{1,100}")
# pint takes no factor in front of units with an origin of their own, such as `0.1 degC`.
_FACTOR = re.compile(
    r"(?>(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))"
    r"(?>(?:(?:\*\*|\^)\(?(?P<power>[+-]?\d{1,2})\)?)?)[\s*.·]*(?=[^\W\d_]|°)"
)

# pint computes powers of numbers exactly, so a power of a power could take forever.
_POWER = re.compile(r"\*\*|\^")
_SAFE_POWER = re.compile(r"(?:\*\*|\^)\s*\(?[+-]?\d{1,2}(?:\.\d)?\)?(?!\d|\s*(?:\*\*|\^))")

# Spellings of UDUNITS that pint lacks. GRIB tables call the units of reflectivity dB.
_DEFINITIONS = (
    "dBZ = 1e-18 m**3; logbase: 10; logfactor: 10 = dBz = dbz = dB",
    "@alias degree = degrees_north = degree_north = degree_N = degrees_N = degreeN = degreesN",
    "@alias degree = degrees_east = degree_east = degree_E = degrees_E = degreeE = degreesE",
    "@alias degree_Celsius = degrees_Celsius = degrees_celsius = degrees_C = degree_C = deg_C",
    "@alias kelvin = degree_K = degrees_K = deg_K",
)

_SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
# `C` alone is the coulomb, and `ms-1` one per millisecond, but these have other dimensions.
_TEMPERATURE = re.compile(r"(?:deg(?:ree)?s?[ _.]*|°\s*)?([CFK])", re.IGNORECASE)
_SPEED = re.compile(r"m(s(?:\*\*|\^)?-1)")

SAME_UNITS = {
    "degree": ["degrees", "degrees_north", "degrees_east", "degree_north", "degree_east"],
    "m s-1": ["m/s", "m s^-1", "m s**-1", "m.s-1"],
    "s-1": ["1/s", "s^-1", "s**-1"],
    "dBZ": ["dBz", "dbz", "dB"],
    "K": ["kelvin", "Kelvin"],
}
"""Other spellings of units, for which pint, whose import takes a second, is not needed."""


class UnknownUnits(ValueError):
    """Units that are unknown, or that cannot be converted to those needed."""


def convert(values: Array, units: str, target: str) -> Array:
    """Return `values`, an array of any shape in `units`, in the units `target`.

    Units may have a factor. Raises `UnknownUnits` if they are unknown or have another dimension.

    >>> import numpy as np
    >>> convert(np.array([10.0]), "kt", "m s-1").round(4)
    array([5.1444])
    >>> convert(np.array([50.0]), "10**-5 s**-1", "s-1").round(6)
    array([0.0005])
    """
    if units == target or units in SAME_UNITS.get(target, ()):
        return values
    for spelling in _spellings(units):
        converted = _converted(values, spelling, target)
        if converted is not None:
            if np.any(np.isinf(converted) & np.isfinite(values)):
                raise UnknownUnits(f"values in {units!r}, such as 0, do not exist in {target!r}")
            return converted
    raise UnknownUnits(f"units {units!r} cannot be converted to {target!r}")


def are_equal(units: str, others: str) -> bool:
    """Return whether two texts stand for the same units.

    >>> are_equal("J/kg", "J kg**-1"), are_equal("mm", "cm"), are_equal("", "mm")
    (True, False, False)
    """
    if units == others:
        return True
    probe = np.array([0.0, 1.0, 2.0])
    try:
        return bool(np.allclose(convert(probe, units, others), probe, rtol=1e-12, atol=0))
    except UnknownUnits:
        return False


def load_units() -> None:
    """Load the definitions of units, which takes a second, once for all child processes."""
    _registry()


def units_loaded() -> bool:
    """Return whether the definitions of units are in memory."""
    return _registry.cache_info().currsize > 0


def _spellings(units: str) -> list[str]:
    """Return how units may be meant, the likeliest first."""
    text = _SUPERSCRIPT.sub(lambda match: f"^{match[0].translate(_DIGITS)}", units.strip())
    text = f"1{text}" if text.startswith("/") else text
    # Old programs write units in capital letters.
    readings = [text, text.lower()] if len(text) > 1 else [text]
    factor = _FACTOR.match(text)
    start = factor.end() if factor else 0
    if scale := _TEMPERATURE.fullmatch(text, start):
        letter = scale[1].upper()
        readings.append(text[:start] + (letter if letter == "K" else f"deg{letter}"))
    if speed := _SPEED.fullmatch(text, start):
        readings.append(f"{text[:start]}m {speed[1]}")
    return list(dict.fromkeys(readings))


def _converted(values: Array, units: str, target: str) -> Array | None:
    """Return the converted values; None if the units are unknown or incompatible."""
    try:
        factor, source = _parse(units)
        unit = _parse(target)[1]
        if not 0 < abs(factor) < np.inf:
            return None
        if source.dimensionality != unit.dimensionality or _has_hidden_factor(source, unit):
            return None
        if _is_angle(unit) and not _is_angle(source):
            return None
        quantity = _registry().Quantity(values.astype(np.float64) * factor, source)
        with np.errstate(all="ignore"):
            return quantity.to(unit).magnitude.astype(values.dtype, copy=False)
    except Exception:  # noqa: BLE001 - pint raises exceptions of many classes for invalid units
        return None


def _parse(units: str) -> tuple[float, pint.Unit]:
    """Return the factor and the units in a text such as `1e-5 s-1`."""
    number = 1.0
    text = units
    if factor := _FACTOR.match(units):
        number = float(factor["number"]) ** int(factor["power"] or 1)
        text = units[factor.end() :]
    text = _PRODUCT.sub("*", _EXPONENT.sub("**", text))
    powers = len(_POWER.findall(text))
    if not _ALLOWED.fullmatch(units) or powers != len(_SAFE_POWER.findall(text)):
        raise UnknownUnits(units)
    registry = _registry()
    quantity = registry.parse_expression(text)
    return number * float(getattr(quantity, "magnitude", quantity)), registry.Unit(
        getattr(quantity, "units", "")
    )


def _has_hidden_factor(source: pint.Unit, target: pint.Unit) -> bool:
    """Return whether units have a dimensionless factor, such as the degree of an angle in `deg K`.

    pint would multiply by it: it takes `deg K` as 0.017 K.
    """
    if target.dimensionless:
        return False
    registry = _registry()
    return any(
        unit.dimensionless and registry.Quantity(1, unit).to_base_units().magnitude != 1
        for unit in map(registry.Unit, source._units)
    )


def _is_angle(unit: pint.Unit) -> bool:
    """Return whether a unit is one of angles, which pint does not tell from other numbers."""
    registry = _registry()
    return bool(registry.get_root_units(unit)[1] == registry.radian)


@cache
def _registry() -> pint.UnitRegistry:
    import pint

    registry: pint.UnitRegistry = pint.UnitRegistry(on_redefinition="ignore")
    for definition in _DEFINITIONS:
        registry.define(definition)
    return registry
