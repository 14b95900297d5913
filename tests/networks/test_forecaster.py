"""A forecast shows the recalibrated probability if the file of the network says how."""

import json
from datetime import UTC, datetime

import keras
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from run_files import run_values, write_run_file
from scipy.special import expit, logit

from stormcnn.forecast.forecaster import Forecaster
from stormcnn.forecast.issuing import issue
from stormcnn.models.architecture import build_network
from stormcnn.models.network_files import save_network
from stormcnn.models.stored_recalibration import add_recalibration, read_recalibration
from stormcnn.name_pattern import DEFAULT_PATTERN
from stormcnn.storms.run_summary import TRAINING_ATTRIBUTES
from stormcnn.vocabulary import LESSON_EVENT

ARCHITECTURE = {
    "filters": [4],
    "kernel_size": 3,
    "activation": "relu",
    "pooling": "average",
    "spatial_dropout": 0.3,
}
INTERCEPT = {"method": "intercept", "intercept": -0.7, "slope": 1.0}
STEPS = {"method": "isotonic", "knots": [0.0, 1.0], "frequencies": [0.3, 0.3]}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The file of a network with random weights, and a run file."""
    folder = tmp_path_factory.mktemp("trained")
    keras.utils.set_random_seed(0)
    network = build_network(ARCHITECTURE, (8, 8), [0.0], [5.0])
    about = {
        "model": "dropout",
        "seed": "0",
        "predictors": ["U10_curr"],
        "predictor_units": {"U10_curr": "m s-1"},
        "event": LESSON_EVENT,
        "event_attributes": {},
        **dict.fromkeys(TRAINING_ATTRIBUTES, "2010-10-01T00:00"),
        "training_event_frequency": 0.1,
        "training_minimum": [-30.0],
        "training_maximum": [30.0],
    }
    save_network(network, folder / "trained.keras", about)
    return folder / "trained.keras", write_run_file(folder, run_values(20))


def forecast(network, run_file, folder):
    """Issue a forecast as `folder/forecast.nc`, and read it."""
    forecaster = Forecaster(
        network, event=dict.fromkeys(("title", "units", "lead")), members=5, seed=0, threads=1
    )
    contents = forecaster.forecast(
        run_file,
        reject=[],
        file_pattern=DEFAULT_PATTERN,
        memory_mb=4000,
        issued=datetime(2010, 10, 24, 3, tzinfo=UTC),
    )
    issue(contents, folder / "forecast.nc")
    with xr.open_dataset(folder / "forecast.nc") as file:
        return file.load()


def recalibrated(trained, recalibration, folder):
    """Return the forecast of a network with a recalibration; only its file is in `folder`."""
    folder.mkdir()
    add_recalibration(trained[0], recalibration, folder / "network.keras")
    return forecast(folder / "network.keras", trained[1], folder)


def test_recalibrated_probability_is_shown_next_to_the_original(trained, tmp_path):
    before = recalibrated(trained, None, tmp_path / "none")
    after = recalibrated(trained, INTERCEPT, tmp_path / "intercept")
    np.testing.assert_array_equal(before["probability"], before["probability_raw"])
    np.testing.assert_array_equal(after["probability_raw"], before["probability_raw"])
    expected = expit(logit(after["probability_raw"].values.astype(float)) - 0.7)
    np.testing.assert_allclose(after["probability"], expected, rtol=1e-6)
    assert before.attrs["recalibration"] == "none"
    assert json.loads(after.attrs["recalibration"]) == INTERCEPT
    # Each MC member is recalibrated, so the median is, too.
    medians = [file["mc_quantile"].sel(quantile=0.5).values for file in (before, after)]
    np.testing.assert_allclose(medians[1], expit(logit(medians[0].astype(float)) - 0.7), rtol=1e-5)
    table = pd.read_csv(tmp_path / "intercept/forecast.csv")
    assert list(table["probability"]) == sorted(table["probability"], reverse=True)
    np.testing.assert_allclose(table["probability_raw"], after["probability_raw"], rtol=1e-6)


def test_storms_with_the_same_probability_are_ranked_by_the_original_one(trained, tmp_path):
    after = recalibrated(trained, STEPS, tmp_path / "steps")
    np.testing.assert_allclose(after["probability"], 0.3, rtol=1e-6)
    assert (np.diff(after["probability_raw"]) <= 0).all()
    assert (np.diff(after["probability_raw"]) < 0).any()


def test_file_of_the_network_is_all_that_is_needed(trained, tmp_path):
    recalibrated(trained, INTERCEPT, tmp_path / "here")
    (tmp_path / "there").mkdir()
    (tmp_path / "here/network.keras").rename(tmp_path / "there/network.keras")
    forecast(tmp_path / "there/network.keras", trained[1], tmp_path / "there")
    for name in ("forecast.nc", "forecast.csv", "forecast.geojson"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()


def test_network_without_recalibration_forecasts_as_it_is(trained, tmp_path):
    assert read_recalibration(trained[0]) is None
    plain = forecast(*trained, tmp_path)
    np.testing.assert_array_equal(plain["probability"], plain["probability_raw"])
