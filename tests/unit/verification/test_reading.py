"""Forecasts are read by network and matched with the truth of the demo."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.io import write_netcdf
from stormcnn.verification.reading import match_truth, network_files, read_by_network

TRUTH = pd.DataFrame(
    {"file": ["a.nc", "a.nc", "b.nc"], "patch": [0, 1, 0], "probability": [0.1, 0.2, 0.3]}
)


def test_files_are_read_by_the_network_they_name(tmp_path):
    predictions = xr.Dataset({"probability": ("storm", np.array([0.3, 0.7], np.float32))})
    for seed in (0, 12):
        attributes = {"model": "l2", "seed": str(seed)}
        write_netcdf(predictions.assign_attrs(attributes), tmp_path / f"{seed}.nc")
    read = read_by_network([tmp_path / "12.nc", tmp_path / "0.nc"])
    assert list(read) == [("l2", 12), ("l2", 0)]
    np.testing.assert_array_equal(read["l2", 0]["probability"], predictions["probability"])
    files = network_files([tmp_path / "12.nc", tmp_path / "0.nc"])
    assert files == {("l2", 12): tmp_path / "12.nc", ("l2", 0): tmp_path / "0.nc"}


def test_truth_is_matched_by_run_file_and_patch():
    matched = match_truth(TRUTH, np.array(["b.nc", "a.nc"]), np.array([0, 1]))
    assert matched.tolist() == [0.3, 0.2]


def test_storm_without_truth_is_named():
    with pytest.raises(UserError, match=r"truth\.csv.*5 of a\.nc"):
        match_truth(TRUTH, np.array(["a.nc", "a.nc"]), np.array([0, 5]))
