"""Forecasts of new storms: order, range, tables, and the outcome when it arrives."""

import json

import numpy as np
import pytest
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.forecast.files import (
    as_geojson,
    assemble_forecast,
    check_unseen,
    join_by_network,
    match_outcome,
    outside_range,
    tabulate_forecast,
)
from stormcnn.sampling.members import QUANTILES

PROBABILITY = np.array([0.2, 0.9, 0.5], np.float32)
MEMBERS = {
    "mc_mean": np.array([0.25, 0.8, 0.5]),
    "mc_std": np.array([0.1, np.nan, 0.2]),
    "mc_entropy": np.array([0.3, 0.3, 0.3]),
    "mc_quantile": np.linspace(0, 1, 15).reshape(3, 5),
}


def storms():
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


def forecast(summary=MEMBERS):
    return assemble_forecast(storms(), PROBABILITY, summary, np.array([False, True, False]))


def test_most_probable_storm_comes_first_with_its_own_position():
    made = forecast()
    assert made["probability"].values.tolist() == pytest.approx([0.9, 0.5, 0.2])
    assert made["longitude"].values.tolist() == [-99.5, -98.25, -100]
    assert made["mc_mean"].values.tolist() == pytest.approx([0.8, 0.5, 0.25])
    assert made["outside_training"].values.tolist() == [1, 0, 0]
    assert made["mc_quantile"].dims == ("storm", "quantile")
    assert made["quantile"].values.tolist() == list(QUANTILES)


def test_table_has_a_column_for_each_quantile():
    table = tabulate_forecast(forecast())
    assert list(table)[:7] == [
        "run_date",
        "valid_time",
        "ensemble_member",
        "track_id",
        "track_step",
        "longitude",
        "latitude",
    ]
    assert table["mc_q05"].tolist() == pytest.approx(MEMBERS["mc_quantile"][[1, 2, 0], 0])
    assert table["mc_q95"].tolist() == pytest.approx(MEMBERS["mc_quantile"][[1, 2, 0], 4])


def test_forecast_without_members_lacks_their_columns():
    table = tabulate_forecast(forecast({}))
    assert "probability" in table
    assert not [name for name in table if name.startswith("mc_")]


def test_geojson_has_a_point_a_storm_and_null_for_what_is_not_a_number():
    features = json.loads(as_geojson(tabulate_forecast(forecast())))["features"]
    assert [feature["geometry"]["coordinates"] for feature in features] == [
        [-99.5, 41.0], [-98.25, 42.5], [-100.0, 40.0],
    ]  # fmt: skip
    first = features[0]["properties"]
    assert first["probability"] == pytest.approx(0.9)
    assert first["mc_std"] is None
    assert first["valid_time"] == "2030-05-01T13:00:00"


def test_run_without_storms_gives_an_empty_forecast():
    none = storms().isel(storm=slice(0))
    made = assemble_forecast(none, np.empty(0, np.float32), {}, np.empty(0, bool))
    assert json.loads(as_geojson(tabulate_forecast(made)))["features"] == []


def test_storm_beyond_the_training_range_of_any_predictor_is_marked():
    fields = np.zeros((4, 2, 2, 2), np.float32)
    fields[1, 0, 1, 0] = 10.1
    fields[2, 1, 1, 1] = -5.1
    fields[3, :, :, 0] = 10
    assert outside_range(fields, [-10, -5], [10, 5]).tolist() == [False, True, True, False]


def outcome():
    return storms().drop_vars("predictors").assign(peak=("storm", [0.001, 0.009, 0.004]))


def test_outcome_finds_its_storm_whatever_the_order():
    assert match_outcome(forecast(), outcome().isel(storm=[2, 0, 1])).tolist() == [
        0.009, 0.004, 0.001,
    ]  # fmt: skip


def test_storm_without_outcome_has_no_peak():
    peak = match_outcome(forecast(), outcome().isel(storm=[1, 2]))
    np.testing.assert_array_equal(peak, [0.009, 0.004, np.nan])


def test_outcome_of_another_run_is_refused():
    later = outcome()
    later["run_date"] = later["run_date"] + np.timedelta64(1, "D")
    with pytest.raises(UserError, match=r"None of the storms .* forecast\.observed"):
        match_outcome(forecast(), later)


def test_run_file_that_changed_since_the_forecast_is_refused():
    changed = outcome()
    changed["track_step"] = ("storm", [1, 3, 1])
    with pytest.raises(UserError, match="Storm 1 of run 2030-05-01"):
        match_outcome(forecast(), changed)


def test_forecast_by_a_network_that_has_seen_the_run_is_not_scored():
    made = forecast()
    check_unseen(made.assign_attrs(trained_until="2030-04-30T00:00"))
    check_unseen(made.isel(storm=[]).assign_attrs(trained_until="2031-01-01T00:00"))
    with pytest.raises(UserError, match=r"run of 2030-05-01T00:00 .* up to 2030-05-01T00:00"):
        check_unseen(made.assign_attrs(trained_until="2030-05-01T00:00"))


def test_forecasts_are_joined_by_the_network_that_made_them():
    first, alone = (made.assign_attrs(network_sha256="01ab") for made in (forecast(), forecast({})))
    later = first.assign_attrs(network_sha256="23cd")
    old, new = join_by_network([first, later, alone])
    assert old.sizes["storm"] == 6
    assert old.attrs["network_sha256"] == "01ab"
    # Not all of the old network's forecasts have members.
    assert not {"mc_mean", "mc_quantile", "quantile"} & set(old.variables)
    xr.testing.assert_identical(new, later)
