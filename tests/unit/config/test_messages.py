"""Messages name the key, what it must be, and the value."""

from __future__ import annotations

import pytest
from config_helpers import assert_refused, messages, ncar_patches

WRONG_VALUES = {
    "value for a block": ({"event": 0.005}, "event", "0.005", "threshold"),
    "list for a network": ({"models": {"l2": [8, 16]}}, "models.l2", "[8, 16]", "kernel_size"),
    "value for the networks": ({"models": "baseline"}, "models", "baseline"),
    "unknown choice": ({"data": {"batch": "week"}}, "data.batch", "day, month or year", "week"),
    "no truth value": ({"data": {"skip_bad_files": "perhaps"}}, "data.skip_bad_files", "perhaps"),
    "name with a separator": ({"experiment": {"name": "a/b"}}, "experiment.name", "(got a/b)"),
    "name with a line break": ({"experiment": {"name": "a\n"}}, "experiment.name", r'"a\n"'),
    "no name": ({"experiment": {"name": "null"}}, "experiment.name", "(got null)"),
    "network key with a separator": ({"models": {"../l2": {}}}, "models.../l2", "(got ../l2)"),
    "no epochs": ({"training": {"epochs": 0}}, "training.epochs", "an integer >= 1", "(got 0)"),
    "negative epochs": ({"training": {"epochs": "-1"}}, "training.epochs", ">= 1", "(got -1)"),
    "truth value for a number": ({"training": {"epochs": True}}, "training.epochs", "(got true)"),
    "part of an epoch": ({"training": {"epochs": 2.5}}, "training.epochs", "(got 2.5)"),
    "infinite learning rate": (
        {"training": {"learning_rate": float("inf")}},
        "training.learning_rate",
        "(got Infinity)",
    ),
    "single demo run": ({"data": {"demo": {"runs": 1}}}, "data.demo.runs", ">= 2", "(got 1)"),
    "too many demo runs": ({"data": {"demo": {"runs": 5001}}}, "data.demo.runs", "(got 5001)"),
    "threshold of zero": ({"event": {"threshold": 0}}, "event.threshold", "> 0", "(got 0)"),
    "duplicate seed": ({"training": {"seeds": [0, 1, 0]}}, "training.seeds", "[0, 1, 0]"),
    "seed of more than 32 bits": ({"forecast": {"seed": 2**32}}, "forecast.seed", "4294967296"),
    "single seed instead of a list": ({"training": {"seeds": 3}}, "training.seeds", "(got 3)"),
    "unknown block": ({"verification": {"block": "week"}}, "verification.block", "day"),
    "block of no days": ({"verification": {"block": 0}}, "verification.block", "got 0"),
    "one resample": ({"verification": {"resamples": 1}}, "verification.resamples", "200"),
    "region without latitude": (
        {"verification": {"regions": {"sea": {"longitude": [0, 9]}}}},
        "verification.regions.sea.latitude",
        "missing",
    ),
    "region upside down": (
        {"verification": {"regions": {"sea": {"longitude": [0, 9], "latitude": [9, 0]}}}},
        "verification.regions.sea.latitude",
        "9.0, 0.0",
    ),
    "region of one meridian": (
        {"verification": {"regions": {"sea": {"longitude": [9, 9], "latitude": [0, 9]}}}},
        "verification.regions.sea.longitude",
        "9.0, 9.0",
    ),
    "regions as a list": ({"verification": {"regions": []}}, "verification.regions", "regions"),
    "confidence of one": ({"verification": {"confidence": 1}}, "verification.confidence", "< 1"),
    "dropout rate of one": (
        {"models": {"dropout": {"spatial_dropout": 1}}},
        "models.dropout.spatial_dropout",
        "< 1",
        "(got 1)",
    ),
    "year instead of a date": ({"split": {"test_start": 2015}}, "split.test_start", "(got 2015)"),
    "number instead of a date": ({"split": {"test_start": 0}}, "split.test_start", "(got 0)"),
    "day that does not exist": (
        {"split": {"test_start": "2015-02-30"}},
        "split.test_start",
        "(got 2015-02-30)",
    ),
    "word instead of a date": (
        {"tuning": {"validation_start": "spring"}},
        "tuning.validation_start",
        "(got spring)",
    ),
    "too many poolings": (
        {"models": {"l2": {"filters": [4, 4, 4, 4, 4, 4]}}},
        "models.l2.filters",
        "1 to 5",
        "(got [4, 4, 4, 4, 4, 4])",
    ),
    "kernel without width": (
        {"models": {"l2": {"kernel_size": 0}}},
        "models.l2.kernel_size",
        "(got 0)",
    ),
    "unknown pooling": (
        {"models": {"l2": {"pooling": "min"}}},
        "models.l2.pooling",
        "average or max",
        "(got min)",
    ),
    "unknown activation": (
        {"models": {"l2": {"activation": "rleu"}}},
        "models.l2.activation",
        "celu, elu, ",
        "relu, relu6",
        "(got rleu)",
    ),
    "negative index of a storm": (
        {"uncertainty": {"cases": {"storms": [-1]}}},
        "uncertainty.cases.storms",
        "(got [-1])",
    ),
    "unknown opponent": ({"opponents": ["oracle"]}, "opponents", "logistic_regression", "oracle"),
    "duplicate opponent": ({"opponents": ["logistic_regression"] * 2}, "opponents"),
    "truth value for opponents": ({"opponents": False}, "opponents", "(got false)"),
    "checksum of another kind": (
        ncar_patches({"file": "a.tar.gz", "sha256": "d41d8cd9"}),
        "data.ncar.patches.sha256",
        "64 hexadecimal digits",
        "(got d41d8cd9)",
    ),
    "rate of zero": ({"tuning": {"rates": [0, 0.1]}}, "tuning.rates", "(got [0, 0.1])"),
    "duplicate rate": ({"tuning": {"rates": [0.1, 0.10]}}, "tuning.rates", "(got [0.1, 0.1])"),
    "single MC member": ({"tuning": {"members": 1}}, "tuning.members", ">= 2", "(got 1)"),
    "null in a list": (
        {"forecast": {"runs": ["new.nc", "null"]}},
        "forecast.runs",
        "(got [new.nc, null])",
    ),
    "missing block": (
        {"data": {"ncar": {"tracks": {"file": "tracks.tar.gz"}}}},
        "data.ncar.patches",
        "missing",
    ),
}


@pytest.mark.parametrize("case", WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_wrong_value_is_named_with_its_key(case):
    assert_refused(*case)


UNKNOWN_KEYS = {
    "similar key": ({"event": {"treshold": 1}}, "event.treshold", "event.threshold?"),
    "similar block": ({"trainig": {"epochs": 3}}, "trainig", "training?"),
    "no similar key": ({"split": {"xyz": 1}}, "split.xyz", "test_start"),
    "similar key of a network": (
        {"models": {"dropout": {"spatial_dropuot": 0.2}}},
        "models.dropout.spatial_dropuot",
        "models.dropout.spatial_dropout?",
    ),
    "similar key of an archive": (
        ncar_patches({"file": "a.tar.gz", "sha265": None}),
        "data.ncar.patches.sha265",
        "data.ncar.patches.sha256?",
    ),
}


@pytest.mark.parametrize("case", UNKNOWN_KEYS.values(), ids=UNKNOWN_KEYS)
def test_unknown_key_is_refused_with_known_ones(case):
    assert_refused(*case)


@pytest.mark.parametrize(
    ("changes", "old", "new"),
    [
        ({"run": {"name": "mine"}}, "run.name", "experiment.name"),
        ({"verification": {"bootstrap": 50}}, "verification.bootstrap", "verification.resamples"),
        ({"comparison": {"simple_reference": True}}, "comparison.simple_reference", "opponents"),
        ({"comparison": {"simple_reference": False}}, "comparison.simple_reference", "[]"),
    ],
)
def test_renamed_key_is_refused_with_its_new_name(changes, old, new):
    assert_refused(changes, old, new)


def test_other_keys_of_a_renamed_block_are_unknown():
    first, second = messages({"run": {"name": "mine", "title": "Mine"}})
    assert first.startswith("run.name ")
    assert second.startswith("run ")


def test_long_value_is_shortened():
    (message,) = messages({"training": {"seeds": list(range(-100, 0))}})
    assert len(message) < 250
