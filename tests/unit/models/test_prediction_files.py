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
