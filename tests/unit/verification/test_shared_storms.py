"""Test storms that runs of other blocks, or of the training period, forecast as well."""

import numpy as np
import pytest
import xarray as xr

from stormcnn.verification.shared_storms import count_shared_storms

CYCLES = np.arange("2024-05-01T00", "2024-05-05T00", 12, dtype="M8[h]").astype("M8[ns]")


def runs(run_dates=CYCLES, lead_hours=range(12, 36)):
    """Return one storm per hour, which every run that reaches this hour forecasts."""
    lead, run = np.meshgrid(np.array(lead_hours), run_dates)
    run_date, hours = run.ravel(), lead.ravel().astype("m8[h]")
    names = [
        f"HRRR_{date:%Y%m%d-%H%M}_oper_model_patches.nc"
        for date in run_date.astype("M8[s]").tolist()
    ]
    return xr.Dataset(
        coords={
            "run_file": ("storm", np.array(names)),
            "run_date": ("storm", run_date),
            "ensemble_member": ("storm", np.full(run_date.size, "oper")),
            "valid_time": ("storm", run_date + hours),
            "longitude": ("storm", np.full(run_date.size, -100.0)),
            "latitude": ("storm", np.full(run_date.size, 40.0)),
        }
    )


@pytest.mark.parametrize(
    ("block", "lead_hours", "shared"),
    [
        ("day", range(12, 36), 72),  # 12 hours at each of the 3 limits of days, in both runs
        (2, range(12, 36), 24),
        ("run", range(12, 36), 168),  # all but the first and last 12 hours
        ("day", range(12, 24), 0),
    ],
)
def test_storms_that_two_blocks_forecast_are_counted(block, lead_hours, shared):
    test = runs(lead_hours=lead_hours)
    counted = count_shared_storms(test.isel(storm=[]), test, block)
    assert counted == (test.sizes["storm"], shared, 0)


@pytest.mark.parametrize(("gap", "shared"), [(0, 12), (1, 0)])
def test_storms_that_the_training_period_forecasts_are_counted(gap, shared):
    training, test = runs(CYCLES[:4]), runs(CYCLES[4 + gap :])
    assert count_shared_storms(training, test, "day").by_training == shared
