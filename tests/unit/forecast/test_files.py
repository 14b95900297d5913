"""Forecasts are sorted, flagged outside the training range, and converted to tables."""

import numpy as np
import pytest

from stormcnn.forecast.files import (
    assemble_forecast,
    outside_range,
    tabulate_forecast,
)
from stormcnn.sampling.members import QUANTILES


def test_most_probable_storm_comes_first_with_its_own_values(forecast):
    assert forecast["probability"].values.tolist() == pytest.approx([0.9, 0.5, 0.2])
    assert forecast["longitude"].values.tolist() == [-99.5, -98.25, -100]
    assert forecast["mc_mean"].values.tolist() == pytest.approx([0.8, 0.5, 0.25])
    assert forecast["outside_training"].values.tolist() == [1, 0, 0]
    assert forecast["mc_quantile"].dims == ("storm", "quantile")
    assert forecast["quantile"].values.tolist() == list(QUANTILES)


def test_table_has_one_column_per_quantile(forecast, mc_summary):
    table = tabulate_forecast(forecast)
    assert list(table)[:7] == [
        "run_date", "valid_time", "ensemble_member", "track_id", "track_step", "longitude",
        "latitude",
    ]  # fmt: skip
    assert table["mc_q05"].tolist() == pytest.approx(mc_summary["mc_quantile"][[1, 2, 0], 0])
    assert table["mc_q95"].tolist() == pytest.approx(mc_summary["mc_quantile"][[1, 2, 0], 4])


def test_forecast_without_mc_members_has_no_columns_for_them(forecast_without_mc):
    table = tabulate_forecast(forecast_without_mc)
    assert "probability" in table
    assert not [name for name in table if name.startswith("mc_")]


def test_table_says_that_storms_are_made_up(forecast):
    assert "notice" not in tabulate_forecast(forecast)
    made_up = tabulate_forecast(forecast.assign_attrs(title="Made-up storm patches"))
    assert list(made_up)[-1] == "notice"
    assert made_up["notice"].str.startswith("Made-up").all()


def test_probability_names_the_event(storms, probability):
    outside = np.zeros(3, bool)
    forecast = assemble_forecast(
        storms, probability, probability, {}, outside, "hail above 25 mm now"
    )
    assert forecast["probability"].attrs["long_name"] == "probability of hail above 25 mm now"


def test_run_without_storms_has_an_empty_forecast(storms):
    empty = storms.isel(storm=slice(0))
    forecast = assemble_forecast(
        empty, np.empty(0, np.float32), np.empty(0, np.float32), {}, np.empty(0, bool)
    )
    assert tabulate_forecast(forecast).empty


def test_storm_outside_the_training_range_of_any_predictor_is_flagged():
    fields = np.zeros((4, 2, 2, 2), np.float32)
    fields[1, 0, 1, 0] = 10.1
    fields[2, 1, 1, 1] = -5.1
    fields[3, :, :, 0] = 10
    assert outside_range(fields, [-10, -5], [10, 5]).tolist() == [False, True, True, False]
