"""Units of run files: known ones are converted, others are refused."""

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from run_files import run_values, write_run_file

from stormcnn.storms.reading import read_run
from stormcnn.storms.run_files import BadRunFile
from stormcnn.storms.units import SAME_UNITS, UnknownUnits, convert

PREDICTORS = ["REFL_COM_curr", "U10_curr", "T2_curr"]
TARGET = "RVORT1_MAX_future"


@pytest.mark.parametrize(
    ("units", "target", "expected"),
    [
        ("m s-1", "m s-1", 10),
        ("m/s", "m s-1", 10),
        ("m.s-1", "m s-1", 10),
        ("m s^-1", "m s-1", 10),
        ("meter second-1", "m s-1", 10),
        ("kt", "m s-1", 5.14444),
        ("knots", "m s-1", 5.14444),
        ("KNOTS", "m s-1", 5.14444),
        ("km/h", "m s-1", 2.77778),
        ("km h-1", "m s-1", 2.77778),
        ("cm/s", "m s-1", 0.1),
        ("mph", "m s-1", 4.4704),
        ("degC", "K", 283.15),
        ("Celsius", "K", 283.15),
        ("degrees_celsius", "K", 283.15),
        ("degF", "K", 260.92778),
        ("Kelvin", "K", 10),
        ("1e-1 s-1", "s-1", 1),
        ("1.E-5 s-1", "s-1", 1e-4),
        ("10**-5 s**-1", "s-1", 1e-4),
        ("10^-5 s^-1", "s-1", 1e-4),
        ("1e-5/s", "s-1", 1e-4),
        ("rad s-1", "s-1", 10),
        ("dBz", "dBZ", 10),
        ("DBZ", "dBZ", 10),
        ("dB", "dBZ", 10),
        ("mm6 m-3", "dBZ", 10),
        ("radians", "degree", 572.95780),
        ("rad", "degree", 572.95780),
        ("arcminutes", "degree", 1 / 6),
        ("%", "1", 0.1),
        ("degrees_north", "degree", 10),
        ("J kg-1", "m2 s-2", 10),
        ("deg C", "K", 283.15),
        ("degrees C", "K", 283.15),
        ("Deg. C", "K", 283.15),
        ("° C", "K", 283.15),
        ("°C", "K", 283.15),
        ("C", "K", 283.15),
        ("F", "K", 260.92778),
        ("deg K", "K", 10),
        ("0.1 degC", "K", 274.15),
        ("0.1 deg C", "K", 274.15),
        ("0.1 K", "K", 1),
        ("ms-1", "m s-1", 10),
        ("ms**-1", "m s-1", 10),
        ("ms-1", "s-1", 10_000),
        ("0.1 ms-1", "m s-1", 1),
        ("m s⁻¹", "m s-1", 10),
        ("m·s⁻¹", "m s-1", 10),
        ("10⁻⁵ s⁻¹", "s-1", 1e-4),
        ("/s", "s-1", 10),
        ("/ s", "s-1", 10),
        ("0.1 dBZ", "dBZ", 1),
        ("2 kt", "m s-1", 10.28889),
    ],
)
def test_known_units_are_converted(units, target, expected):
    assert convert(np.array([10.0]), units, target) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("units", "target"),
    [
        ("K", "m s-1"),
        ("m", "m s-1"),
        ("1", "m s-1"),
        ("1", "degree"),
        ("%", "degree"),
        ("m m-1", "degree"),
        ("furlongs", "m s-1"),
        ("none", "K"),
        ("C", "m s-1"),
        ("0 m s-1", "m s-1"),
        ("1e999 m s-1", "m s-1"),
        ("ms-1", "K"),
        ("deg C s-1", "K"),
        ("deg s-1", "s-1"),
        ("K @ 273.15", "K"),
        ("10-5 s-1", "s-1"),
        ("9**9**9**9 m", "m"),
        ("9**(9**9) m", "m"),
        ("9**999999999 m", "m"),
        ("__import__('os').abort()", "m"),
        ("m\x00", "m"),
        ("m" * 10_000, "m"),
    ],
)
def test_unknown_and_incompatible_units_are_refused(units, target):
    with pytest.raises(UnknownUnits):
        convert(np.array([10.0]), units, target)


def test_values_without_equivalent_in_other_units_are_refused():
    with pytest.raises(UnknownUnits, match="mm6 m-3"):
        convert(np.array([10.0, 0.0]), "mm6 m-3", "dBZ")


def write_in_units(folder, name, units, change):
    """Write a run file with a variable in other units, and return its path."""
    values = run_values()
    values[name] = change(values[name].astype("f8")).astype("f4")
    path = write_run_file(folder, values)
    with xr.open_dataset(path, decode_cf=False) as dataset:
        changed = dataset.load()
    changed[name].attrs["units"] = units
    changed.to_netcdf(path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "units", "change"),
    [
        ("U10_curr", "kt", lambda values: values * 3600 / 1852),
        ("U10_curr", "km h-1", lambda values: values * 3.6),
        ("T2_curr", "degC", lambda values: values - 273.15),
        (TARGET, "1e-5 s-1", lambda values: values * 1e5),
        (TARGET, "10**-5 s**-1", lambda values: values * 1e5),
        ("centroid_lat", "radians", np.radians),
        ("centroid_lon", "radian", np.radians),
        ("lat", "radians", np.radians),
        ("U10_curr", "m/s", lambda values: values),
    ],
)
def test_values_in_other_units_are_converted(tmp_path, name, units, change):
    expected = read_run(write_run_file(tmp_path / "usual"), predictors=PREDICTORS, target=TARGET)
    path = write_in_units(tmp_path / "other", name, units, change)
    storms = read_run(path, predictors=PREDICTORS, target=TARGET)
    xr.testing.assert_allclose(storms, expected, rtol=1e-5, atol=1e-5)
    converted = units != "m/s" and name != "lat"
    assert (f"{name} converted from {units}" in storms.attrs["corrections"]) is converted


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["REFL_COM_curr", "U10_curr", "T2_curr", TARGET, "centroid_lon", "lat"]
)
@pytest.mark.parametrize("units", ["furlong", "kg"])
def test_variable_with_impossible_units_is_named(tmp_path, name, units):
    path = write_in_units(tmp_path, name, units, lambda values: values)
    with pytest.raises(BadRunFile, match=name) as error:
        read_run(path, predictors=PREDICTORS, target=TARGET)
    assert units in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize(("units", "needed"), [("m/s", False), ("kt", True)])
def test_definitions_of_units_are_loaded_only_for_conversions(tmp_path, units, needed):
    path = write_in_units(tmp_path, "U10_curr", units, lambda values: values)
    program = (
        "from stormcnn.storms.reading import read_run, units_loaded; "
        f"read_run({str(path)!r}, predictors={PREDICTORS}, target={TARGET!r}); "
        "print(units_loaded())"
    )
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == str(needed)


def test_spellings_that_need_no_conversion_have_the_same_scale(monkeypatch):
    spellings = dict(SAME_UNITS)
    monkeypatch.setattr("stormcnn.storms.units.SAME_UNITS", {})
    values = np.array([0.0, 1.0, 2.0])
    for target, units in spellings.items():
        for spelling in units:
            np.testing.assert_allclose(convert(values, spelling, target), values, rtol=1e-12)


@pytest.mark.slow
def test_variables_of_unknown_quantities_keep_their_units_or_get_those_requested(tmp_path):
    path = write_in_units(tmp_path, "HAIL_MAXK1_future", "mm", lambda values: values)
    settings = {"predictors": ["U10_curr"], "target": "HAIL_MAXK1_future"}
    storms = read_run(path, **settings)
    assert storms["peak"].attrs["units"] == "mm"
    centimetres = read_run(path, **settings, units={"HAIL_MAXK1_future": "cm"})
    assert centimetres["peak"].attrs["units"] == "cm"
    np.testing.assert_allclose(centimetres["peak"] * 10, storms["peak"], rtol=1e-6)
    with pytest.raises(BadRunFile, match="HAIL_MAXK1_future"):
        read_run(path, **settings, units={"HAIL_MAXK1_future": "K"})


@pytest.mark.slow
def test_long_units_of_unknown_quantities_are_kept(tmp_path):
    units = "millimetres of equivalent diameter, largest hailstone at the surface of the earth"
    path = write_in_units(tmp_path, "HAIL_MAXK1_future", units, lambda values: values)
    storms = read_run(path, predictors=["U10_curr"], target="HAIL_MAXK1_future")
    assert units.startswith(storms["peak"].attrs["units"])
    assert storms.sizes["storm"] == 6


def test_assumed_units_are_logged_once(tmp_path, caplog):
    paths = [write_run_file(tmp_path / name) for name in "ab"]
    with caplog.at_level("INFO", "stormcnn"):
        for path in paths:
            read_run(path, predictors=["V10_curr", "T2_curr"])
    (line,) = [message for message in caplog.messages if "V10_curr" in message]
    assert "V10_curr in m s-1" in line
    assert "T2_curr in K" in line
