"""Storms with missing or impossible values are rejected, with reasons, and no others are."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from run_files import run_values, write_run_file

from stormcnn.storms.reading import read_run

PREDICTORS = ["REFL_COM_curr", "U10_curr", "V10_curr"]
TARGET = "RVORT1_MAX_future"


def read(path, predictors=PREDICTORS, target=TARGET, **settings):
    return read_run(path, predictors=predictors, target=target, **settings)


def read_values(folder, values, **settings):
    return read(write_run_file(folder, values), **settings)


def values_with(variable, value, storm=2):
    """Return the values of a run in which one value of one storm is replaced."""
    values = run_values()
    place = (storm, 4, 4) if values[variable].ndim == 3 else storm
    values[variable] = values[variable].astype("f4" if np.isnan(value) else values[variable].dtype)
    values[variable][place] = value
    return values


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("U10_curr", np.nan, "NaN in U10_curr"),
        ("V10_curr", np.inf, "infinity in V10_curr"),
        ("V10_curr", -np.inf, "infinity in V10_curr"),
        (TARGET, np.nan, "NaN in RVORT1_MAX_future"),
        ("REFL_COM_curr", 85.1, "REFL_COM_curr outside -35 to 85 dBZ"),
        ("REFL_COM_curr", -35.1, "REFL_COM_curr outside -35 to 85 dBZ"),
        ("U10_curr", 100.1, "U10_curr outside -100 to 100 m s-1"),
        ("V10_curr", -100.1, "V10_curr outside -100 to 100 m s-1"),
        ("T2_curr", 149.0, "T2_curr outside 150 to 350 K"),
        (TARGET, 0.201, "RVORT1_MAX_future outside 0 to 0.2 s-1"),
        (TARGET, -0.001, "RVORT1_MAX_future outside 0 to 0.2 s-1"),
        ("masks", 2, "masks with values other than 0 and 1"),
        ("masks", -1, "masks with values other than 0 and 1"),
        ("centroid_lon", np.nan, "centroid_lon outside -180 to 360"),
        ("centroid_lon", 361, "centroid_lon outside -180 to 360"),
        ("centroid_lat", np.inf, "centroid_lat outside -90 to 90"),
        ("centroid_lat", -91, "centroid_lat outside -90 to 90"),
        ("track_id", -1, "negative track_id"),
        ("track_step", 0, "track_step below 1"),
        ("time", -1, "time not from 0 to 240 h after the run date"),
        ("time", 241, "time not from 0 to 240 h after the run date"),
        ("time", np.nan, "time not from 0 to 240 h after the run date"),
    ],
)
def test_storm_with_impossible_value_is_rejected(tmp_path, variable, value, reason):
    patches = read_values(
        tmp_path, values_with(variable, value), predictors=[*PREDICTORS, "T2_curr"]
    )
    np.testing.assert_array_equal(patches["patch"], [0, 1, 3, 4, 5])
    assert patches.attrs["rejected"] == 1
    assert patches.attrs["reason"] == f"1 x {reason} (p = 2)"


@pytest.mark.slow
def test_rejected_storm_does_not_change_the_others(tmp_path):
    values = run_values()
    for storm in range(6):  # each storm has a different mask
        values["masks"][storm] = 0
        values["masks"][storm, storm, storm] = 1
    whole = read_values(tmp_path / "whole", values)
    values["V10_curr"][1] = np.nan
    xr.testing.assert_equal(
        read_values(tmp_path / "changed", values), whole.isel(storm=[0, 2, 3, 4, 5])
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("REFL_COM_curr", 85),
        ("REFL_COM_curr", -35),
        ("U10_curr", 100),
        ("V10_curr", -100),
        (TARGET, 0.2),
        (TARGET, 0),
        ("time", 0),
        ("time", 240),
        ("centroid_lon", 360),
        ("track_id", 0),
        ("track_step", 1),
    ],
)
def test_values_at_the_limits_are_accepted(tmp_path, variable, value):
    assert read_values(tmp_path, values_with(variable, value)).attrs["rejected"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("variable", PREDICTORS)
def test_predictor_of_zeros_is_rejected(tmp_path, variable):
    values = run_values()
    values[variable][[1, 3]] = 0
    attributes = read_values(tmp_path, values).attrs
    assert attributes["reason"] == f"2 x all-zero {variable} (p = 1, 3)"
    assert (attributes["missing_hours"], attributes["missing_storms"]) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("target", [TARGET, "HAIL_MAXK1_future"])
def test_storm_that_vanishes_is_kept_as_a_non_event(tmp_path, target):
    values = run_values(storms=12)
    values["time"][:] = [12] * 8 + [13] * 4
    values[target][[1, 3, *range(8, 12)]] = 0  # some of eight storms, and all of only four
    patches = read_values(tmp_path, values, target=target)
    assert patches.attrs["rejected"] == 0
    assert patches["peak"].values[[1, 3, 8, 9, 10, 11]].tolist() == [0] * 6


@pytest.mark.slow
@pytest.mark.parametrize("variable", [TARGET, "HAIL_MAXK1_future", "U10_curr"])
def test_hour_is_missing_if_all_of_at_least_five_storms_have_zeros(tmp_path, variable):
    values = run_values(storms=17)
    values["time"][:] = [12] * 5 + [13] * 6 + [14] * 6
    values[variable][:11] = 0
    values["V10_curr"][16] = np.nan
    target = TARGET if variable in PREDICTORS else variable
    patches = read_values(tmp_path, values, target=target)
    np.testing.assert_array_equal(patches["patch"], [11, 12, 13, 14, 15])
    attributes = patches.attrs
    assert (attributes["missing_hours"], attributes["missing_storms"]) == (2, 11)
    assert attributes["rejected"] == 12
    assert f"11 x all-zero {variable} in the whole hour" in attributes["reason"]


@pytest.mark.slow
def test_storm_with_empty_mask_is_rejected_unless_masks_are_not_needed(tmp_path):
    values = run_values()
    values["masks"][4] = 0
    path = write_run_file(tmp_path, values)
    assert read(path).attrs["reason"] == "1 x masks without a grid point (p = 4)"
    assert read(path, region="patch").attrs["rejected"] == 0


def test_time_between_whole_minutes_is_rejected(tmp_path):
    values = run_values()
    values["time"] = values["time"].astype("f8")
    values["time"][0] += 20 / 3600
    patches = read_values(tmp_path, values)
    assert patches.attrs["reason"] == "1 x time not a whole number of minutes (p = 0)"


def test_fill_value_counts_as_missing(tmp_path):
    values = values_with("U10_curr", -9999.0, storm=1)
    attributes = read(write_run_file(tmp_path, values, fill_value=-9999.0)).attrs
    assert attributes["reason"] == "1 x NaN in U10_curr (p = 1)"


def test_reason_counts_each_storm_once_and_lists_the_first_five(tmp_path):
    values = run_values(storms=12)
    values["U10_curr"][2:9, 0, 0] = np.nan
    values["V10_curr"][8:10, 0, 0] = np.inf
    patches = read_values(tmp_path, values)
    assert patches.attrs["reason"] == (
        "7 x NaN in U10_curr (p = 2, 3, 4, 5, 6, ...); 1 x infinity in V10_curr (p = 9)"
    )
    assert patches.attrs["rejected"] == 8
    np.testing.assert_array_equal(patches["patch"], [0, 1, 10, 11])


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(bad=st.sets(st.integers(0, 5)), variable=st.sampled_from([*PREDICTORS, TARGET]))
def test_exactly_the_storms_with_nan_are_rejected(tmp_path_factory, bad, variable):
    values = run_values(storms=6, size=4)
    values[variable][sorted(bad), 1, 2] = np.nan
    patches = read_values(tmp_path_factory.mktemp("run"), values)
    kept = [storm for storm in range(6) if storm not in bad]
    np.testing.assert_array_equal(patches["patch"], kept)
    np.testing.assert_array_equal(
        patches["predictors"].sel(variable="V10_curr"), values["V10_curr"][kept]
    )
    assert patches.attrs["rejected"] == len(bad)
