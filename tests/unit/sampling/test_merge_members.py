"""Merged files of several jobs are equal to the files of a single job."""

import numpy as np
import pytest
import xarray as xr

from scripts.merge_members import merge_members
from stormcnn.io import write_netcdf
from stormcnn.sampling.members import EventCounts, describe_storms, summarize_members

RUN_DATES = np.array(["2015-04-01", "2015-04-02", "2015-05-11"], dtype="datetime64[ns]")
STORMS = 30


def write_members(folder, storms):
    """Write the files that sampling the given storms, whole run dates, would give."""
    run = np.arange(STORMS) // 10
    coordinates = {
        "run_date": ("storm", RUN_DATES[run]),
        "run_file": ("storm", [f"run-{number}.nc" for number in run]),
        "patch": ("storm", np.arange(STORMS)),
    }
    probability = np.random.default_rng(0).random((STORMS, 5), np.float32)
    forecast = xr.Dataset(
        {"probability": ("storm", probability[:, 0]), "label": ("storm", np.arange(STORMS) % 2)},
        coords=coordinates,
    ).isel(storm=storms)
    counts = EventCounts(forecast["run_date"], members=5, seed=0)
    counts.add(
        probability[storms],
        forecast["label"],
        forecast["run_date"],
        forecast["run_file"],
        forecast["patch"],
    )
    described = describe_storms(forecast, summarize_members(probability[storms]))
    write_netcdf(described, folder / "storms.nc")
    write_netcdf(counts.dataset(), folder / "counts.nc")


@pytest.mark.slow
def test_merged_files_equal_those_of_a_single_job(tmp_path):
    folders = [tmp_path / name for name in ("whole", "1-of-2", "2-of-2")]
    for folder, storms in zip(folders, (slice(None), slice(20), slice(20, None)), strict=True):
        write_members(folder, storms)
    merge_members(
        storms_of=[str(folder / "storms.nc") for folder in folders[1:]],
        counts_of=[str(folder / "counts.nc") for folder in folders[1:]],
        storms=str(tmp_path / "storms.nc"),
        counts=str(tmp_path / "counts.nc"),
    )
    for name in ("storms.nc", "counts.nc"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
