"""Loading fills in defaults and accepts values as files and command lines give them."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from config_helpers import SHIPPED, load, merged, messages, read
from hypothesis import given, settings
from hypothesis import strategies as st

from stormcnn.config.config import schema
from stormcnn.config.loading import load_config
from stormcnn.config.models import Activation

VALIDATOR = jsonschema.Draft202012Validator(schema())


def command_line(config: dict[str, Any]) -> dict[str, Any]:
    """Return settings as `--config` gives them: every number, date and null is a string."""
    return yaml.load(yaml.safe_dump(config), Loader=yaml.BaseLoader)


def paths(block: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the paths of all settings that are not blocks."""
    if not isinstance(block, dict):
        return [path]
    return [leaf for key, value in block.items() for leaf in paths(value, (*path, key))]


def change_at(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    return value


@pytest.mark.parametrize("name", SHIPPED)
def test_strings_from_the_command_line_are_understood(name):
    config = merged(read(name))
    assert load_config(command_line(config)) == load_config(config)


def test_null_true_and_numbers_from_the_command_line_are_understood():
    config = load(
        {"models": {"l2": "null"}, "data": {"skip_bad_files": "true", "ncar": ""}},
        {"training": {"seeds": ["0", "3"], "memory_mb": "~", "learning_rate": "1e-3"}},
    )
    assert list(config["models"]) == ["baseline", "dropout"]
    assert config["data"]["skip_bad_files"] is True
    assert config["training"]["seeds"] == [0, 3]
    assert config["training"]["memory_mb"] is None
    assert config["training"]["learning_rate"] == 0.001


def test_dates_in_files_are_understood():
    config = load(
        {"split": {"test_start": date(2016, 1, 1)}},
        {"tuning": {"validation_start": date(2014, 1, 1)}},
    )
    assert config["split"]["test_start"] == "2016-01-01"
    assert config["tuning"]["validation_start"] == "2014-01-01"


@pytest.mark.parametrize(
    ("name", "text"), [(2024, "2024"), (date(2024, 6, 1), "2024-06-01")], ids=str
)
def test_names_that_look_like_numbers_or_dates_are_names(name, text):
    assert load({"experiment": {"name": name}})["experiment"]["name"] == text


def test_part_of_a_network_can_be_changed():
    models = load({"models": {"dropout": {"spatial_dropout": 0.3}}})["models"]
    assert models["dropout"]["spatial_dropout"] == 0.3
    assert models["dropout"]["filters"] == [16, 32, 64]


def test_title_of_a_network_defaults_to_its_key():
    assert load({"models": {"deep": {}}})["models"]["deep"]["title"] == "deep"


def test_opponents_can_be_switched_off():
    assert load({"opponents": []})["opponents"] == []


def test_sampling_can_be_limited_to_case_studies():
    uncertainty = load({"uncertainty": {"members": 0}})["uncertainty"]
    assert (uncertainty["members"], uncertainty["cases"]["members"]) == (0, 1000)


def test_all_errors_are_reported_at_once():
    changes = {
        "experiment": {"name": "a b"},
        "event": {"treshold": 1},
        "training": {"epochs": -1},
        "models": {"l2": {"regularizer": {"l2": 0}}, "dropout": {"dropout": 0.1}},
        "verification": {"bootstrap": 100},
    }
    assert [message.split()[0] for message in messages(changes)] == [
        "verification.bootstrap",
        "experiment.name",
        "event.treshold",
        "models.l2.regularizer",
        "models.dropout.dropout",
        "training.epochs",
    ]


@pytest.mark.parametrize("path", paths(load(read("ncar.yaml"))), ids=".".join)
@pytest.mark.parametrize("junk", [{"a": [1]}, [[]], [{}]], ids=str)
def test_value_of_a_wrong_type_is_refused_with_its_key(path, junk):
    for message in messages(read("ncar.yaml"), change_at(path, junk)):
        assert message.startswith(".".join(path))


NETWORKS = st.fixed_dictionaries(
    {},
    optional={
        "title": st.text("abc é-1", min_size=1).map(lambda text: f"T{text}"),
        "filters": st.lists(st.integers(1, 512), min_size=1, max_size=5),
        "kernel_size": st.integers(1, 9),
        "activation": st.sampled_from(get_args(Activation)),
        "pooling": st.sampled_from(["average", "max"]),
        "regularizer": st.none()
        | st.fixed_dictionaries(
            {"l1": st.floats(1e-9, 1)},
            optional={"l2": st.floats(0, 1), "layers": st.just(["conv_1", "output"])},
        ),
        "spatial_dropout": st.none() | st.floats(0, 1, exclude_max=True),
        "dense": st.lists(st.integers(1, 512), max_size=3),
        "dense_dropout": st.none() | st.floats(0, 1, exclude_max=True),
    },
)


def titles_differ(models):
    titles = [model["title"] for model in models.values() if model and "title" in model]
    return len(set(titles)) == len(titles)


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "experiment": st.fixed_dictionaries(
            {"name": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,7}", fullmatch=True)}
        ),
        "event": st.fixed_dictionaries({"threshold": st.floats(1e-9, 1)}),
        "split": st.fixed_dictionaries(
            {"test_start": st.integers(2000, 2030).map("{}-01-01".format)}
        ),
        "models": st.dictionaries(
            st.sampled_from(["wide", "deep", "l2"]), st.none() | NETWORKS
        ).filter(titles_differ),
        "training": st.fixed_dictionaries(
            {"seeds": st.lists(st.integers(0, 2**32 - 1), min_size=1, unique=True)}
        ),
        "uncertainty": st.fixed_dictionaries(
            {"cases": st.fixed_dictionaries({"storms": st.lists(st.integers(0), unique=True)})}
        ),
    },
)


@pytest.mark.slow
@given(SETTINGS)
@settings(max_examples=50, deadline=None)
def test_loading_a_loaded_config_changes_nothing(changes):
    config = load(changes)
    again = load_config(json.loads(json.dumps(config)))
    assert again == config
    assert json.dumps(again) == json.dumps(config), "the order of keys differs"
    VALIDATOR.validate(config)


@given(SETTINGS)
@settings(max_examples=20, deadline=None)
def test_strings_have_the_same_meaning_as_values(changes):
    assert load_config(merged(command_line(changes))) == load(changes)


def test_region_set_to_null_is_left_out():
    box = {"longitude": [-10, 30], "latitude": [35, 70]}
    regions = {"southeast": None, "europe": box}
    loaded = load_config({"verification": {"regions": regions, "block": "3"}})["verification"]
    assert loaded["regions"] == {"europe": box}
    assert loaded["block"] == 3


def test_first_seed_is_the_smallest():
    assert load({"training": {"seeds": [3, 1, 2]}})["training"]["seeds"] == [1, 2, 3]
