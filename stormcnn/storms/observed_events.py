"""Decide from reports of severe weather whether storms have an observed event."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.spatial import cKDTree

from stormcnn.errors import UserError
from stormcnn.storms.cycles import EARTH_RADIUS
from stormcnn.storms.observed_reports import Reports
from stormcnn.vocabulary import Array

WINDOWS = {"prev": (-60.0, -60.0), "future": (0.0, 60.0)}
"""Beginning and end of the event in minutes after the valid time, by the suffix of the target."""

UNKNOWN, NO, YES = -1, 0, 1
"""Values of `observed`; unknown are storms of months that the reports do not cover."""

logger = logging.getLogger(__name__)


def window_of(target: str) -> tuple[float, float]:
    """Return beginning and end of the event in minutes after the valid time of the storm.

    It follows from the suffix of the target, whose fields are those of that time (`_curr`, and
    targets with one value per storm), an hour earlier (`_prev`), or of the next hour (`_future`).

    >>> window_of("RVORT1_MAX_future"), window_of("Max_Hail_Size")
    ((0.0, 60.0), (0.0, 0.0))
    """
    return WINDOWS.get(target.rpartition("_")[2], (0.0, 0.0))


def find_observed_events(
    storms: xr.Dataset,
    reports: Reports,
    distance_km: float,
    minutes: float,
    window: Sequence[float],
) -> xr.Dataset:
    """Return whether each storm has an observed event: a report close to it in space and time.

    Close are reports within `distance_km` of the storm's position, `longitude` and `latitude` at
    its `valid_time`, and at most `minutes` before or after the event, which lasts from the
    first to the second time in `window`, in minutes after the valid time. Distances are those on
    a sphere.

    Returns `observed(storm)`, 1, 0, or -1 if the reports do not cover the months of this time;
    `reports(storm)`, the number of reports that are close; and `nearest_km(storm)`, the distance of
    the nearest report at this time, NaN without any; with the coordinates of `storms`. The
    attributes `reports_in_time` and `reports_matched` count the reports at the time of any covered
    storm, and those of them that are close to one.
    """
    begin, end = event_times(storms, minutes, window)
    covered = _is_covered(begin, end, reports.months)
    count = np.zeros(begin.size, np.int32)
    nearest = np.full(begin.size, np.nan, np.float32)
    in_time, matched = np.zeros((2, reports.time.size), bool)
    of_storms = _unit_vectors(storms["longitude"].values, storms["latitude"].values)
    of_reports = _unit_vectors(reports.longitude, reports.latitude)
    chord = 2 * np.sin(min(distance_km / (2 * EARTH_RADIUS), np.pi / 2))
    order = np.argsort(begin, kind="stable")
    for same_time in np.split(order, np.flatnonzero(np.diff(begin[order])) + 1):
        if not same_time.size:  # there are no storms
            continue
        first = np.searchsorted(reports.time, begin[same_time[0]], "left")
        last = np.searchsorted(reports.time, end[same_time[0]], "right")
        if first == last:
            continue
        tree = cKDTree(of_reports[first:last])
        chords, _ = tree.query(of_storms[same_time])
        nearest[same_time] = 2 * EARTH_RADIUS * np.arcsin(np.clip(chords / 2, 0, 1))
        close = tree.query_ball_point(of_storms[same_time], chord)
        count[same_time] = [len(indices) for indices in close]
        if covered[same_time[0]]:
            in_time[first:last] = True
            matched[first + np.concatenate(close).astype(int)] = True
    observed = np.where(covered, np.where(count > 0, YES, NO), UNKNOWN).astype(np.int8)
    return xr.Dataset(
        {
            "observed": (
                "storm",
                observed,
                {
                    "long_name": "whether an event was reported near the storm",
                    "flag_values": np.array([UNKNOWN, NO, YES], np.int8),
                    "flag_meanings": "unknown no yes",
                },
            ),
            "reports": ("storm", count, {"long_name": "number of reports near the storm"}),
            "nearest_km": (
                "storm",
                nearest,
                {"long_name": "distance of the nearest report in time", "units": "km"},
            ),
        },
        coords=storms["peak"].coords,
        attrs={"reports_in_time": int(in_time.sum()), "reports_matched": int(matched.sum())},
    )


def observed_frequency(observations: xr.Dataset) -> float:
    """Return the share of storms with an observed event, NaN if it is known of none."""
    observed = observations["observed"].values
    known = observed[observed != UNKNOWN]
    return float((known == YES).mean()) if known.size else float("nan")


def check_coverage(observations: xr.Dataset, reports: Reports) -> None:
    """Raise `UserError` if the reports cover no storm of the test period, and log their share."""
    known = observations["observed"].values != UNKNOWN
    valid = observations["valid_time"].values
    if not known.any():
        span = "no month"
        if reports.months.size:
            span = f"months from {reports.months[0]} to {reports.months[-1]}"
        raise UserError(
            f"observations.reports: the reports cover {span}, but no storm of the test period, "
            f"which lasts from {str(valid.min())[:10]} to {str(valid.max())[:10]}. Add the reports "
            "of this time."
        )
    if not known.all():
        logger.warning(
            "The reports cover %s of %s storms of the test period; the others are left out.",
            f"{known.sum():,}",
            f"{known.size:,}",
        )
    logger.info(
        "%s of %s storms have an observed event; %s of the %s reports at the time of a storm are "
        "near one.",
        f"{(observations['observed'].values == YES).sum():,}",
        f"{known.sum():,}",
        f"{observations.attrs['reports_matched']:,}",
        f"{observations.attrs['reports_in_time']:,}",
    )


def event_times(storms: xr.Dataset, minutes: float, window: Sequence[float]) -> tuple[Array, Array]:
    """Return the first and the last time of reports that count for each storm (storm,)."""
    valid = storms["valid_time"].values.astype("datetime64[ns]")
    offsets = np.array([window[0] - minutes, window[1] + minutes]) * 60e9
    begin, end = offsets.round().astype("timedelta64[ns]")
    return valid + begin, valid + end


def _is_covered(begin: Array, end: Array, months: Array) -> Array:
    """Return whether the months of both times (storm,) are covered."""
    first, last = (np.isin(time.astype("datetime64[M]"), months) for time in (begin, end))
    covered: Array = first & last
    return covered


def _unit_vectors(longitude: Array, latitude: Array) -> Array:
    """Return positions in degrees as vectors of length 1, shape (position, 3)."""
    east, north = (np.radians(degrees.astype(np.float64)) for degrees in (longitude, latitude))
    return np.stack(
        [np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1
    )
