"""Decode the variables of run files: missing values, valid ranges, packing and unsigned integers.

xarray decodes what the CF conventions say about packed and missing values. It ignores valid ranges
and attributes of another type than their variable, such as numbers written as text.
"""

from __future__ import annotations

from typing import Any

import netCDF4
import numpy as np
import xarray as xr

from stormcnn.vocabulary import Array

FILL = ("_FillValue", "missing_value")
PACKING = ("scale_factor", "add_offset")
LIMITS = {"valid_min": 1, "valid_max": 1, "valid_range": 2}
"""Attributes that limit the valid values, with the count of their numbers."""


class Undecodable(ValueError):
    """A variable that cannot be decoded. The message names the variable and the attribute."""


def decode(variable: netCDF4.Variable, index: Any = ..., *, exactly: bool = False) -> Array:
    """Return values of a variable as floating-point numbers, NaN where they are missing.

    `index` selects a part of the variable. With `exactly`, packed values are computed in double
    precision also if their factor and offset have single precision.

    Missing are the values `_FillValue` and `missing_value`, those outside `valid_min`, `valid_max`
    or `valid_range`, and the default fill value of the NetCDF library. Fields keep single
    precision, all other types become double.

    Raises `Undecodable` if one of these attributes, or one that describes packing, is not a number.
    """
    attributes = _Attributes(variable)
    packing = attributes.packing()
    if exactly:  # 0.1 in single precision is meant as 0.1
        packing = {name: float(str(number)) for name, number in packing.items()}
    unsigned = attributes.unsigned()
    variable.set_auto_maskandscale(False)
    stored = np.asarray(variable[index])
    compared = stored.view(stored.dtype.str.replace("i", "u")) if unsigned else stored
    missing = _outside_limits(compared, attributes, packing)
    for value in attributes.fill_values(compared.dtype, packing):
        missing = missing | _equal(compared, value)
    encoding: dict[str, Any] = packing | ({"_Unsigned": "true"} if unsigned else {})
    decoded = stored
    if encoding:
        encoded = xr.Variable([str(axis) for axis in range(stored.ndim)], stored, encoding)
        decoded = xr.conventions.decode_cf_variable(variable.name, encoded).values
    if decoded.dtype != np.float32:
        decoded = decoded.astype(np.float64)
    if np.any(missing):
        decoded = np.where(missing, np.nan, decoded)
    return decoded


def text_attribute(variable: netCDF4.Variable, name: str) -> str:
    """Return an attribute that holds text, or an empty text if it is missing.

    Raises `Undecodable` if it cannot be read or is not text.
    """
    attributes = _Attributes(variable)
    if not attributes.present((name,)):
        return ""
    value = attributes.read(name)
    if not isinstance(value, str):
        raise attributes.fault(name, value, "text")
    return value.strip()


class _Attributes:
    """The attributes of a variable; each method raises `Undecodable` if one cannot be decoded."""

    def __init__(self, variable: netCDF4.Variable) -> None:
        self._variable = variable
        self._names = frozenset(variable.ncattrs())

    def present(self, names: Any) -> list[str]:
        return [name for name in names if name in self._names]

    def read(self, name: str) -> Any:
        try:
            return self._variable.getncattr(name)
        except Exception as error:  # netCDF4 raises exceptions of many classes
            raise Undecodable(
                f"attribute {name} of variable {self._variable.name} cannot be decoded ({error})"
            ) from error

    def fault(self, name: str, value: object, expected: str) -> Undecodable:
        return Undecodable(
            f"attribute {name} of variable {self._variable.name} must be {expected} "
            f"(got {str(value)[:50]!r})"
        )

    def numbers(self, name: str, count: int | None = None) -> Array:
        """Return the numbers of an attribute, which may be written as text."""
        value = self.read(name)
        try:
            parts = [*map(_as_number, value.split())] if isinstance(value, str) else value
            numbers = np.atleast_1d(np.asarray(parts))
        except ValueError as error:
            raise self.fault(name, value, "a number") from error
        if numbers.size == 0 or (count and numbers.size != count):
            raise self.fault(name, value, "two numbers" if count == 2 else "a number")
        return numbers

    def packing(self) -> dict[str, Any]:
        """Return the factor and the offset of packed values."""
        packing = {name: self.numbers(name, 1)[0] for name in self.present(PACKING)}
        for name, number in packing.items():
            if not np.isfinite(number) or (name == "scale_factor" and number == 0):
                raise self.fault(name, number, "a finite number other than 0")
        return packing

    def unsigned(self) -> bool:
        """Return whether a variable of signed integers holds unsigned ones."""
        if not self.present(["_Unsigned"]):
            return False
        value = str(self.read("_Unsigned")).strip().lower()
        if value not in ("true", "false"):
            raise self.fault("_Unsigned", value, "true or false")
        return value == "true" and self._variable.dtype.kind == "i"

    def fill_values(self, dtype: np.dtype[Any], packing: dict[str, Any]) -> list[Any]:
        """Return the stored values, of the type `dtype`, that stand for missing ones."""
        numbers = [number for name in self.present(FILL) for number in self.numbers(name)]
        if "_FillValue" not in self._names and dtype.itemsize > 1:
            numbers.append(netCDF4.default_fillvals[f"{dtype.kind}{dtype.itemsize}"])
        with np.errstate(all="ignore"):
            values = [_stored_value(np.asarray(number), dtype, packing) for number in numbers]
        return [value for value in values if value is not None]


def _stored_value(number: Array, dtype: np.dtype[Any], packing: dict[str, Any]) -> Any:
    """Return the stored value that a number of an attribute means; None if it occurs nowhere.

    Values of unsigned variables are often written as signed ones, and those of packed variables as
    unpacked ones, although the NetCDF conventions ask for the stored value.
    """
    value = number.astype(dtype)
    if dtype.kind == "f" or value == number:
        return value
    signed = number.astype(dtype.str.replace("u", "i"))
    unpacked = bool(packing) and (number.dtype.kind == "f" or signed != number)
    if unpacked:
        offset, factor = float(packing.get("add_offset", 0)), float(packing.get("scale_factor", 1))
        packed = np.rint((float(number) - offset) / factor)
        return packed.astype(dtype) if packed.astype(dtype) == packed else None
    return signed.view(dtype) if number < 0 and signed == number else None


def _equal(stored: Array, value: Any) -> Any:
    """Return where stored values equal a value, also if one of both had single precision before."""
    with np.errstate(over="ignore"):
        single = np.float32(value)
        if stored.dtype == np.float64 and np.isfinite(single):
            return stored.astype(np.float32) == single
    return stored == value


def _as_number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _outside_limits(stored: Array, attributes: _Attributes, packing: dict[str, Any]) -> Any:
    """Return where stored values are outside the valid range.

    The limits of packed values are packed, too, unless they have the type of the unpacked ones.
    """
    outside: Any = False
    unsigned = attributes.unsigned()
    for name in attributes.present(LIMITS):
        limits = attributes.numbers(name, LIMITS[name])
        if unsigned and limits.dtype.kind == "i":  # often written as signed, like the stored values
            lowest = -(1 << (8 * stored.dtype.itemsize - 1))
            wrapped = (lowest <= limits) & (limits < 0)
            limits = np.where(wrapped, limits.astype(stored.dtype), limits)
        values = stored
        if packing and stored.dtype.kind in "iu" and limits.dtype.kind == "f":
            values = stored * float(packing.get("scale_factor", 1)) + float(
                packing.get("add_offset", 0)
            )
        if stored.dtype == np.float32:
            limits = limits.astype(np.float32)
        if name != "valid_max":
            outside = outside | (values < limits[0])
        if name != "valid_min":
            outside = outside | (values > limits[-1])
    return outside
