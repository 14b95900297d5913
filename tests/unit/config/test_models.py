"""Settings of a network must agree with each other."""

from __future__ import annotations

from typing import get_args

from config_helpers import assert_refused, load, read

from stormcnn.config.models import matched_networks
from stormcnn.config.opponents import OPPONENT_TITLES, Opponents


def test_each_opponent_has_a_title():
    keys = get_args(get_args(get_args(Opponents)[0])[0])
    assert set(keys) == set(OPPONENT_TITLES)


def test_dropout_cannot_be_combined_with_spatial_dropout():
    assert_refused(
        {"models": {"dropout": {"dropout": 0.5}}}, "models.dropout.dropout", "0.5", "0.2"
    )


def test_regularizer_needs_a_factor():
    assert_refused({"models": {"l2": {"regularizer": {"l2": 0}}}}, "models.l2.regularizer", "null")


def test_regularized_layers_must_be_in_the_network():
    assert_refused(
        {"models": {"l2": {"regularizer": {"layers": ["conv_1", "dense_1"]}}}},
        "models.l2.regularizer.layers",
        "conv_1, conv_2, conv_3 and output",
        "(got dense_1)",
    )
    network = {
        "filters": [8, 8],
        "dense": [32, 16],
        "regularizer": {"l1": 0.001, "layers": ["conv_2", "dense_2", "output"]},
    }
    assert load({"models": {"mine": network}})["models"]["mine"]["dense"] == [32, 16]


def test_networks_are_matched_if_they_differ_in_dropout_alone():
    assert matched_networks(load(read("study.yaml"))["models"]) == {"dropout": "wide"}
    assert matched_networks(load()["models"]) == {}
    networks = {
        "baseline": {"filters": [4]},
        "with": {"dropout": 0.1},
        "without": {},
        "same": {},
        "deep": {"dense": [4]},
        "l2": None,
        "dropout": None,
    }
    models = load({"models": networks, "uncertainty": {"models": []}})["models"]
    assert matched_networks(models) == {"with": "without"}
