"""Checks of single storms: which ones have values that are missing or physically impossible."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

import numpy as np

from stormcnn.storms.lead_times import is_whole_minute
from stormcnn.storms.questionable import FAULTS
from stormcnn.storms.variables import UNKNOWN, Selection, quantity_of
from stormcnn.vocabulary import Array

LONGEST_FORECAST = 240  # hours

LEAST_STORMS_OF_HOUR = 5
"""Fewest storms of an hour whose fields, if all of them are zero, show that the hour is missing."""

WHOLE_HOUR = "in the whole hour"
"""End of the faults of storms whose hour is missing from the NWP model output."""


def first_fault(
    values: Mapping[str, Array],
    hours: Array,
    selection: Selection,
    questionable: Mapping[str, Array],
) -> Array:
    """Return the first fault of each storm as text, or an empty text if the storm is valid.

    `values` holds the fields of `selection` and `masks` with shape (storm, row, col), in the units
    of `QUANTITIES`, and the variables `PER_STORM` and perhaps the target with shape (storm,).
    `hours` are the lead times in hours, shape (storm,). `questionable` is the result of
    `find_questionable`. The result has shape (storm,).
    """
    first = np.full(hours.shape, "", dtype=object)
    rejected = [
        (FAULTS[kind], storms) for kind, storms in questionable.items() if kind in selection.reject
    ]
    for fault, storms in chain(rejected, _faults(values, hours, selection)):
        first[storms & (first == "")] = fault
    return first


def summarize_faults(faults: Array) -> str:
    """Return the number of storms and the first indices for each fault, most frequent first.

    `faults` (storm,) is the result of `first_fault`.

    >>> nan, zero = "NaN in U10_curr", "all-zero REFL_COM_curr"
    >>> summarize_faults(np.array([zero, nan, "", "", nan], object))
    '2 x NaN in U10_curr (p = 1, 4); 1 x all-zero REFL_COM_curr (p = 0)'
    """
    by_fault = {fault: np.flatnonzero(faults == fault) for fault in set(faults) - {""}}
    return "; ".join(
        f"{storms.size} x {fault} (p = {', '.join(map(str, storms[:5]))}"
        f"{', ...' if storms.size > 5 else ''})"
        for fault, storms in sorted(by_fault.items(), key=lambda item: (-item[1].size, item[0]))
    )


def count_faults(summaries: Iterable[str]) -> Counter[str]:
    """Return the number of storms with each fault, from results of `summarize_faults`.

    >>> count_faults(["2 x NaN in U10_curr (p = 1, 4)", "1 x NaN in U10_curr (p = 0)"])
    Counter({'NaN in U10_curr': 3})
    """
    counts: Counter[str] = Counter()
    for summary in summaries:
        for number, fault in re.findall(r"(\d+) x (.+?) \(p = [\d, .]+\)", summary):
            counts[fault] += int(number)
    return counts


def missing_hour(faults: Array) -> Array:
    """Return whether each storm was rejected because its hour is missing, shape (storm,).

    `faults` (storm,) is the result of `first_fault`.
    """
    return np.array([fault.endswith(WHOLE_HOUR) for fault in faults], bool)


def _faults(
    values: Mapping[str, Array], hours: Array, selection: Selection
) -> Iterator[tuple[str, Array]]:
    """Yield the description of each possible fault and which storms have it, shape (storm,)."""
    for variable in selection.fields:
        yield from _field_faults(variable, values[variable], hours)
    if selection.masked:
        inside, outside = values["masks"] == 1, values["masks"] == 0
        yield "masks with values other than 0 and 1", ~(inside | outside).all(axis=(1, 2))
        yield "masks without a grid point", ~inside.any(axis=(1, 2))
    yield (
        f"time not from 0 to {LONGEST_FORECAST} h after the run date",
        _outside(hours, 0, LONGEST_FORECAST),
    )
    yield "time not a whole number of minutes", ~is_whole_minute(hours)
    if selection.lead_hours:
        first, last = selection.lead_hours
        yield f"lead time outside {first:g} to {last:g} h", _outside(hours, first, last)
    yield "centroid_lon outside -180 to 360", _outside(values["centroid_lon"], -180, 360)
    yield "centroid_lat outside -90 to 90", _outside(values["centroid_lat"], -90, 90)
    largest = np.iinfo(np.int32).max
    yield "negative track_id", _outside(values["track_id"], 0, largest)
    yield "track_step below 1", _outside(values["track_step"], 1, largest)


def _field_faults(variable: str, field: Array, hours: Array) -> Iterator[tuple[str, Array]]:
    grid_points = tuple(range(1, field.ndim))
    lowest, highest = field.min(axis=grid_points), field.max(axis=grid_points)
    yield f"NaN in {variable}", np.isnan(lowest)
    yield f"infinity in {variable}", np.isinf(lowest) | np.isinf(highest)
    # A target with one value per storm is 0 if nothing happened.
    zero = (lowest == 0) & (highest == 0) & (field.ndim > 1)
    missing = zero & _of_whole_hour(zero, hours)
    yield f"all-zero {variable} {WHOLE_HOUR}", missing
    quantity = quantity_of(variable)
    if quantity is not UNKNOWN and not variable.endswith("_future"):
        yield f"all-zero {variable}", zero & ~missing
    _, units, low, high = quantity
    yield (
        f"{variable} outside {low:g} to {high:g} {units}",
        _outside(lowest, low, high) | _outside(highest, low, high),
    )


def _of_whole_hour(zero: Array, hours: Array) -> Array:
    """Return whether `zero` holds for all storms of the storm's hour, and there are at least 5."""
    whole = np.zeros_like(zero)
    for hour in np.unique(hours[zero]):
        same = hours == hour
        whole[same] = same.sum() >= LEAST_STORMS_OF_HOUR and zero[same].all()
    return whole


def _outside(values: Array, low: float, high: float) -> Array:
    # Negated so that NaN counts as outside.
    return ~((values >= low) & (values <= high))
