"""Networks that are trained and tuned."""

from __future__ import annotations

import pytest

from stormcnn.errors import UserError
from stormcnn.planning.models import architectures, find_tuned_dropout, wide_models
from stormcnn.vocabulary import DROPOUTS

NONE = dict.fromkeys(DROPOUTS)


def test_title_is_not_part_of_the_architecture():
    models = {"l2": {"title": "L2", "filters": [8]}}
    assert architectures(models) == {"l2": {"filters": [8]}}
    assert models["l2"]["title"] == "L2"


def test_networks_with_more_filters_than_the_average_are_wide():
    networks = {"a": {"filters": [8, 16]}, "b": {"filters": [8, 16]}, "c": {"filters": [16, 32]}}
    assert wide_models(networks) == ["c"]
    assert wide_models({"a": {"filters": [8]}, "b": {"filters": [8]}}) == []


def test_first_dropout_rate_is_tuned():
    networks = {
        "baseline": NONE,
        "dense": NONE | {"dense_dropout": 0.3},
        "spatial": NONE | {"spatial_dropout": 0.2, "dense_dropout": 0.1},
    }
    assert find_tuned_dropout(networks, None) == ("dense", "dense_dropout", 0.3)
    assert find_tuned_dropout(networks, "spatial") == ("spatial", "spatial_dropout", 0.2)


def test_network_without_dropout_cannot_be_tuned():
    with pytest.raises(UserError, match=r"tuning\.model"):
        find_tuned_dropout({"baseline": NONE}, None)
