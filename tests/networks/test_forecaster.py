"""A forecast shows the recalibrated probability if the file of the network says how."""

import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from guide_pages import text_of
from made_up_networks import write_network, write_trained
from run_files import run_values, write_run_file
from scipy.special import expit, logit

from stormcnn.forecast.forecaster import Forecaster
from stormcnn.forecast.issuing import issue
from stormcnn.models.stored_recalibration import add_recalibration, read_recalibration
from stormcnn.name_pattern import DEFAULT_PATTERN

INTERCEPT = {"method": "intercept", "intercept": -0.7, "slope": 1.0}
STEPS = {"method": "isotonic", "knots": [0.0, 1.0], "frequencies": [0.3, 0.3]}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The file of a network with random weights, and a run file."""
    folder = tmp_path_factory.mktemp("trained")
    return write_trained(folder / "trained.keras"), write_run_file(folder, run_values(20))


def forecast(network, run_file, folder):
    """Issue a forecast as `folder/forecast.nc`, and read it."""
    forecaster = Forecaster(
        network,
        event=dict.fromkeys(("title", "units", "lead")),
        members=5,
        seed=0,
        explained=2,
        threads=1,
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


def test_thresholds_of_the_network_are_in_its_forecasts(trained, tmp_path):
    network = write_network(tmp_path / "network.keras")
    forecaster = Forecaster(
        network,
        event=dict.fromkeys(("title", "units", "lead")),
        members=0,
        seed=0,
        explained=0,
        threads=1,
    )
    assert forecaster.thresholds == {"unbiased": 0.4}  # and never act for the other aim
    attributes = forecast(network, trained[1], tmp_path).attrs
    assert json.loads(attributes["thresholds"]) == {"unbiased": 0.4}


def test_members_and_window_of_each_storm_are_in_the_forecast(trained, tmp_path):
    issued = recalibrated(trained, INTERCEPT, tmp_path / "network")
    members = issued["member_probability"]
    assert members.dims == ("storm", "mc_member")
    np.testing.assert_allclose(members.mean("mc_member"), issued["mc_mean"], rtol=1e-5)
    assert (issued["valid_from"] == issued["valid_time"]).all()
    assert (issued["valid_to"] - issued["valid_time"] == np.timedelta64(1, "h")).all()
    assert issued.attrs["issued"] == "2010-10-24T03:00:00Z"
    assert issued.attrs["run_file"] == trained[1].name


def test_reference_of_files_names_every_attribute(trained, tmp_path):
    described = text_of("files")
    for name in forecast(*trained, tmp_path).attrs.keys() - {"Conventions"}:
        assert f"`{name}`" in described, name


def test_everything_about_a_forecast_is_in_its_order(trained, tmp_path):
    network = write_network(tmp_path / "network.keras")
    forecaster = Forecaster(
        network,
        event=dict.fromkeys(("title", "units", "lead")),
        members=5,
        seed=0,
        explained=2,
        threads=1,
    )
    contents = forecaster.forecast(
        trained[1],
        reject=[],
        file_pattern=DEFAULT_PATTERN,
        memory_mb=4000,
        issued=datetime(2010, 10, 24, 3, tzinfo=UTC),
    )
    np.testing.assert_array_equal(contents.storms["patch"], contents.forecast["patch"])
    explained = contents.forecast.isel(storm=contents.explanations["index"].values)
    np.testing.assert_allclose(
        contents.explanations["probability"], explained["probability"], rtol=1e-5
    )
    assert contents.explanations["index"].values[:2].tolist() == [0, 1]
    assert set(explained["valid_time"].values) == set(contents.forecast["valid_time"].values)
    assert len(contents.outlines) == 20
    assert all(len(rings) == 1 for rings in contents.outlines)
    assert contents.similar is None  # nothing is next to the network
    assert contents.neighbourhood["probability"].max() >= contents.forecast["probability"].max()
