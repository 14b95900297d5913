"""Lead times of storms from the variable `time` of a run file, for any reference and calendar."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import cftime
import netCDF4
import numpy as np

from stormcnn.storms.decoding import Undecodable, decode, text_attribute
from stormcnn.vocabulary import Array

# cftime knows no nanoseconds, in which xarray may store times.
_NANOSECONDS = re.compile(r"(?:ns|nsecs?|nanosecs?|nanoseconds?)(?= +since )")

ROUNDING = 5.0
"""Times are rounded to whole minutes if they are at most this many seconds away from one."""


def read_lead_times(variable: netCDF4.Variable, run_date: datetime) -> Array:
    """Return the hours from `run_date` to the times of the storms, shape (storm,).

    Times within `ROUNDING` of a whole minute are rounded to it. Others are returned as they are:
    `is_whole_minute` distinguishes them.

    Raises `Undecodable` if the units or the calendar are not those of a time, if the run date does
    not exist in the calendar, or if the stored numbers are too coarse to tell the minute.
    """
    units = text_attribute(variable, "units")
    calendar = text_attribute(variable, "calendar") or "standard"
    usual, nanoseconds = _NANOSECONDS.subn("microseconds", units)
    try:
        start, following = cftime.num2date(
            [0, 1], usual, calendar, only_use_cftime_datetimes=True, only_use_python_datetimes=False
        )
        run = cftime.datetime(
            *run_date.timetuple()[:6], calendar=start.calendar, has_year_zero=start.has_year_zero
        )
        unit, offset = following - start, start - run
    except Exception as error:  # cftime raises exceptions of many classes for invalid units
        raise Undecodable(
            f"variable time cannot be decoded: units {units[:50]!r}, calendar {calendar[:50]!r} "
            f"(an example of valid units: 'hours since {run_date}')"
        ) from error
    times = decode(variable, exactly=True).astype(np.float64) / (1000 if nanoseconds else 1)
    with np.errstate(invalid="ignore", over="ignore"):
        hours = offset / timedelta(hours=1) + times * (unit / timedelta(hours=1))
        minutes = np.round(hours * 60)
        rounded = np.where(np.abs(hours * 60 - minutes) * 60 <= ROUNDING, minutes / 60, hours)
        seconds_off = np.abs(hours - np.round(hours)) * 3600
    if variable.dtype == np.float32 and times.size:
        resolution = float(np.spacing(np.float32(np.abs(times).max()))) * unit.total_seconds()
        # Multiples of a power of two are exact, so whole hours may be right all the same.
        if resolution > 2 * ROUNDING and (seconds_off > ROUNDING).any():
            raise Undecodable(
                f"variable time has single precision, which resolves only {resolution:.0f} s in "
                f"the units {units[:50]!r}"
            )
    return rounded


def is_whole_minute(hours: Array) -> Array:
    """Return whether each lead time in hours, shape (storm,), is a whole number of minutes."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.abs(hours * 60 - np.round(hours * 60)) < 1e-6
