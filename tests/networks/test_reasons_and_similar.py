"""Forecasts say why storms have their probabilities, and which past storms are similar."""

import keras
import numpy as np
import pytest
import xarray as xr
from batches import prepare, write_run_files
from scipy.special import expit, logit

from scripts.embed_storms import embed_storms
from stormcnn.explanation.completeness import TOLERANCE
from stormcnn.forecast.reasons import describe_reason, explain_storms
from stormcnn.forecast.similar import (
    contributions,
    find_similar,
    read_training_storms,
    usual_distance,
)
from stormcnn.models.architecture import build_network
from stormcnn.models.network_files import save_network
from stormcnn.models.prediction import predict_probability
from stormcnn.models.stored_recalibration import add_recalibration
from stormcnn.provenance import sha256_of
from stormcnn.storms.run_summary import TRAINING_ATTRIBUTES
from stormcnn.vocabulary import LESSON_EVENT

VARIABLES = ["REFL_COM_curr", "U10_curr", "V10_curr"]
PLAIN = {"filters": [4, 6], "kernel_size": 3, "activation": "relu", "pooling": "average"}
ARCHITECTURES = {
    "convolution": PLAIN | {"spatial_dropout": 0.3},
    "dense": PLAIN | {"dense": [5, 7], "dense_dropout": 0.2},
}


def network_of(architecture):
    keras.utils.set_random_seed(0)
    network = build_network(architecture, (8, 8), [30.0, 0.0, 0.0], [10.0, 5.0, 5.0])
    network.set_weights([2 * weight for weight in network.get_weights()])
    return network


def storms_of(count, seed=0, days=4):
    """Return storms of several runs, each with its own track."""
    random = np.random.default_rng(seed)
    fields = random.normal((30, 0, 0), (10, 5, 5), (count, 8, 8, 3)).astype(np.float32)
    run_date = np.datetime64("2030-05-01", "ns") + np.sort(random.integers(0, days, count)).astype(
        "timedelta64[D]"
    )
    return xr.Dataset(
        {
            "predictors": (("storm", "y", "x", "variable"), fields),
            "peak": ("storm", random.uniform(0, 0.01, count).astype(np.float32)),
        },
        coords={
            "variable": VARIABLES,
            "run_date": ("storm", run_date),
            "valid_time": ("storm", run_date + np.timedelta64(12, "h")),
            "ensemble_member": ("storm", ["d01"] * count),
            "track_id": ("storm", np.arange(count, dtype=np.int32)),
        },
    )


def described(network, storms):
    """Return the content of the file with the training storms, without coordinates of no use."""
    found = contributions(network, storms["predictors"].values)
    probability = predict_probability(network, storms["predictors"].values)
    return xr.Dataset(
        {
            "contribution": (("storm", "unit"), found),
            "probability": ("storm", probability),
            "event": ("storm", (storms["peak"].values > 0.005).astype(np.int8)),
            "peak": storms["peak"],
        },
        {name: value for name, value in storms.coords.items() if value.dims == ("storm",)},
        {"usual_distance": usual_distance(found, storms["run_date"].values)},
    )


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_contributions_add_up_to_the_log_odds(name):
    network = network_of(ARCHITECTURES[name])
    fields = storms_of(300)["predictors"].values
    found = contributions(network, fields)
    assert found.shape == (300, {"convolution": 6, "dense": 7}[name])
    bias = float(network.get_layer("output").bias.numpy()[0])
    probability = predict_probability(network, fields).astype(float)
    np.testing.assert_allclose(found.sum(axis=1) + bias, logit(probability), atol=2e-3)
    np.testing.assert_array_equal(contributions(network, fields[7:8]), found[7:8])


def test_explanations_are_complete_and_describe_the_shown_probability():
    network = network_of(ARCHITECTURES["convolution"])
    storms = storms_of(12)

    def recalibrate(probability):
        return expit(logit(probability) - 0.7)

    explained = explain_storms(network, storms, recalibrate, np.array([0, 1, 5]))
    assert explained["index"].values.tolist() == [0, 1, 5]
    assert explained["attribution"].dims == ("explained", "y", "x", "variable")
    assert (explained["completeness_error"] <= TOLERANCE).all()
    shown = recalibrate(predict_probability(network, storms["predictors"].values[[0, 1, 5]]))
    np.testing.assert_allclose(explained["probability"], shown, rtol=1e-6)
    flat = storms["predictors"].values[[0, 1, 5]]
    flat[..., 1:] = flat[..., 1:].mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(
        explained["flattened_probability"].sel(flattened="U10_curr+V10_curr"),
        recalibrate(predict_probability(network, flat)),
        rtol=1e-5,
    )
    assert all(text.endswith(".") for text in explained["reason"].values)
    assert explain_storms(network, storms, recalibrate, np.arange(0)).sizes["explained"] == 0


def test_reason_is_the_pattern_that_changes_the_probability_most():
    wind, reflectivity = "U10_curr+V10_curr", "REFL_COM_curr"
    assert "wind" in describe_reason(0.78, {reflectivity: 0.6, wind: 0.31})
    assert "31 % instead of 78 %" in describe_reason(0.78, {reflectivity: 0.6, wind: 0.31})
    raised = describe_reason(0.2, {reflectivity: 0.4, wind: 0.19})
    assert "reflectivity" in raised
    assert "40 % instead of 20 %" in raised
    assert "instead" not in describe_reason(0.2, {reflectivity: 0.21, wind: 0.19})


def test_nearest_training_storms_of_other_runs_and_tracks_are_found():
    network = network_of(ARCHITECTURES["convolution"])
    training = storms_of(400)
    # Each track has two storms, which are alike.
    training["predictors"][1::2] = training["predictors"].values[::2]
    training["track_id"][1::2] = training["track_id"].values[::2]
    training["run_date"][1::2] = training["run_date"].values[::2]
    new = storms_of(3, seed=1, days=1)
    new["predictors"][0] = training["predictors"].values[250]
    new["predictors"][1] = training["predictors"].values[0]
    assert training["run_date"].values[0] == new["run_date"].values[1]
    new["predictors"][2] += 200
    reference = described(network, training)
    similar = find_similar(network, new, reference)
    assert similar["distance"].shape == (3, 5)
    assert (np.diff(similar["distance"], axis=1) >= 0).all()
    assert (similar["run_date"] != new["run_date"]).all()
    assert similar["distance"].values[0, 0] == pytest.approx(0, abs=1e-3)
    assert similar["distance"].values[0, 1] > 0.01
    for name in ("track_id", "peak", "event", "probability"):
        pair = [reference[name].values[place] for place in (250, 251)]
        assert similar[name].values[0, 0] in pair
    assert len(set(similar["track_id"].values[0].tolist())) == 5
    # The nearest one is of the same run, so it does not count.
    assert similar["distance"].values[1, 0] > 0.01
    assert similar["few"].values.tolist() == [False, False, True]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_training_storms_are_all_that_can_be_found(count):
    network = network_of(ARCHITECTURES["convolution"])
    training = storms_of(count)
    new = storms_of(2, seed=1)
    new["run_date"] = new["run_date"] + np.timedelta64(100, "D")
    similar = find_similar(network, new, described(network, training))
    assert similar.sizes["neighbour"] == count
    none = find_similar(network, new.isel(storm=[]), described(network, training))
    assert none.sizes["storm"] == 0


def test_training_storms_are_read_for_their_own_network_only(tmp_path):
    about = {
        "model": "dropout",
        "seed": "0",
        "predictors": VARIABLES,
        "predictor_units": dict(zip(VARIABLES, ("dBZ", "m s-1", "m s-1"), strict=True)),
        "event": LESSON_EVENT,
        "event_attributes": {},
        **dict.fromkeys(TRAINING_ATTRIBUTES, "Storm patches"),
        "trained_from": "2010-10-24T00:00",
        "trained_until": "2014-11-23T00:00",
        "training_event_frequency": 0.1,
        "training_minimum": [-30.0] * 3,
        "training_maximum": [30.0] * 3,
    }
    network = network_of(ARCHITECTURES["convolution"])
    save_network(network, tmp_path / "trained.keras", about)
    path = tmp_path / "network.keras"
    add_recalibration(
        tmp_path / "trained.keras", {"method": "intercept", "intercept": -0.7, "slope": 1.0}, path
    )
    assert read_training_storms(path, sha256_of(path)) is None
    embed_storms(
        network=str(path),
        patches=[str(prepare(write_run_files(tmp_path / "runs", 3, 3), tmp_path))],
        threads=1,
        output=str(tmp_path / "training_storms.nc"),
    )
    training = read_training_storms(path, sha256_of(path))
    assert training.sizes == {"storm": 6, "unit": 6}
    assert training["event"].values.tolist() == (training["peak"].values > 0.005).tolist()
    log_odds = training["contribution"].sum("unit").values + float(
        network.get_layer("output").bias.numpy()[0]
    )
    np.testing.assert_allclose(training["probability"], expit(log_odds - 0.7), rtol=1e-3)
    assert read_training_storms(path, "0" * 64) is None
