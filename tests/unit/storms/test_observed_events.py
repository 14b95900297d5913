"""Which storms have an observed event."""

import numpy as np
import pytest
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.storms.observed_events import (
    check_coverage,
    find_observed_events,
    observed_frequency,
)
from stormcnn.storms.observed_reports import Reports

KM_PER_DEGREE = np.pi * 6371 / 180
NOON = np.datetime64("2015-05-10T12:00", "ns")
MONTHS = np.array(["2015-05"], "datetime64[M]")


def storms_at(longitude, latitude, time=NOON):
    """Return storms with these positions and valid times."""
    longitude, latitude, time = np.broadcast_arrays(
        *map(np.atleast_1d, (longitude, latitude, time))
    )
    coordinates = {
        "longitude": ("storm", longitude.astype("f4")),
        "latitude": ("storm", latitude.astype("f4")),
        "valid_time": ("storm", time.astype("datetime64[ns]")),
    }
    return xr.Dataset({"peak": ("storm", np.zeros(longitude.size))}, coordinates)


def reports_at(longitude, latitude, minutes=0, months=MONTHS):
    """Return reports at these positions, some minutes after noon."""
    longitude, latitude, minutes = np.broadcast_arrays(
        *map(np.atleast_1d, (longitude, latitude, minutes))
    )
    order = np.argsort(minutes, kind="stable")
    time = NOON + minutes[order].astype("timedelta64[m]")
    return Reports(
        time, longitude[order].astype(float), latitude[order].astype(float), months, 0, 0
    )


def match(storms, reports, distance_km=40, minutes=30, window=(0, 60)):
    return find_observed_events(storms, reports, distance_km, minutes, window)


@pytest.mark.parametrize(("km", "observed"), [(39.9, 1), (40.1, 0)])
@pytest.mark.parametrize("bearing", ["north", "east"])
def test_reports_within_the_distance_count(km, observed, bearing):
    degrees = km / KM_PER_DEGREE
    # On the equator, a degree of longitude is as long as one of latitude.
    east, north = (degrees, 0) if bearing == "east" else (0, degrees)
    found = match(storms_at(-97, 0), reports_at(-97 + east, north))
    assert found["observed"].values == [observed]
    assert found["reports"].values == [observed]
    np.testing.assert_allclose(found["nearest_km"], km, rtol=1e-4)


def test_distances_are_those_on_a_sphere():
    storms = storms_at([179.9, 10, -97], [0, 89.9, 60])
    reports = reports_at([-179.9, -170, -96], [0, 89.9, 60])
    expected = [0.2 * KM_PER_DEGREE, 0.2 * KM_PER_DEGREE, 55.597]  # haversine formula for the last
    np.testing.assert_allclose(match(storms, reports)["nearest_km"], expected, rtol=1e-4)
    whole_earth = match(storms, reports, distance_km=30000)
    np.testing.assert_array_equal(whole_earth["reports"], [3, 3, 3])


@pytest.mark.parametrize(
    ("minutes", "observed"), [(-31, 0), (-30, 1), (0, 1), (60, 1), (90, 1), (91, 0)]
)
def test_event_of_the_next_hour_lasts_an_hour(minutes, observed):
    found = match(storms_at(-97, 35), reports_at(-97, 35, minutes))
    assert found["observed"].values == [observed]
    assert np.isnan(found["nearest_km"].values[0]) == (not observed)


@pytest.mark.parametrize(
    ("window", "first", "last"), [((0, 0), -30, 30), ((-60, 0), -90, 30), ((-60, -60), -90, -30)]
)
def test_window_is_relative_to_the_valid_time(window, first, last):
    storm = storms_at(-97, 35)
    for minutes, observed in ((first - 1, 0), (first, 1), (last, 1), (last + 1, 0)):
        found = match(storm, reports_at(-97, 35, minutes), window=window)
        assert found["observed"].values == [observed]


def test_counts_agree_with_all_pairs():
    random = np.random.default_rng(0)
    time = NOON + random.integers(0, 5, 300).astype("timedelta64[h]")
    storms = storms_at(random.uniform(-99, -95, 300), random.uniform(33, 37, 300), time)
    minutes = random.integers(-60, 400, 200)
    reports = reports_at(random.uniform(-99, -95, 200), random.uniform(33, 37, 200), minutes)
    found = match(storms, reports)
    east, north = (
        np.radians(storms[name].values.astype(float)) for name in ("longitude", "latitude")
    )
    a, b = np.radians(reports.longitude), np.radians(reports.latitude)
    haversine = (
        np.sin((north[:, None] - b) / 2) ** 2
        + np.outer(np.cos(north), np.cos(b)) * np.sin((east[:, None] - a) / 2) ** 2
    )
    later = (reports.time - storms["valid_time"].values[:, None]) / np.timedelta64(1, "m")
    in_time = (later >= -30) & (later <= 90)
    close = (2 * 6371 * np.arcsin(np.sqrt(haversine)) <= 40) & in_time
    np.testing.assert_array_equal(found["reports"], close.sum(axis=1))
    np.testing.assert_array_equal(found["observed"], close.any(axis=1))
    assert 20 < found["observed"].sum() < 280
    assert found.attrs["reports_in_time"] == in_time.any(axis=0).sum()
    assert found.attrs["reports_matched"] == close.any(axis=0).sum()


def test_storms_of_months_without_reports_are_unknown():
    times = np.array(["2015-05-31T20:00", "2015-05-31T23:00", "2015-06-10T12:00"], "datetime64[ns]")
    storms = storms_at(-97, 35, times)
    found = match(storms, reports_at(-97, 35))
    # The event of the second storm ends in June.
    np.testing.assert_array_equal(found["observed"], [0, -1, -1])
    assert observed_frequency(found) == 0
    assert np.isnan(observed_frequency(found.isel(storm=slice(1, None))))
    check_coverage(found, reports_at(-97, 35))
    with pytest.raises(UserError) as error:
        check_coverage(found.isel(storm=slice(1, None)), reports_at(-97, 35))
    for text in ("observations.reports", "2015-05", "2015-06-10"):
        assert text in str(error.value)


def test_no_storms_have_no_events():
    found = match(
        storms_at(np.empty(0), np.empty(0), np.empty(0, "datetime64[ns]")), reports_at(0, 0)
    )
    assert found.sizes["storm"] == 0
