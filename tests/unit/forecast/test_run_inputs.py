"""Run files are read in the units of the variables on which a network was trained."""

import netCDF4
import numpy as np
import pytest
from run_files import run_values, write_run_file

from stormcnn.errors import UserError
from stormcnn.forecast.run_inputs import read_for_network
from stormcnn.name_pattern import DEFAULT_PATTERN

HAIL = "HAIL_MAXK1_curr"


def write(folder, units, factor=1.0):
    values = run_values()
    values[HAIL] = (values.pop("HAIL_MAXK1_future") * factor).astype("f4")
    path = write_run_file(folder, values)
    with netCDF4.Dataset(path, "a") as file:
        file[HAIL].units = units
    return path


def read(path, units, **settings):
    return read_for_network(
        path,
        predictors=["U10_curr", HAIL],
        units={"U10_curr": "m s-1", HAIL: units} | settings.pop("target_units", {}),
        reject=[],
        file_pattern=DEFAULT_PATTERN,
        **settings,
    )


@pytest.mark.slow
def test_predictors_get_the_units_of_the_training_period(tmp_path):
    expected = read(write(tmp_path / "mm", "mm"), "mm")
    converted = read(write(tmp_path / "cm", "cm", 0.1), "mm")
    np.testing.assert_allclose(converted["predictors"], expected["predictors"], rtol=1e-6)
    assert converted["units"].values.tolist() == ["m s-1", "mm"]


@pytest.mark.parametrize(("stated", "trained"), [("K", "mm"), ("", "mm"), ("mm", "")])
def test_predictor_of_another_or_unknown_scale_is_named(tmp_path, stated, trained):
    with pytest.raises(UserError, match=HAIL) as error:
        read(write(tmp_path, stated), trained)
    assert (stated or trained) in str(error.value)


def test_predictors_without_units_in_both_are_read(tmp_path):
    assert read(write(tmp_path, ""), "")["units"].values.tolist() == ["m s-1", ""]


@pytest.mark.slow
def test_target_gets_the_units_of_the_threshold(tmp_path):
    settings = {"predictors": ["U10_curr"], "target": HAIL, "reject": []}
    settings["file_pattern"] = DEFAULT_PATTERN
    path = write(tmp_path, "cm", 0.1)
    millimetres = read_for_network(path, units={"U10_curr": "m s-1", HAIL: "mm"}, **settings)
    centimetres = read_for_network(path, units={"U10_curr": "m s-1", HAIL: "cm"}, **settings)
    np.testing.assert_allclose(millimetres["peak"], 10 * centimetres["peak"], rtol=1e-6)
    with pytest.raises(UserError, match=HAIL):
        read_for_network(path, units={"U10_curr": "m s-1"}, **settings)
