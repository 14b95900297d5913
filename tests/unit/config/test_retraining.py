"""The policy of retraining is checked."""

from __future__ import annotations

import pytest
from config_helpers import assert_refused, load


def test_policy_is_read_with_defaults():
    policy = load({"retraining": {"window": 365, "least_events": 50}})["retraining"]
    assert (policy["window"], policy["least_blocks"], policy["least_events"]) == (365, 10, 50)
    assert policy["opponent"] is None
    assert (policy["models"], policy["seeds"]) == (["dropout"], [0])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("least_blocks", 9),
        ("least_events", 19),
        ("window", 0),
        ("opponent", -1),
        ("models", []),
        ("seeds", []),
    ],
)
def test_policy_that_allows_no_decision_is_refused(key, value):
    assert_refused({"retraining": {key: value}}, f"retraining.{key}", f"(got {value})")


@pytest.mark.parametrize("key", ["model", "seed"])
def test_key_of_one_challenger_is_refused_with_the_key_of_several(key):
    assert_refused({"retraining": {key: 0}}, f"retraining.{key}", f"retraining.{key}s")
