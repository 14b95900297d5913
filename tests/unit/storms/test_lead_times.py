"""Lead times from any reference time, unit and calendar."""

import netCDF4
import numpy as np
import pytest
import xarray as xr
from run_files import run_values, write_run_file

from stormcnn.storms.reading import read_run
from stormcnn.storms.run_files import BadRunFile

HOURS = np.array([12, 13, 12, 14, 15, 16])


NANOSECONDS = (HOURS + 24) * 3_600_000_000_000


def read_times(folder, time, units, calendar=None):
    values = run_values()
    values["time"] = np.asarray(time)
    path = write_run_file(folder, values, time_units=units)
    if calendar is not None:
        with netCDF4.Dataset(path, "a") as file:
            file["time"].calendar = calendar
    return read_run(path, predictors=["U10_curr"])


@pytest.mark.slow
@pytest.mark.parametrize("calendar", [None, "noleap", "360_day"])
@pytest.mark.parametrize(
    ("units", "time"),
    [
        ("hours since 2010-10-24 00:00:00", HOURS),
        ("hours since 2010-10-24 12:00:00", HOURS - 12),
        ("hours since 2010-10-24T00:00:00Z", HOURS),
        ("hours since 2010-10-24 02:00:00 +02:00", HOURS),
        ("minutes since 2010-10-24", HOURS * 60),
        ("seconds since 2010-10-23", (HOURS + 24) * 3600),
        ("days since 2010-10-24", (HOURS / 24).astype("f4")),
        ("h since 2010-10-24", HOURS.astype("f4") + np.float32(4 / 3600)),
        ("seconds since 2010-10-24", HOURS * 3600.0 - 5),
        ("nanoseconds since 2010-10-23", NANOSECONDS),
        ("ns since 2010-10-23", NANOSECONDS),
    ],
)
def test_lead_times_are_relative_to_the_run_date_of_the_name(tmp_path, units, time, calendar):
    storms = read_times(tmp_path, time, units, calendar)
    np.testing.assert_array_equal(storms["forecast_hour"], HOURS)
    expected = np.datetime64("2010-10-24", "ns") + HOURS.astype("timedelta64[h]")
    np.testing.assert_array_equal(storms["valid_time"], expected)
    np.testing.assert_array_equal(storms["run_date"], np.full(6, np.datetime64("2010-10-24")))


def test_file_subset_and_saved_with_xarray_has_the_same_times(tmp_path):
    values = run_values()
    values["time"] = HOURS.astype("i4")
    path = write_run_file(tmp_path / "first", values)
    again = tmp_path / "again" / path.name
    again.parent.mkdir()
    with xr.open_dataset(path) as dataset:
        dataset.where(dataset["centroid_lat"] > -90, drop=True).to_netcdf(again)
    with netCDF4.Dataset(again) as file:
        assert "12:00" in file["time"].units
    np.testing.assert_array_equal(read_run(again, predictors=["U10_curr"])["forecast_hour"], HOURS)


@pytest.mark.parametrize("offset", [None, 350_000.0])
def test_packed_times_keep_their_minutes(tmp_path, offset):
    values = run_values()
    minutes = np.array([720, 727, 734, 780, 787, 794])
    values["time"] = minutes.astype("i2")
    units = "hours since 2010-10-24" if offset is None else "hours since 1970-11-19 16:00"
    path = write_run_file(tmp_path, values, time_units=units)
    with netCDF4.Dataset(path, "a") as file:
        file["time"].scale_factor = np.float32(1 / 60)
        if offset is not None:
            file["time"].add_offset = np.float32(offset)
    storms = read_run(path, predictors=["U10_curr"])
    np.testing.assert_allclose(storms["forecast_hour"] * 60, minutes, atol=1e-6)


def test_lead_times_between_whole_hours_are_kept(tmp_path):
    storms = read_times(tmp_path, HOURS * 60 + 15, "minutes since 2010-10-24")
    np.testing.assert_array_equal(storms["forecast_hour"], HOURS + 0.25)
    assert storms["valid_time"].values[0] == np.datetime64("2010-10-24T12:15")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("units", "calendar"),
    [
        ("hours", None),
        ("furlongs since 2010-10-24", None),
        ("hours since 2010-10-24", "lunar"),
        ("hours since 2010-13-24", None),
        ("months since 2010-10-24", None),
    ],
)
def test_undecodable_time_is_named(tmp_path, units, calendar):
    with pytest.raises(BadRunFile, match="time") as error:
        read_times(tmp_path, HOURS, units, calendar)
    assert (calendar or units) in str(error.value)
    assert "ename" not in str(error.value)


def test_run_date_that_the_calendar_lacks_is_refused(tmp_path):
    run = {"run_date": np.datetime64("2012-02-29").astype(object)}
    path = write_run_file(tmp_path, time_units="hours since 2012-02-28", **run)
    with netCDF4.Dataset(path, "a") as file:
        file["time"].calendar = "noleap"
    with pytest.raises(BadRunFile, match="noleap"):
        read_run(path, predictors=["U10_curr"])


def test_single_precision_that_cannot_tell_the_minute_is_refused(tmp_path):
    """In 2010, days since 1900 in single precision are 11 minutes apart."""
    days = (np.datetime64("2010-10-24") - np.datetime64("1900-01-01")).astype(int)
    with pytest.raises(BadRunFile, match="precision"):
        read_times(tmp_path, (days + HOURS / 24).astype("f4"), "days since 1900-01-01")


def test_whole_hours_in_coarse_single_precision_are_read(tmp_path):
    start = (np.datetime64("2010-10-24") - np.datetime64("1900-01-01")).astype(int) * 24
    storms = read_times(tmp_path, (start + HOURS).astype("f4"), "hours since 1900-01-01")
    np.testing.assert_array_equal(storms["forecast_hour"], HOURS)
