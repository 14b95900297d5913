"""Predictions have the probability and the event of every storm."""

import numpy as np
import xarray as xr

from stormcnn.models.prediction_files import describe_predictions

PEAK = xr.DataArray(
    np.array([0.004, 0.006], np.float32), dims="storm", coords={"patch": ("storm", [3, 7])}
)


def test_label_is_one_where_the_peak_exceeds_the_threshold():
    predictions = describe_predictions(np.array([0.3, 0.7], np.float32), PEAK, 0.005)
    assert predictions["label"].values.tolist() == [0, 1]
    assert predictions["label"].attrs["threshold"] == 0.005
    assert predictions["patch"].values.tolist() == [3, 7]


def test_attributes_describe_the_event_as_the_run_files_do():
    peak = PEAK.assign_attrs(
        long_name="largest UP_HELI_MAX_future inside masks",
        units="m2 s-2",
        target_long_name="updraft helicity",
    )
    predictions = describe_predictions(np.array([0.3, 0.7], np.float32), peak, 75)
    event = "the largest UP_HELI_MAX_future inside masks exceeds 75 m2 s-2"
    assert predictions["probability"].attrs["long_name"] == f"probability that {event}"
    attributes = predictions["label"].attrs
    assert attributes["long_name"] == f"whether {event}"
    assert attributes["threshold_units"] == "m2 s-2"
    assert attributes["target_long_name"] == "updraft helicity"
