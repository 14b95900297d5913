"""The NetCDF files of a forecast follow the CF conventions."""

import json

import numpy as np
import pytest
import xarray as xr
from outlined_storms import storms_at

from stormcnn.forecast.files import assemble_forecast
from stormcnn.forecast.neighbourhood import neighbourhood_probability
from stormcnn.io import write_netcdf
from stormcnn.sampling.members import summarize_members
from stormcnn.storms.storm_dataset import COORDINATES

runner = pytest.importorskip("compliance_checker.runner")

IGNORED = (
    # A history would have a time stamp, and equal inputs give equal files.
    "history",
    # The checker does not know that y and x are indices of a grid that is not regular in degrees.
    "recommended order",
)


def faults_of(dataset, folder):
    """Return what the IOOS compliance checker finds in the file of a dataset."""
    path, report = folder / "file.nc", folder / "report.json"
    write_netcdf(dataset, path)
    runner.CheckSuite.load_all_available_checkers()
    runner.ComplianceChecker.run_checker(
        str(path), ["cf:1.8"], 0, "strict", output_filename=str(report), output_format="json"
    )
    found = json.loads(report.read_text())["cf:1.8"]
    return [
        message
        for priority in ("high_priorities", "medium_priorities", "low_priorities")
        for result in found[priority]
        for message in result["msgs"]
        if not any(ignored in message for ignored in IGNORED)
    ]


@pytest.fixture
def storms():
    storms = storms_at(np.ones((3, 4, 4), bool), [(-100, 40), (-99, 41), (-98, 40)])
    for name, attributes in COORDINATES.items():
        storms[name].attrs = attributes
    return storms


@pytest.fixture
def forecast(storms):
    members = np.random.default_rng(0).random((3, 5))
    probability = members.mean(axis=1)
    forecast = assemble_forecast(
        storms, probability, probability, summarize_members(members), np.zeros(3, bool), "rotation"
    )
    return forecast.assign_attrs(title="Storm patches for run 20300501-0000", members=5)


def test_forecast_is_a_collection_of_points(forecast, tmp_path):
    assert faults_of(forecast, tmp_path) == []
    with xr.open_dataset(tmp_path / "file.nc") as file:
        assert file.attrs["featureType"] == "point"
        np.testing.assert_array_equal(file["valid_time"], forecast["valid_time"])


def test_checker_finds_faults(forecast, tmp_path):
    forecast["latitude"].attrs["units"] = "kelvin"
    assert faults_of(forecast, tmp_path)


def test_neighbourhood_probability_is_a_grid(forecast, storms, tmp_path):
    assert faults_of(neighbourhood_probability(forecast, storms), tmp_path) == []
