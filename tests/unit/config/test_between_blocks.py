"""Settings of different blocks must agree."""

from __future__ import annotations

import pytest
from config_helpers import assert_refused, load, messages, read

CONTRADICTIONS = {
    "split inside a year": (
        {"split": {"test_start": "2015-06-01"}},
        "split.test_start",
        "first day of a year",
        "2015-01-01",
        "(got 2015-06-01)",
    ),
    "split inside a month": (
        {"data": {"batch": "month"}, "split": {"test_start": "2015-06-15"}},
        "split.test_start",
        "first day of a month",
        "2015-06-01",
        "(got 2015-06-15)",
    ),
    "training inside a batch": (
        {"split": {"training_start": "2011-06-01"}},
        "split.training_start",
        "2011-01-01",
        "(got 2011-06-01)",
    ),
    "training in the test period": (
        {"split": {"training_start": "2015-01-01"}},
        "split.training_start",
        "split.test_start",
        "(got 2015-01-01)",
    ),
    "validation inside a batch": (
        {"tuning": {"validation_start": "2014-06-01"}},
        "tuning.validation_start",
        "2014-01-01",
        "(got 2014-06-01)",
    ),
    "validation in the test period": (
        {"tuning": {"validation_start": "2015-01-01"}},
        "tuning.validation_start",
        "split.test_start",
        "(got 2015-01-01)",
    ),
    "folder that is not read": (
        {"data": {"folder": "runs"}},
        "data.folder",
        "data.source",
        "(got runs)",
    ),
    "no network": ({"models": {"baseline": None, "l2": None, "dropout": None}}, "models"),
    "reference that is left out": (
        {"models": {"baseline": None}},
        "comparison.reference",
        "l2 or dropout",
        "(got baseline)",
    ),
    "key of an opponent": (
        {"models": {"logistic_regression": {}}},
        "models.logistic_regression",
        "opponents",
    ),
    "title of an opponent": (
        {"models": {"l2": {"title": "Logistic regression"}}},
        "models.l2",
        "opponents.logistic_regression",
        '"Logistic regression"',
    ),
    "same title twice": (
        {"models": {"l2": {"title": "Baseline"}}},
        "models.baseline",
        "models.l2",
        "(got Baseline)",
    ),
    "explanation of an unknown network": (
        {"explanation": {"models": ["baseline", "unknown"]}},
        "explanation.models",
        "baseline",
        "(got unknown)",
    ),
    "sampling of a network that is left out": (
        {"models": {"dropout": None}},
        "uncertainty.models",
        "baseline or l2",
        "(got dropout)",
    ),
    "sampling without dropout": (
        {"models": {"dropout": {"spatial_dropout": 0}}},
        "uncertainty.models",
        "(got dropout)",
        "dense_dropout",
    ),
    "tuning of an unknown network": (
        {"tuning": {"model": "dropuot"}},
        "tuning.model",
        "baseline, l2 or dropout",
        "(got dropuot)",
    ),
    "tuning without dropout": ({"tuning": {"model": "l2"}}, "tuning.model", "(got l2)"),
    "tuning of no network": (
        {"models": {"dropout": None}, "uncertainty": {"models": []}, "tuning": {"report": True}},
        "tuning.report",
        "(got true)",
    ),
    "forecast by an unknown network": (
        {"forecast": {"runs": ["new.nc"], "model": "dropuot"}},
        "forecast.model",
        "baseline, l2 or dropout",
        "(got dropuot)",
    ),
    "forecast by a seed that is not trained": (
        {"forecast": {"runs": ["new.nc"], "seed": 7}},
        "forecast.seed",
        "training.seeds",
        "(got 7)",
    ),
    "MC members without dropout": (
        {"forecast": {"runs": ["new.nc"], "model": "l2"}},
        "forecast.members",
        "models.l2",
        "(got 100)",
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_contradiction_is_refused_with_its_key(case):
    assert_refused(*case)


def test_own_run_files_need_a_folder_and_names():
    keys = [message.split()[0] for message in messages({"data": {"source": "folder"}})]
    assert keys == ["experiment.name", "data.name", "data.folder"]
    data = {"name": "mine", "source": "folder", "folder": "runs", "predictors": ["Z_curr"]}
    config = load({"experiment": {"name": "mine"}, "data": data})
    assert config["data"]["folder"] == "runs"


def test_ncar_archive_needs_addresses_and_names():
    *names, archives = messages({"data": {"source": "ncar"}})
    assert [message.split()[0] for message in names] == ["experiment.name", "data.name"]
    assert archives.startswith("data.ncar ")
    assert "config/ncar.yaml" in archives


def test_ncar_archive_on_disk_needs_no_address():
    patches = {"url": None, "file": "archive.tar.gz"}
    config = load(read("ncar.yaml"), {"data": {"ncar": {"patches": patches}}})
    assert config["data"]["ncar"]["patches"]["file"] == "archive.tar.gz"


def test_made_up_data_may_have_any_name():
    config = load({"experiment": {"name": "big"}, "data": {"name": "big"}})
    assert config["data"]["source"] == "demo"


@pytest.mark.parametrize(
    ("batch", "day"), [("year", "2016-01-01"), ("month", "2016-03-01"), ("day", "2016-03-17")]
)
def test_test_period_may_start_with_any_batch(batch, day):
    config = load({"data": {"batch": batch}, "split": {"test_start": day}})
    assert config["split"]["test_start"] == day


def test_key_of_an_opponent_is_reserved_even_when_it_is_switched_off():
    changes = {"models": {"logistic_regression": {}}, "opponents": []}
    assert_refused(changes, "models.logistic_regression", "opponents")


@pytest.mark.parametrize("kind", ["spatial_dropout", "dropout", "dense_dropout"])
def test_any_kind_of_dropout_can_be_sampled(kind):
    changes = {"models": {"mine": {kind: 0.5}}, "uncertainty": {"models": ["mine"]}}
    assert load(changes)["uncertainty"]["models"] == ["mine"]


def test_experiment_needs_no_network_with_dropout():
    config = load({"models": {"dropout": None}, "uncertainty": {"models": []}})
    assert list(config["models"]) == ["baseline", "l2"]
    assert config["tuning"]["model"] is None


def test_network_without_dropout_can_forecast_without_mc_members():
    forecast = {"runs": ["new.nc"], "model": "l2", "members": 0}
    assert load({"forecast": forecast})["forecast"]["model"] == "l2"


def test_network_from_a_file_needs_no_network_of_the_experiment():
    forecast = {"runs": ["new.nc"], "network": "champion.keras", "model": "other", "seed": 7}
    assert load({"forecast": forecast})["forecast"]["network"] == "champion.keras"
