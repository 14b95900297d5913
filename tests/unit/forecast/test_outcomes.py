"""Forecasts are matched with their outcomes, storm by storm and network by network."""

import numpy as np
import pytest
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.forecast.outcomes import check_unseen, join_by_network, match_outcome


@pytest.fixture
def outcome(storms):
    """The storms of the forecast with the peak of the target."""
    return storms.drop_vars("predictors").assign(peak=("storm", [0.001, 0.009, 0.004]))


def test_outcome_is_matched_in_any_order(forecast, outcome):
    peak = match_outcome(forecast, outcome.isel(storm=[2, 0, 1]))
    assert peak.tolist() == [0.009, 0.004, 0.001]


def test_storm_without_outcome_has_no_peak(forecast, outcome):
    peak = match_outcome(forecast, outcome.isel(storm=[1, 2]))
    np.testing.assert_array_equal(peak, [0.009, 0.004, np.nan])


def test_outcome_of_another_run_is_refused(forecast, outcome):
    outcome["run_date"] = outcome["run_date"] + np.timedelta64(1, "D")
    with pytest.raises(UserError, match=r"^forecast\.observed: "):
        match_outcome(forecast, outcome)


def test_storm_that_changed_since_the_forecast_is_named(forecast, outcome):
    outcome["track_step"] = ("storm", [1, 3, 1])
    with pytest.raises(UserError, match=r"storm 1 of run 2030-05-01.* d01"):
        match_outcome(forecast, outcome)


def test_run_that_the_network_was_trained_on_is_named(forecast):
    check_unseen(forecast.assign_attrs(trained_until="2030-04-30T00:00"))
    check_unseen(forecast.isel(storm=[]).assign_attrs(trained_until="2031-01-01T00:00"))
    with pytest.raises(UserError, match=r"2030-05-01T00:00.*2030-05-01T00:00"):
        check_unseen(forecast.assign_attrs(trained_until="2030-05-01T00:00"))


def test_forecasts_are_joined_by_network(forecast, forecast_without_mc):
    old = [part.assign_attrs(network_sha256="01ab") for part in (forecast, forecast_without_mc)]
    new = forecast.assign_attrs(network_sha256="23cd")
    joined_old, joined_new = join_by_network([old[0], new, old[1]])
    assert joined_old.sizes["storm"] == 6
    assert joined_old.attrs["network_sha256"] == "01ab"
    # One of the old network's forecasts has no MC members.
    assert not {"mc_mean", "mc_quantile", "quantile"} & set(joined_old.variables)
    xr.testing.assert_identical(joined_new, new)
