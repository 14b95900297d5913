"""A small forecast that the tests of this folder share."""

import numpy as np
import pytest
import xarray as xr

from stormcnn.forecast.files import assemble_forecast


@pytest.fixture
def storms():
    """Three storms of one run, as read from a run file."""
    run_date = np.datetime64("2030-05-01", "ns")
    return xr.Dataset(
        {"predictors": (("storm", "y", "x", "variable"), np.zeros((3, 2, 2, 1), np.float32))},
        coords={
            "variable": ["REFL_COM_curr"],
            "run_date": ("storm", np.full(3, run_date)),
            "valid_time": ("storm", run_date + np.arange(12, 15) * np.timedelta64(1, "h")),
            "forecast_hour": ("storm", [12, 13, 14]),
            "ensemble_member": ("storm", ["d01"] * 3),
            "track_id": ("storm", [0, 0, 1]),
            "track_step": ("storm", [1, 2, 1]),
            "longitude": ("storm", np.array([-100, -99.5, -98.25], np.float32)),
            "latitude": ("storm", np.array([40, 41, 42.5], np.float32)),
            "run_file": ("storm", ["run.nc"] * 3),
            "patch": ("storm", [0, 1, 2]),
        },
    )


@pytest.fixture
def probability():
    return np.array([0.2, 0.9, 0.5], np.float32)


@pytest.fixture
def mc_summary():
    """A summary of the MC members of `storms`; one standard deviation is missing."""
    return {
        "mc_mean": np.array([0.25, 0.8, 0.5]),
        "mc_std": np.array([0.1, np.nan, 0.2]),
        "mc_entropy": np.array([0.3, 0.3, 0.3]),
        "mc_quantile": np.linspace(0, 1, 15).reshape(3, 5),
    }


@pytest.fixture
def forecast(storms, probability, mc_summary):
    """The forecast of `storms` with MC members; the second storm is outside the training range."""
    return assemble_forecast(
        storms, probability, probability, mc_summary, np.array([False, True, False])
    )


@pytest.fixture
def forecast_without_mc(storms, probability):
    return assemble_forecast(storms, probability, probability, {}, np.array([False, True, False]))
