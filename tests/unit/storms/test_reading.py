"""Reading one run file: what is taken, what is set aside, what is refused."""

import faulthandler
import os
import resource
import signal
import time
from datetime import datetime
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from run_files import run_file_name, run_values, write_run_file

from stormcnn.errors import UserError
from stormcnn.provenance import sha256_of
from stormcnn.storms import reading
from stormcnn.storms.reading import BadRunFile, read_run

DATA = Path(__file__).parents[2] / "data"
PREDICTORS = ["REFL_COM_curr", "U10_curr", "V10_curr"]
TARGET = "RVORT1_MAX_future"


def read(path, predictors=PREDICTORS, target=TARGET, **settings):
    return read_run(path, predictors=predictors, target=target, **settings)


def read_values(folder, values, **settings):
    return read(write_run_file(folder, values), **settings)


# What is taken


def test_storms_keep_fields_positions_times_and_tracks(tmp_path):
    values = run_values(storms=5)
    patches = read_values(tmp_path, values)
    assert patches["predictors"].dims == ("storm", "y", "x", "variable")
    assert patches["predictors"].dtype == np.float32
    assert list(patches["variable"].values) == PREDICTORS
    for variable in PREDICTORS:
        np.testing.assert_array_equal(
            patches["predictors"].sel(variable=variable), values[variable]
        )
    np.testing.assert_array_equal(patches["forecast_hour"], [12, 13, 14, 15, 16])
    np.testing.assert_array_equal(
        patches["valid_time"], pd.date_range("2010-10-24 12:00", periods=5, freq="h")
    )
    np.testing.assert_array_equal(patches["run_date"], np.full(5, np.datetime64("2010-10-24")))
    np.testing.assert_array_equal(patches["track_id"], [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(patches["track_step"], [1, 2, 3, 1, 2])
    np.testing.assert_array_equal(patches["longitude"], values["centroid_lon"])
    np.testing.assert_array_equal(patches["latitude"], values["centroid_lat"])
    np.testing.assert_array_equal(patches["patch"], range(5))
    assert set(patches["member"].values) == {"d01"}
    assert set(patches["run_file"].values) == {"NCARSTORM_20101024-0000_d01_model_patches.nc"}


def test_predictors_come_in_the_order_asked_for(tmp_path):
    values = run_values()
    patches = read_values(tmp_path, values, predictors=["T2_curr", "REFL_COM_curr"])
    np.testing.assert_array_equal(patches["predictors"][..., 0], values["T2_curr"])
    np.testing.assert_array_equal(patches["predictors"][..., 1], values["REFL_COM_curr"])
    assert list(patches["units"].values) == ["K", "dBZ"]


def test_peak_counts_inside_the_storm_or_in_the_whole_patch(tmp_path):
    values = run_values(storms=5)
    values["masks"][:] = 0
    values["masks"][:, 2, 6] = 1
    values[TARGET][:, 2, 6] = [0.001, 0.002, 0.003, 0.004, 0.005]
    values[TARGET][:, 6, 2] = 0.009
    path = write_run_file(tmp_path, values)
    inside = np.float32([0.001, 0.002, 0.003, 0.004, 0.005])
    np.testing.assert_array_equal(read(path, region="storm")["peak"], inside)
    np.testing.assert_array_equal(read(path, region="patch")["peak"], np.full(5, np.float32(0.01)))


@pytest.mark.parametrize("run_date", ["20000101-0000", "20300101-0000"])
def test_files_of_hagelslag_agree_with_its_table_of_the_same_storms(run_date):
    patches = read(DATA / f"NCARSTORM_{run_date}_d01_model_patches.nc")
    table = pd.read_csv(DATA / f"track_step_NCARSTORM_d01_{run_date}.csv")
    assert patches.sizes["storm"] == len(table)
    assert patches.attrs["rejected"] == 0
    np.testing.assert_allclose(patches["peak"], table["RVORT1_MAX-future_max"], atol=6e-6)
    np.testing.assert_array_equal(patches["forecast_hour"], table["Forecast_Hour"])
    np.testing.assert_array_equal(patches["track_step"], table["Duration"])
    np.testing.assert_array_equal(patches["valid_time"], pd.to_datetime(table["Valid_Date"]))


def test_new_storms_need_no_future_variable_and_no_masks(tmp_path):
    values = run_values()
    for variable in (TARGET, "HAIL_MAXK1_future", "masks"):
        del values[variable]
    patches = read_values(tmp_path, values, target=None)
    assert patches.sizes["storm"] == 6
    assert "peak" not in patches


def test_variables_that_are_not_needed_may_be_missing_or_spoiled(tmp_path):
    values = run_values()
    for variable in ("x", "y", "centroid_i", "HAIL_MAXK1_future"):
        del values[variable]
    values["T2_curr"][:] = np.nan
    assert read_values(tmp_path, values).attrs["rejected"] == 0


def test_order_of_variables_and_further_attributes_do_not_matter(tmp_path):
    values = run_values()
    expected = read_values(tmp_path / "usual", values)
    path = write_run_file(
        tmp_path / "other",
        dict(reversed(values.items())),
        attributes={"start_hour": "12", "model_path": "/model", "version": 3},
    )
    xr.testing.assert_equal(read(path), expected)


def test_files_saved_again_with_xarray_give_the_same_storms(tmp_path):
    path = write_run_file(tmp_path / "first", fill_value=np.nan)
    again = tmp_path / "again" / path.name
    again.parent.mkdir()
    with xr.open_dataset(path) as dataset:
        dataset.to_netcdf(again)
    xr.testing.assert_equal(read(again), read(path))


def test_time_may_count_in_minutes(tmp_path):
    values = run_values()
    hours = values["time"].copy()
    values["time"] = hours * 60
    path = write_run_file(tmp_path, values, time_units="minutes since 2010-10-24")
    np.testing.assert_array_equal(read(path)["forecast_hour"], hours)


def test_a_run_without_storms_is_no_fault(tmp_path):
    patches = read_values(tmp_path, run_values(storms=0))
    assert patches["predictors"].shape == (0, 8, 8, 3)
    assert (patches.attrs["rejected"], patches.attrs["reason"]) == (0, "")


def test_title_size_and_digest_of_the_file_are_kept(tmp_path):
    path = write_run_file(tmp_path, title="Made-up storm patches\n\x1b[31mfor run 1")
    attributes = read(path).attrs
    assert attributes["title"] == "Made-up storm patches [31mfor run 1"
    assert attributes["bytes"] == path.stat().st_size
    assert attributes["sha256"] == sha256_of(path)


# What is set aside


def spoil(variable, value, storm=2):
    """The values of a run in which one grid point, or the whole entry, of a storm is spoiled."""
    values = run_values()
    place = (storm, 4, 4) if values[variable].ndim == 3 else storm
    values[variable] = values[variable].astype("f4" if np.isnan(value) else values[variable].dtype)
    values[variable][place] = value
    return values


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
        ("masks", 2, "masks other than 0 and 1"),
        ("masks", -1, "masks other than 0 and 1"),
        ("centroid_lon", np.nan, "impossible centroid_lon"),
        ("centroid_lon", 361, "impossible centroid_lon"),
        ("centroid_lat", np.inf, "impossible centroid_lat"),
        ("centroid_lat", -91, "impossible centroid_lat"),
        ("track_id", -1, "negative track_id"),
        ("track_step", 0, "track_step below 1"),
        ("time", -1, "time that is not 0 to 240 whole hours after the run's start"),
        ("time", 241, "time that is not 0 to 240 whole hours after the run's start"),
        ("time", np.nan, "time that is not 0 to 240 whole hours after the run's start"),
    ],
)
def test_a_storm_with_an_impossible_value_is_set_aside(tmp_path, variable, value, reason):
    patches = read_values(tmp_path, spoil(variable, value), predictors=[*PREDICTORS, "T2_curr"])
    np.testing.assert_array_equal(patches["patch"], [0, 1, 3, 4, 5])
    assert patches.attrs["rejected"] == 1
    assert patches.attrs["reason"] == f"1 x {reason} (p = 2)"


def test_storms_beside_one_set_aside_keep_all_that_is_theirs(tmp_path):
    values = run_values()
    for storm in range(6):  # a mask of its own for each storm
        values["masks"][storm] = 0
        values["masks"][storm, storm, storm] = 1
    whole = read_values(tmp_path / "whole", values)
    values["V10_curr"][1] = np.nan
    xr.testing.assert_equal(
        read_values(tmp_path / "spoiled", values), whole.isel(storm=[0, 2, 3, 4, 5])
    )


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
def test_values_at_the_limits_are_possible(tmp_path, variable, value):
    assert read_values(tmp_path, spoil(variable, value)).attrs["rejected"] == 0


@pytest.mark.parametrize("variable", [*PREDICTORS, TARGET])
def test_an_all_zero_field_means_that_the_hour_is_missing(tmp_path, variable):
    values = run_values()
    values[variable][[1, 3]] = 0
    attributes = read_values(tmp_path, values).attrs
    assert attributes["reason"] == f"2 x all-zero {variable} (p = 1, 3)"


def test_hail_may_be_zero_in_a_patch_but_not_in_all_storms_of_an_hour(tmp_path):
    values = run_values()
    values["time"][:] = [12, 12, 12, 13, 13, 13]
    values["HAIL_MAXK1_future"][[1, 3, 4, 5]] = 0
    patches = read_values(tmp_path, values, target="HAIL_MAXK1_future")
    np.testing.assert_array_equal(patches["patch"], [0, 1, 2])
    assert patches.attrs["reason"] == "3 x all-zero HAIL_MAXK1_future (p = 3, 4, 5)"


def test_a_storm_without_a_pixel_in_its_mask_is_set_aside(tmp_path):
    values = run_values()
    values["masks"][4] = 0
    path = write_run_file(tmp_path, values)
    assert read(path).attrs["reason"] == "1 x masks without a pixel (p = 4)"
    assert read(path, region="patch").attrs["rejected"] == 0


def test_times_between_whole_hours_are_set_aside(tmp_path):
    values = run_values()
    values["time"] = values["time"].astype("f8")
    values["time"][0] = 12.5
    assert (
        "1 x time that is not 0 to 240 whole hours" in read_values(tmp_path, values).attrs["reason"]
    )


def test_missing_values_of_a_file_with_fill_value_are_found(tmp_path):
    values = spoil("U10_curr", -9999.0, storm=1)
    attributes = read(write_run_file(tmp_path, values, fill_value=-9999.0)).attrs
    assert attributes["reason"] == "1 x NaN in U10_curr (p = 1)"


def test_reasons_count_each_storm_once_and_name_the_first_five(tmp_path):
    values = run_values(storms=12)
    values["U10_curr"][2:9, 0, 0] = np.nan
    values["V10_curr"][8:10, 0, 0] = np.inf
    patches = read_values(tmp_path, values)
    assert patches.attrs["reason"] == (
        "7 x NaN in U10_curr (p = 2, 3, 4, 5, 6, ...); 1 x infinity in V10_curr (p = 9)"
    )
    assert patches.attrs["rejected"] == 8
    np.testing.assert_array_equal(patches["patch"], [0, 1, 10, 11])


@settings(max_examples=20, deadline=None)
@given(bad=st.sets(st.integers(0, 5)), variable=st.sampled_from([*PREDICTORS, TARGET]))
def test_exactly_the_spoiled_storms_are_left_out(tmp_path_factory, bad, variable):
    values = run_values(storms=6, size=4)
    values[variable][sorted(bad), 1, 2] = np.nan
    patches = read_values(tmp_path_factory.mktemp("run"), values)
    kept = [storm for storm in range(6) if storm not in bad]
    np.testing.assert_array_equal(patches["patch"], kept)
    np.testing.assert_array_equal(
        patches["predictors"].sel(variable="V10_curr"), values["V10_curr"][kept]
    )
    assert patches.attrs["rejected"] == len(bad)


# What is refused


def refusal(path, **settings):
    """The sentence that a file is refused with, without the name that it starts with."""
    with pytest.raises(BadRunFile) as refused:
        read(path, **settings)
    start = f"{path}: "
    assert str(refused.value).startswith(start)
    return str(refused.value).removeprefix(start)


def test_a_truncated_file_is_named_in_the_error(tmp_path):
    path = write_run_file(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "cannot be read as NetCDF" in refusal(path)


def test_a_file_damaged_in_the_middle_of_its_values_is_refused(tmp_path):
    path = write_run_file(tmp_path, run_values(storms=40, size=16))
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : 2 * len(content) // 3] = bytes(len(content) // 3)
    path.write_bytes(content)
    assert "cut short or damaged" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"<html>404 Not Found</html>", b"\x89HDF\r\n\x1a\n"])
def test_a_file_that_is_not_netcdf_is_refused(tmp_path, content):
    path = tmp_path / run_file_name()
    path.write_bytes(content)
    assert "NetCDF" in refusal(path)


def test_a_file_in_the_classic_format_is_refused_with_the_way_out(tmp_path):
    path = write_run_file(tmp_path)
    with xr.open_dataset(path) as dataset:
        classic = dataset.load()
    classic.to_netcdf(path, format="NETCDF3_64BIT")
    assert "converted with nccopy -k nc4" in refusal(path)


def test_a_missing_file_is_named_in_the_error(tmp_path):
    assert refusal(tmp_path / run_file_name()) == "cannot be opened (No such file or directory)."


@pytest.mark.parametrize("variable", ["masks", "U10_curr", TARGET, "track_step", "centroid_lat"])
def test_a_file_that_lacks_a_needed_variable_is_refused(tmp_path, variable):
    values = run_values()
    del values[variable]
    assert refusal(write_run_file(tmp_path, values)).startswith(
        f"the variable {variable} is missing"
    )


def test_region_patch_needs_no_masks(tmp_path):
    values = run_values()
    del values["masks"]
    assert read_values(tmp_path, values, region="patch").sizes["storm"] == 6


def test_a_file_whose_time_counts_from_another_run_is_refused(tmp_path):
    path = write_run_file(tmp_path, time_units="hours since 2010-10-25 00:00:00")
    assert "at 2010-10-24 00:00:00 as the file's name says, but at 2010-10-25" in refusal(path)


@pytest.mark.parametrize("units", ["hours", "", "furlongs since 2010-10-24", "hours since x"])
def test_a_time_without_a_start_is_refused(tmp_path, units):
    path = write_run_file(tmp_path)
    with netCDF4.Dataset(path, "a") as file:
        file["time"].units = units
    assert "'hours since 2010-10-24 00:00:00'" in refusal(path)


@pytest.mark.parametrize("name", ["storms.nc", "NCARSTORM_20101324-0000_d01_model_patches.nc"])
def test_a_name_without_a_run_date_is_refused(tmp_path, name):
    assert "ENSEMBLE_YYYYMMDD-HHMM_MEMBER" in refusal(write_run_file(tmp_path, name=name))


def test_fields_in_another_layout_are_refused(tmp_path):
    path = write_run_file(tmp_path)
    with xr.open_dataset(path) as dataset:
        turned = dataset.load().transpose("row", "col", "p")
    turned.to_netcdf(path)
    assert "has the dimensions (row, col, p); it must have (p, row, col)" in refusal(path)


def test_texts_in_place_of_numbers_are_refused(tmp_path):
    path = write_run_file(tmp_path)
    with netCDF4.Dataset(path, "a") as file:
        file.renameVariable("U10_curr", "U10")
        file.createVariable("U10_curr", str, ("p", "row", "col"))
    assert refusal(path) == "U10_curr does not hold numbers."


def test_patches_without_a_grid_point_are_refused(tmp_path):
    values = {name: array for name, array in run_values().items() if name not in ("row", "col")}
    flat = {name: array[:, :0] if array.ndim == 3 else array for name, array in values.items()}
    assert "no grid point" in refusal(write_run_file(tmp_path, flat))


def test_a_file_that_claims_more_than_it_can_hold_is_refused_unread(tmp_path):
    path = tmp_path / run_file_name()
    with netCDF4.Dataset(path, "w") as file:
        for dimension, length in {"p": 10**9, "row": 1000, "col": 1000}.items():
            file.createDimension(dimension, length)
        for variable in (*PREDICTORS, TARGET, "masks"):
            file.createVariable(
                variable, "f4", ("p", "row", "col"), zlib=True, chunksizes=(1, 9, 9)
            )
        for variable in ("time", "track_id", "track_step", "centroid_lon", "centroid_lat"):
            file.createVariable(variable, "f4", ("p",), zlib=True, chunksizes=(1000,))
    assert "more than a file of" in refusal(path)


def test_a_file_with_another_digest_than_listed_is_refused(tmp_path):
    path = write_run_file(tmp_path)
    listed = sha256_of(path)
    assert read(path, sha256=listed.upper()).sizes["storm"] == 6
    write_run_file(tmp_path, run_values(seed=1))
    assert f"the run list says {listed}" in refusal(path, sha256=listed)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = write_run_file(tmp_path)
    read_variables = reading._read_variables

    def and_replace(*arguments):
        found = read_variables(*arguments)
        write_run_file(tmp_path, run_values(seed=1, storms=7))
        return found

    monkeypatch.setattr(reading, "_read_variables", and_replace)
    assert "was changed while it was read" in refusal(path)


def test_a_crash_of_the_netcdf_library_ends_in_a_sentence(tmp_path, monkeypatch):
    def crash(*_):
        faulthandler.disable()  # its report would only litter the log of the tests
        os.kill(os.getpid(), signal.SIGSEGV)

    monkeypatch.setattr(reading, "_read_variables", crash)
    assert "broke off (SIGSEGV)" in refusal(write_run_file(tmp_path))


def test_no_room_for_temporary_files_is_not_blamed_on_the_run_file(tmp_path):
    path = write_run_file(tmp_path)
    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(UserError, match="does not fit into the folder") as error:
            read(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not isinstance(error.value, BadRunFile)


def test_reading_without_an_end_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_read_variables", lambda *_: time.sleep(60))
    monkeypatch.setattr(reading, "SECONDS_TO_READ", 0.3)
    assert "did not end within 0.3 s" in refusal(write_run_file(tmp_path))


def test_a_damaged_file_that_sends_the_library_round_in_circles_is_given_up(tmp_path, monkeypatch):
    def circle(*_):
        while True:
            pass

    monkeypatch.setattr(reading, "_read_variables", circle)
    monkeypatch.setattr(reading, "SECONDS_TO_UNPACK", 0.2)
    assert "broke off (SIGPROF)" in refusal(write_run_file(tmp_path))


def test_an_error_of_ours_keeps_its_kind_and_its_trace(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_read_variables", lambda *_: {}["fault"])
    with pytest.raises(KeyError) as error:
        read(write_run_file(tmp_path))
    assert "_read_checked" in error.value.__notes__[0]


def test_an_unknown_region_is_refused(tmp_path):
    with pytest.raises(UserError, match="region is 'mask'; it must be one of storm, patch"):
        read(write_run_file(tmp_path), region="mask")


def test_run_files_of_the_tests_have_the_layout_of_hagelslag(tmp_path):
    real = DATA / "NCARSTORM_20000101-0000_d01_model_patches.nc"
    ours = write_run_file(tmp_path, run_date=datetime(2000, 1, 1))
    with netCDF4.Dataset(real) as expected, netCDF4.Dataset(ours) as file:
        assert ours.name == real.name
        assert list(file.variables) == list(expected.variables)
        for name, variable in expected.variables.items():
            assert file[name].dimensions == variable.dimensions
            assert file[name].dtype == variable.dtype
            assert file[name].filters() == variable.filters()
            assert file[name].__dict__ == variable.__dict__
        assert file.__dict__ == expected.__dict__
