"""Reading one run file: the storms that it contains, and the files that are refused."""

import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from run_files import compress_with_zstd, run_file_name, run_values, write_run_file

from stormcnn.provenance import sha256_of
from stormcnn.storms import reading
from stormcnn.storms.child_process import read_in_child
from stormcnn.storms.reading import read_checked, read_run
from stormcnn.storms.run_files import BadRunFile
from stormcnn.storms.variables import Selection

DATA = Path(__file__).parents[2] / "data"
PREDICTORS = ["REFL_COM_curr", "U10_curr", "V10_curr"]
TARGET = "RVORT1_MAX_future"
HELICITY = [89.54354, 26.83741, 26.85434, 94.03761, 75.70947]
"""Largest updraft helicity of each storm in hagelslag's CSV file for the HRRR run."""


def read(path, predictors=PREDICTORS, target=TARGET, **settings):
    return read_run(path, predictors=predictors, target=target, **settings)


def read_values(folder, values, **settings):
    return read(write_run_file(folder, values), **settings)


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
    assert set(patches["ensemble_member"].values) == {"d01"}
    assert set(patches["run_file"].values) == {"NCARSTORM_20101024-0000_d01_model_patches.nc"}


def test_predictors_have_the_requested_order(tmp_path):
    values = run_values()
    patches = read_values(tmp_path, values, predictors=["T2_curr", "REFL_COM_curr"])
    np.testing.assert_array_equal(patches["predictors"][..., 0], values["T2_curr"])
    np.testing.assert_array_equal(patches["predictors"][..., 1], values["REFL_COM_curr"])
    assert list(patches["units"].values) == ["K", "dBZ"]


def test_peak_is_taken_inside_the_storm_or_in_the_whole_patch(tmp_path):
    values = run_values(storms=5)
    values["masks"][:] = 0
    values["masks"][:, 2, 6] = 1
    values[TARGET][:, 2, 6] = [0.001, 0.002, 0.003, 0.004, 0.005]
    values[TARGET][:, 6, 2] = 0.009
    path = write_run_file(tmp_path, values)
    inside = np.float32([0.001, 0.002, 0.003, 0.004, 0.005])
    np.testing.assert_array_equal(read(path, region="storm")["peak"], inside)
    np.testing.assert_array_equal(read(path, region="patch")["peak"], np.full(5, np.float32(0.01)))


def test_target_with_one_value_per_storm_is_the_peak(tmp_path):
    values = run_values(storms=6)
    values["Max_Hail_Size"] = np.float32([0, 0, 0, 12.5, np.nan, 30])
    path = write_run_file(tmp_path, values)
    storms = read(path, target="Max_Hail_Size")
    # No hail is no missing hour; only the unknown size is rejected.
    np.testing.assert_array_equal(storms["patch"], [0, 1, 2, 3, 5])
    np.testing.assert_array_equal(storms["peak"], np.float32([0, 0, 0, 12.5, 30]))
    assert storms["peak"].attrs["long_name"] == "Max_Hail_Size of the storm"
    assert storms.attrs["reason"] == "1 x NaN in Max_Hail_Size (p = 4)"
    assert storms["masks"].any()


def test_whole_numbers_per_storm_are_a_target_too(tmp_path):
    values = run_values(storms=6)
    values["Matched"] = np.int32([0, 1, 0, 1, 1, 0])
    storms = read_values(tmp_path, values, target="Matched", region="patch")
    np.testing.assert_array_equal(storms["peak"] > 0.5, values["Matched"] == 1)


def test_predictor_with_one_value_per_storm_is_refused(tmp_path):
    values = run_values() | {"Max_Hail_Size": np.zeros(6, "f4")}
    with pytest.raises(BadRunFile, match=r"Max_Hail_Size .* p, row, col"):
        read_values(tmp_path, values, predictors=["Max_Hail_Size"])


@pytest.mark.parametrize("run_date", ["20000101-0000", "20300101-0000"])
def test_hagelslag_files_agree_with_their_track_files(run_date):
    patches = read(DATA / f"NCARSTORM_{run_date}_d01_model_patches.nc")
    table = pd.read_csv(DATA / f"track_step_NCARSTORM_d01_{run_date}.csv")
    assert patches.sizes["storm"] == len(table)
    assert patches.attrs["rejected"] == 0
    np.testing.assert_allclose(patches["peak"], table["RVORT1_MAX-future_max"], atol=6e-6)
    np.testing.assert_array_equal(patches["forecast_hour"], table["Forecast_Hour"])
    np.testing.assert_array_equal(patches["track_step"], table["Duration"])
    np.testing.assert_array_equal(patches["valid_time"], pd.to_datetime(table["Valid_Date"]))


def test_future_variable_and_masks_are_not_needed_without_a_target(tmp_path):
    values = run_values()
    for variable in (TARGET, "HAIL_MAXK1_future", "masks"):
        del values[variable]
    patches = read_values(tmp_path, values, target=None)
    assert patches.sizes["storm"] == 6
    assert "peak" not in patches


def test_unneeded_variables_may_be_missing_or_invalid(tmp_path):
    values = run_values()
    for variable in ("x", "y", "centroid_i", "HAIL_MAXK1_future"):
        del values[variable]
    values["T2_curr"][:] = np.nan
    assert read_values(tmp_path, values).attrs["rejected"] == 0


def test_order_of_variables_and_additional_attributes_do_not_matter(tmp_path):
    values = run_values()
    expected = read_values(tmp_path / "usual", values)
    path = write_run_file(
        tmp_path / "other",
        dict(reversed(values.items())),
        attributes={"start_hour": "12", "model_path": "/model", "version": 3},
    )
    xr.testing.assert_equal(read(path), expected)


def test_file_saved_with_xarray_has_the_same_storms(tmp_path):
    path = write_run_file(tmp_path / "first", fill_value=np.nan)
    again = tmp_path / "again" / path.name
    again.parent.mkdir()
    with xr.open_dataset(path) as dataset:
        dataset.to_netcdf(again)
    xr.testing.assert_equal(read(again), read(path))


def test_time_may_be_in_minutes(tmp_path):
    values = run_values()
    hours = values["time"].copy()
    values["time"] = hours * 60
    path = write_run_file(tmp_path, values, time_units="minutes since 2010-10-24")
    np.testing.assert_array_equal(read(path)["forecast_hour"], hours)


def test_run_without_storms_is_valid(tmp_path):
    patches = read_values(tmp_path, run_values(storms=0))
    assert patches["predictors"].shape == (0, 8, 8, 3)
    assert (patches.attrs["rejected"], patches.attrs["reason"]) == (0, "")


def test_title_size_and_checksum_of_the_file_are_attributes(tmp_path):
    path = write_run_file(tmp_path, title="Made-up storm patches\n\x1b[31mfor run 1")
    attributes = read(path).attrs
    assert attributes["title"] == "Made-up storm patches [31mfor run 1"
    assert attributes["bytes"] == path.stat().st_size
    assert attributes["sha256"] == sha256_of(path)


# Refused files


def error_of(path, **settings):
    """Return the message for a refused file without the path, with which it starts."""
    with pytest.raises(BadRunFile) as error:
        read(path, **settings)
    start = f"{path}: "
    assert str(error.value).startswith(start)
    return str(error.value).removeprefix(start)


def test_truncated_file_is_refused(tmp_path):
    path = write_run_file(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "truncated" in error_of(path)


def test_file_with_damaged_values_is_refused(tmp_path):
    path = write_run_file(tmp_path, run_values(storms=40, size=16))
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : 2 * len(content) // 3] = bytes(len(content) // 3)
    path.write_bytes(content)
    assert "damaged" in error_of(path)


@pytest.mark.parametrize("content", [b"", b"<html>404 Not Found</html>", b"\x89HDF\r\n\x1a\n"])
def test_file_that_is_not_netcdf_is_refused(tmp_path, content):
    path = tmp_path / run_file_name()
    path.write_bytes(content)
    assert "NetCDF" in error_of(path)


@pytest.mark.slow
@pytest.mark.parametrize("age", [10, 100])
@pytest.mark.parametrize("size", [0, 5000])
def test_file_still_being_written_is_told_from_a_damaged_one(tmp_path, age, size):
    path = write_run_file(tmp_path)
    path.write_bytes(path.read_bytes()[:size])
    os.utime(path, (time.time() - age,) * 2)
    message = error_of(path)
    assert "NetCDF" in message
    assert ("being written" in message) is (age == 10)


@pytest.mark.slow
def test_missing_compression_filter_is_named_with_the_variable(tmp_path, monkeypatch):
    """The filter is available to write the file, but not to read it."""
    path = write_run_file(tmp_path)
    os.utime(path, (0, 0))
    compress_with_zstd(path, "V10_curr")
    script = (
        "import sys; from stormcnn.storms.reading import read_run\n"
        "read_run(sys.argv[1], predictors=['U10_curr', 'V10_curr'])"
    )
    monkeypatch.setenv("HDF5_PLUGIN_PATH", str(tmp_path / "nowhere"))
    process = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True)
    last = process.stderr.splitlines()[-1]
    assert "BadRunFile" in last
    assert str(path) in last
    assert "V10_curr" in last
    assert "HDF5_PLUGIN_PATH" in last
    assert "damaged" not in last


@pytest.mark.parametrize("blocked", ["file", "folder"])
def test_denied_permission_is_told_from_damage(tmp_path, blocked):
    path = write_run_file(tmp_path / "runs")
    (path if blocked == "file" else path.parent).chmod(0)

    def read_as_nobody(_):
        if os.geteuid() == 0:  # root may read everything
            os.seteuid(65534)
        return read_checked(str(path), Selection(tuple(PREDICTORS), TARGET, "storm"), "")

    for folder in tmp_path.parents[:3]:
        if os.geteuid() == 0:
            folder.chmod(folder.stat().st_mode | 0o055)
    tmp_path.chmod(0o755)
    try:
        with pytest.raises(BadRunFile, match="permission denied") as error:
            read_in_child(read_as_nobody, str(path))
    finally:
        path.parent.chmod(0o755)
    assert "damaged" not in str(error.value)
    assert path.name in str(error.value)


def test_classic_format_is_refused_with_the_command_that_converts_it(tmp_path):
    path = write_run_file(tmp_path)
    with xr.open_dataset(path) as dataset:
        classic = dataset.load()
    classic.to_netcdf(path, format="NETCDF3_64BIT")
    assert "nccopy -k nc4" in error_of(path)


def test_missing_file_is_named(tmp_path):
    assert "No such file" in error_of(tmp_path / run_file_name())


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["masks", "U10_curr", TARGET, "track_step", "centroid_lat"])
def test_missing_variable_is_named(tmp_path, variable):
    values = run_values()
    del values[variable]
    assert f"variable {variable} is missing" in error_of(write_run_file(tmp_path, values))


def test_region_patch_needs_no_masks(tmp_path):
    values = run_values()
    del values["masks"]
    assert read_values(tmp_path, values, region="patch").sizes["storm"] == 6


def test_file_renamed_to_another_run_date_is_refused_with_both(tmp_path):
    path = write_run_file(tmp_path, run_date=datetime(2010, 10, 25), name=run_file_name())
    message = error_of(path)
    assert "2010-10-24 00:00:00" in message
    assert "20101025-0000" in message


@pytest.mark.slow
@pytest.mark.parametrize("units", ["hours", "", "furlongs since 2010-10-24", "hours since x"])
def test_invalid_units_of_time_are_refused_with_an_example(tmp_path, units):
    path = write_run_file(tmp_path)
    with netCDF4.Dataset(path, "a") as file:
        file["time"].units = units
    assert "'hours since 2010-10-24 00:00:00'" in error_of(path)


@pytest.mark.parametrize("name", ["storms.nc", "NCARSTORM_20101324-0000_d01_model_patches.nc"])
def test_file_name_without_run_date_is_refused(tmp_path, name):
    assert "ENSEMBLE_YYYYMMDD-HHMM_MEMBER" in error_of(write_run_file(tmp_path, name=name))


@pytest.mark.slow
@pytest.mark.parametrize("order", [("row", "col", "p"), ("p", "col", "row"), ("col", "p", "row")])
def test_dimensions_may_have_another_order(tmp_path, order):
    path = write_run_file(tmp_path)
    expected = read(path)
    with xr.open_dataset(path, decode_times=False) as dataset:
        turned = dataset.load().transpose(*order)
    turned.to_netcdf(path)
    assert read(path).attrs["rejected"] == 0
    xr.testing.assert_equal(read(path), expected)


def test_other_dimensions_are_named(tmp_path):
    path = write_run_file(tmp_path)
    with xr.open_dataset(path, decode_times=False) as dataset:
        renamed = dataset.load().rename(row="south_north")
    renamed.to_netcdf(path)
    message = error_of(path)
    assert "REFL_COM_curr" in message
    assert "p, south_north, col" in message
    assert "p, row, col" in message


def test_variable_with_texts_is_named(tmp_path):
    path = write_run_file(tmp_path)
    with netCDF4.Dataset(path, "a") as file:
        file.renameVariable("U10_curr", "U10")
        file.createVariable("U10_curr", str, ("p", "row", "col"))
    assert "U10_curr" in error_of(path)


def test_patches_without_grid_points_are_refused(tmp_path):
    values = {name: array for name, array in run_values().items() if name not in ("row", "col")}
    flat = {name: array[:, :0] if array.ndim == 3 else array for name, array in values.items()}
    assert "no grid points" in error_of(write_run_file(tmp_path, flat))


def test_declared_shape_that_does_not_fit_the_file_is_refused_without_reading(tmp_path):
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
    assert "(1000000000, 1000, 1000)" in error_of(path)


def test_checksum_that_differs_from_the_run_list_is_named(tmp_path):
    path = write_run_file(tmp_path)
    listed = sha256_of(path)
    assert read(path, sha256=listed.upper()).sizes["storm"] == 6
    write_run_file(tmp_path, run_values(seed=1))
    message = error_of(path, sha256=listed)
    assert listed in message
    assert sha256_of(path) in message


def test_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = write_run_file(tmp_path)
    read_variables = reading.read_variables

    def and_replace(*arguments):
        result = read_variables(*arguments)
        write_run_file(tmp_path, run_values(seed=1, storms=7))
        return result

    monkeypatch.setattr(reading, "read_variables", and_replace)
    assert "changed while it was read" in error_of(path)


def test_unknown_region_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"region .*'mask'"):
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


@pytest.mark.parametrize(
    ("target", "peak"),
    [
        ("Max_Hail_Size", [38.06265, 0, 0, 40.2413, 0]),
        ("MXUPHL_1hr_max_fcst-5000_2000m_above_ground_curr", HELICITY),
    ],
)
def test_run_file_that_hagelslag_wrote_for_the_hrrr_is_read(target, peak):
    path = DATA / "hrrr/HRRR-ZARR_20240501-0000_oper_model_patches.nc"
    storms = read_run(path, predictors=["REFC-entire_atmosphere_curr"], target=target)
    assert storms.sizes == {"storm": 5, "y": 48, "x": 48, "variable": 1}
    np.testing.assert_allclose(storms["peak"], peak, rtol=1e-5)
    assert storms["forecast_hour"].values.tolist() == [1, 1, 2, 1, 2]
    assert storms["track_id"].values.tolist() == [0, 1, 1, 2, 3]
    assert set(storms["ensemble_member"].values) == {"oper"}
    assert storms.attrs["grid_spacing_km"] == pytest.approx(3, abs=0.01)


def test_masks_and_positions_are_read_for_outlines_only(tmp_path):
    values = run_values(storms=3)
    values["lat"][1, -1], values["lon"][1, -1] = 0, 0
    path = write_run_file(tmp_path, values)
    extra = {"masks", "lat", "lon", "grid_i", "grid_j"}
    settings = {"predictors": ["U10_curr"], "reject": []}
    assert not extra & set(read_run(path, **settings).variables)
    storms = read_run(path, **settings, outlines=True)
    np.testing.assert_array_equal(storms["masks"], values["masks"])
    np.testing.assert_array_equal(storms["grid_i"], [300, 301, 302])
    np.testing.assert_array_equal(storms["grid_j"], [500, 502, 504])
    for name in ("lat", "lon"):
        # Zeros lie beyond the edge of the domain.
        expected = np.where((values["lat"] == 0) & (values["lon"] == 0), np.nan, values[name])
        np.testing.assert_array_equal(storms[name], expected)
    with_target = read_run(path, **settings, target=TARGET, outlines=True)
    np.testing.assert_array_equal(with_target["masks"], values["masks"])


@pytest.mark.slow
@pytest.mark.parametrize("missing", [("lat", "lon"), ("masks",), ("i", "j")])
def test_run_file_may_lack_what_outlines_need(tmp_path, missing):
    values = {name: value for name, value in run_values().items() if name not in missing}
    path = write_run_file(tmp_path, values)
    storms = read_run(path, predictors=["U10_curr"], outlines=True)
    lacking = {f"grid_{name}" if name in ("i", "j") else name for name in missing}
    extra = {"masks", "lat", "lon", "grid_i", "grid_j"}
    assert extra & set(storms.variables) == extra - lacking


@pytest.mark.slow
@pytest.mark.parametrize(
    ("title", "date_format"), [("20101024", "%Y%m%d"), ("2010102400", "%Y%m%d%H")]
)
def test_title_and_name_may_have_another_date_format(tmp_path, title, date_format):
    name, pattern = f"a_{title}.nc", f"a_{{run_date:{date_format}}}.nc"
    settings = {"predictors": ["U10_curr"], "file_pattern": pattern}
    path = write_run_file(tmp_path, name=name, title=f"A Storm Patches for run {title} member d01")
    assert read_run(path, **settings).sizes["storm"] == 6
    other = title.replace("24", "25")
    path = write_run_file(tmp_path, name=name, title=f"A Storm Patches for run {other} member d01")
    with pytest.raises(BadRunFile, match=other):
        read_run(path, **settings)
