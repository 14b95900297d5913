"""The config: defaults, sentences about faults, values as a command line gives them."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, get_args

import jsonschema
import keras
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from snakemake.utils import update_config

from stormcnn.config.settings import Activation, load_config, matched_networks, schema, write_schema
from stormcnn.errors import UserError

CONFIG = Path(__file__).parents[3] / "config"
SHIPPED = ["config.yaml", "ncar.yaml", "study.yaml"]
VALIDATOR = jsonschema.Draft202012Validator(schema())


@cache
def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((CONFIG / name).read_text(encoding="utf-8"))


def merged(*layers: dict[str, Any]) -> dict[str, Any]:
    """The default config and what is laid over it, as Snakemake merges them."""
    config = copy.deepcopy(read("config.yaml"))
    for layer in layers:
        update_config(config, copy.deepcopy(layer))
    return config


def command_line(given_settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as `--config` gives them: every number, date and null is a string."""
    return yaml.load(yaml.safe_dump(given_settings), Loader=yaml.BaseLoader)


def leaves(block: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths of all keys that hold no further keys."""
    if not isinstance(block, dict):
        return [path]
    return [leaf for key, value in block.items() for leaf in leaves(value, (*path, key))]


def layer(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    return value


def ncar_patches(archive: dict[str, Any]) -> dict[str, Any]:
    return {"data": {"ncar": {"patches": archive, "tracks": {"file": "tracks.tar.gz"}}}}


def faults(*layers: dict[str, Any]) -> list[str]:
    with pytest.raises(UserError, match=": ") as error:
        load_config(merged(*layers))
    return str(error.value).splitlines()


# What is shipped


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_config_is_valid_when_merged_into_the_default(name):
    config = load_config(merged(read(name)))
    assert config["run"]["name"] == read(name)["run"]["name"]


def test_shipped_configs_write_to_different_results():
    assert len({read(name)["run"]["name"] for name in SHIPPED}) == len(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_config_agrees_with_the_schema_on_its_own(name):
    VALIDATOR.validate(json.loads(json.dumps(read(name), default=str)))


def test_default_config_says_what_the_defaults_are():
    assert load_config(read("config.yaml")) == load_config({})


def test_default_config_names_every_block():
    assert list(read("config.yaml")) == list(schema()["properties"])


def test_default_config_is_the_demo():
    config = load_config(merged())
    assert config["data"]["source"] == "demo"
    assert config["split"]["test_start"] == "2015-01-01"
    assert {name: network["filters"] for name, network in config["models"].items()} == {
        "baseline": [8, 16, 32],
        "l2": [8, 16, 32],
        "dropout": [16, 32, 64],
    }
    assert config["models"]["l2"]["regularizer"] == {"l1": 0.0, "l2": 0.001, "layers": None}
    assert config["models"]["dropout"]["spatial_dropout"] == 0.2


def test_ncar_config_is_the_lesson():
    config = load_config(merged(read("ncar.yaml")))
    assert list(config["models"]) == ["baseline", "l2", "dropout"]
    assert config["data"]["ncar"]["runs"] == "config/runs/ncar.csv"
    assert config["training"]["batch_size"] == 512
    assert config["training"]["epochs"] == 10
    assert config["uncertainty"]["members"] == 100
    assert config["uncertainty"]["cases"] == {"count": 6, "members": 1000, "storms": [32237]}


def test_study_config_matches_the_dropout_network_in_size():
    models = load_config(merged(read("study.yaml")))["models"]
    assert models["wide"] == models["dropout"] | {
        "title": models["wide"]["title"],
        "spatial_dropout": None,
    }


def test_networks_are_matched_that_differ_in_dropout_alone():
    study = load_config(merged(read("study.yaml")))["models"]
    assert matched_networks(study) == {"dropout": "wide"}
    assert matched_networks(load_config(merged())["models"]) == {}
    networks = {"wet": {"dropout": 0.1}, "dry": {}, "twin": {}, "deep": {"dense": [4]}}
    assert matched_networks(
        load_config(
            {"models": networks | {"baseline": {"filters": [4]}}, "uncertainty": {"models": []}}
        )["models"]
    ) == {"wet": "dry"}


def test_study_shows_what_scaling_by_the_test_storms_was_worth():
    assert load_config(merged(read("study.yaml")))["comparison"]["own_scaling"]


def test_study_config_tunes_the_rate_of_the_dropout_network():
    config = load_config(merged(read("study.yaml")))
    assert len(config["training"]["seeds"]) >= 3
    assert config["tuning"]["report"] is True
    assert config["tuning"]["model"] == "dropout"
    assert config["tuning"]["rates"] == [0.05, 0.1, 0.2, 0.3, 0.4, 0.5]


def test_schema_file_is_up_to_date(tmp_path):
    write_schema(tmp_path / "schema.json")
    written = (tmp_path / "schema.json").read_text(encoding="utf-8")
    shipped = (CONFIG / "schema.json").read_text(encoding="utf-8")
    assert written == shipped, "run: python -m stormcnn.config.settings"


def test_every_setting_is_described():
    blocks = schema()["$defs"] | {"Config": schema()}
    for name, block in blocks.items():
        assert len(block["description"]) > 10, name
        for key, setting in block["properties"].items():
            assert "description" in setting or "$ref" in setting, f"{name}.{key}"


def test_import_brings_no_science_library():
    heavy = {"numpy", "pandas", "xarray", "keras", "tensorflow", "snakemake"}
    code = f"import sys, stormcnn.config.settings; print({heavy!r} & set(sys.modules))"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "set()"


# Values as they come


@pytest.mark.parametrize("name", SHIPPED)
def test_strings_from_the_command_line_are_understood(name):
    config = merged(read(name))
    assert load_config(command_line(config)) == load_config(config)


def test_null_true_and_numbers_from_the_command_line():
    config = load_config(
        merged(
            {"models": {"l2": "null"}, "data": {"skip_bad_files": "true", "ncar": ""}},
            {"training": {"seeds": ["0", "3"], "memory_mb": "~", "learning_rate": "1e-3"}},
        )
    )
    assert list(config["models"]) == ["baseline", "dropout"]
    assert config["data"]["skip_bad_files"] is True
    assert config["training"]["seeds"] == [0, 3]
    assert config["training"]["memory_mb"] is None
    assert config["training"]["learning_rate"] == 0.001


def test_date_of_a_file_is_understood():
    assert isinstance(read("config.yaml")["split"]["test_start"], date)
    config = load_config(merged({"split": {"test_start": date(2016, 1, 1)}}))
    assert config["split"]["test_start"] == "2016-01-01"


def test_day_on_which_validation_starts_is_understood():
    config = load_config(merged({"tuning": {"validation_start": date(2014, 1, 1)}}))
    assert config["tuning"]["validation_start"] == "2014-01-01"


def test_run_without_dropout_need_not_mention_tuning():
    config = load_config(merged({"models": {"dropout": None}, "uncertainty": {"models": []}}))
    assert config["tuning"]["model"] is None


def test_names_that_look_like_numbers_or_dates_stay_names():
    assert load_config(merged({"run": {"name": 2024}}))["run"]["name"] == "2024"
    assert load_config(merged({"run": {"name": date(2024, 6, 1)}}))["run"]["name"] == "2024-06-01"


def test_part_of_a_network_can_be_changed():
    models = load_config(merged({"models": {"dropout": {"spatial_dropout": 0.3}}}))["models"]
    assert models["dropout"]["spatial_dropout"] == 0.3
    assert models["dropout"]["filters"] == [16, 32, 64]


def test_network_without_a_title_is_called_by_its_key():
    assert load_config(merged({"models": {"deep": {}}}))["models"]["deep"]["title"] == "deep"


def test_only_monte_carlo_cases_can_be_asked_for():
    uncertainty = load_config(merged({"uncertainty": {"members": 0}}))["uncertainty"]
    assert (uncertainty["members"], uncertainty["cases"]["members"]) == (0, 1000)


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


def has_no_title_twice(models):
    titles = [model["title"] for model in models.values() if model and "title" in model]
    return len(set(titles)) == len(titles)


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "run": st.fixed_dictionaries(
            {"name": st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)}
        ),
        "event": st.fixed_dictionaries({"threshold": st.floats(1e-9, 1)}),
        "split": st.fixed_dictionaries(
            {"test_start": st.integers(2000, 2030).map("{}-01-01".format)}
        ),
        "models": st.dictionaries(
            st.sampled_from(["wide", "deep", "l2"]), st.none() | NETWORKS
        ).filter(has_no_title_twice),
        "training": st.fixed_dictionaries(
            {"seeds": st.lists(st.integers(0, 2**32 - 1), min_size=1, unique=True)}
        ),
        "uncertainty": st.fixed_dictionaries(
            {"cases": st.fixed_dictionaries({"storms": st.lists(st.integers(0), unique=True)})}
        ),
    },
)


@given(SETTINGS)
@settings(max_examples=50, deadline=None)
def test_checked_settings_are_their_own_fixed_point(given_settings):
    config = load_config(merged(given_settings))
    again = load_config(json.loads(json.dumps(config)))
    assert again == config
    assert json.dumps(again) == json.dumps(config), "the order of keys is part of it"
    VALIDATOR.validate(config)


@given(SETTINGS)
@settings(max_examples=20, deadline=None)
def test_strings_mean_what_the_values_mean(given_settings):
    assert load_config(merged(command_line(given_settings))) == load_config(merged(given_settings))


# Faults

NO_PASSWORD = (
    "data.ncar.patches.url: an address with a user name or a password was given; allowed is one "
    "without. Put them into ~/.netrc, from where they are taken by host. An @ in a path is "
    "written %40."
)
FAULTS = {
    "unknown key, near one": (
        {"event": {"treshold": 0.005}},
        "event.treshold: there is no such key; did you mean threshold?",
    ),
    "unknown block, near one": (
        {"trainig": {"epochs": 3}},
        "trainig: there is no such key; did you mean training?",
    ),
    "unknown key, near none": (
        {"split": {"xyz": 1}},
        "split.xyz: there is no such key; allowed here: test_start.",
    ),
    "unknown key of a network": (
        {"models": {"dropout": {"spatial_dropuot": 0.2}}},
        "models.dropout.spatial_dropuot: there is no such key; did you mean spatial_dropout?",
    ),
    "unknown key of an archive": (
        ncar_patches({"file": "a.tar.gz", "sha265": None}),
        "data.ncar.patches.sha265: there is no such key; did you mean sha256?",
    ),
    "value for a block": (
        {"event": 0.005},
        "event: 0.005 was given; allowed is a block with the keys threshold.",
    ),
    "value for a network": (
        {"models": {"l2": [8, 16]}},
        (
            "models.l2: [8, 16] was given; allowed is a block with the keys title, filters, "
            "kernel_size, activation, pooling, regularizer, spatial_dropout, dropout, dense and "
            "dense_dropout."
        ),
    ),
    "value for the networks": (
        {"models": "baseline"},
        'models: "baseline" was given; allowed is a block of networks, each under its key.',
    ),
    "choice": (
        {"data": {"batch": "week"}},
        'data.batch: "week" was given; allowed is day, month or year.',
    ),
    "yes or no": (
        {"data": {"skip_bad_files": "perhaps"}},
        'data.skip_bad_files: "perhaps" was given; allowed is true or false.',
    ),
    "run name with a separator": (
        {"run": {"name": "a/b"}},
        (
            'run.name: "a/b" was given; allowed is a name of at most 64 letters, digits, _ and -, '
            "because it becomes part of paths."
        ),
    ),
    "run name with a line break": (
        {"run": {"name": "a\n"}},
        (
            'run.name: "a\\n" was given; allowed is a name of at most 64 letters, digits, _ and -, '
            "because it becomes part of paths."
        ),
    ),
    "no run name": (
        {"run": {"name": "null"}},
        (
            "run.name: null was given; allowed is a name of at most 64 letters, digits, _ and -, "
            "because it becomes part of paths."
        ),
    ),
    "network key with a separator": (
        {"models": {"../l2": {}}},
        (
            'models.../l2: "../l2" was given; allowed is a name of at most 64 letters, digits, _ '
            "and -, because it becomes part of paths."
        ),
    ),
    "no epochs": (
        {"training": {"epochs": 0}},
        "training.epochs: 0 was given; allowed is a whole number from 1.",
    ),
    "truth value for a number": (
        {"training": {"epochs": True}},
        "training.epochs: true was given; allowed is a whole number from 1.",
    ),
    "part of an epoch": (
        {"training": {"epochs": 2.5}},
        "training.epochs: 2.5 was given; allowed is a whole number from 1.",
    ),
    "infinite learning rate": (
        {"training": {"learning_rate": float("inf")}},
        "training.learning_rate: Infinity was given; allowed is a number above 0.",
    ),
    "threshold of zero": (
        {"event": {"threshold": 0}},
        "event.threshold: 0 was given; allowed is a number above 0.",
    ),
    "the same seed twice": (
        {"training": {"seeds": [0, 1, 0]}},
        (
            "training.seeds: [0, 1, 0] was given; allowed is a list of one or more different whole "
            "numbers from 0 to 4294967295."
        ),
    ),
    "seed of more than 32 bits": (
        {"forecast": {"seed": 4294967296}},
        "forecast.seed: 4294967296 was given; allowed is a whole number from 0 to 4294967295.",
    ),
    "one seed that is no list": (
        {"training": {"seeds": 3}},
        (
            "training.seeds: 3 was given; allowed is a list of one or more different whole numbers "
            "from 0 to 4294967295."
        ),
    ),
    "certainty": (
        {"verification": {"confidence": 1}},
        "verification.confidence: 1 was given; allowed is a number between 0 and 1.",
    ),
    "rate of one": (
        {"models": {"dropout": {"spatial_dropout": 1}}},
        (
            "models.dropout.spatial_dropout: 1 was given; allowed is a number from 0 to below 1, "
            "or null."
        ),
    ),
    "year for a date": (
        {"split": {"test_start": 2015}},
        "split.test_start: 2015 was given; allowed is a date such as 2015-01-01.",
    ),
    "number for a date": (
        {"split": {"test_start": 0}},
        "split.test_start: 0 was given; allowed is a date such as 2015-01-01.",
    ),
    "date that does not exist": (
        {"split": {"test_start": "2015-02-30"}},
        'split.test_start: "2015-02-30" was given; allowed is a date such as 2015-01-01.',
    ),
    "split inside a year": (
        {"split": {"test_start": "2015-06-01"}},
        (
            "split.test_start: 2015-06-01 was given; allowed is the first day of a year such as "
            "2015-01-01, because data.batch is year and no batch may be cut in two."
        ),
    ),
    "split inside a month": (
        {"data": {"batch": "month"}, "split": {"test_start": "2015-06-15"}},
        (
            "split.test_start: 2015-06-15 was given; allowed is the first day of a month such as "
            "2015-06-01, because data.batch is month and no batch may be cut in two."
        ),
    ),
    "too many poolings": (
        {"models": {"l2": {"filters": [4, 4, 4, 4, 4, 4]}}},
        (
            "models.l2.filters: [4, 4, 4, 4, 4, 4] was given; allowed is a list of 1 to 5 whole "
            "numbers from 1, because 2 x 2 pooling halves a patch of 32 x 32 at most five times."
        ),
    ),
    "no kernel": (
        {"models": {"l2": {"kernel_size": 0}}},
        "models.l2.kernel_size: 0 was given; allowed is a whole number from 1.",
    ),
    "unknown pooling": (
        {"models": {"l2": {"pooling": "min"}}},
        'models.l2.pooling: "min" was given; allowed is average or max.',
    ),
    "unknown layer": (
        {"models": {"l2": {"regularizer": {"layers": ["conv_1", "dense_1"]}}}},
        (
            'models.l2.regularizer.layers: "dense_1" was given; allowed in this network are '
            "conv_1, conv_2, conv_3 and output."
        ),
    ),
    "regularizer without strength": (
        {"models": {"l2": {"regularizer": {"l2": 0}}}},
        (
            "models.l2.regularizer: l1 0 and l2 0 were given; allowed is l1 or l2 above 0, or null "
            "for no regularizer."
        ),
    ),
    "two kinds of dropout": (
        {"models": {"dropout": {"dropout": 0.5}}},
        (
            "models.dropout.dropout: 0.5 was given with spatial_dropout 0.2; allowed is one of the "
            "two."
        ),
    ),
    "no network": (
        {"models": {"baseline": None, "l2": None, "dropout": None}},
        "models: no network was given; allowed is at least one that is not null.",
    ),
    "reference that is left out": (
        {"models": {"baseline": None}},
        'comparison.reference: "baseline" was given; allowed are the networks l2 and dropout.',
    ),
    "network under the key of the simple reference": (
        {"models": {"logistic_regression": {}}},
        (
            "models.logistic_regression: a network was given; allowed is any other key, because "
            "this one is kept for the simple reference, or set comparison.simple_reference to "
            "false."
        ),
    ),
    "sampling of a network that is left out": (
        {"models": {"dropout": None}},
        'uncertainty.models: "dropout" was given; allowed are the networks baseline and l2.',
    ),
    "sampling without dropout": (
        {"models": {"dropout": {"spatial_dropout": 0}}},
        (
            'uncertainty.models: "dropout" was given, which has no dropout; allowed are networks '
            "with spatial_dropout, dropout or dense_dropout above 0."
        ),
    ),
    "case before the first storm": (
        {"uncertainty": {"cases": {"storms": [-1]}}},
        (
            "uncertainty.cases.storms: [-1] was given; allowed is a list of different whole "
            "numbers from 0, or an empty list."
        ),
    ),
    "variable that made-up storms lack": (
        {"data": {"predictors": ["REFL"]}},
        (
            'data.predictors: "REFL" was given; allowed with source demo are REFL_COM_curr, '
            "U10_curr, V10_curr and T2_curr."
        ),
    ),
    "target that made-up storms lack": (
        {"data": {"target": "T2_curr"}},
        (
            'data.target: "T2_curr" was given; allowed with source demo are RVORT1_MAX_future and '
            "HAIL_MAXK1_future."
        ),
    ),
    "folder that is not read": (
        {"data": {"folder": "runs"}},
        (
            'data.folder: "runs" was given with data.source demo; allowed is null, or set '
            "data.source to folder."
        ),
    ),
    "address with a password": (
        ncar_patches({"url": "https://ann:secret@host/a.tar.gz"}),
        NO_PASSWORD,
    ),
    "address with a slash in its password": (
        ncar_patches({"url": "https://ann:sec/ret@host/a.tar.gz"}),
        NO_PASSWORD,
    ),
    "address with a question mark in its password": (
        ncar_patches({"url": "https://ann:sec?ret@host/a.tar.gz"}),
        NO_PASSWORD,
    ),
    "archive without address": (
        ncar_patches({"url": None}),
        "data.ncar.patches.url: null was given, and file is null too; one of the two is needed.",
    ),
    "no archive": (
        {"data": {"ncar": {"tracks": {"file": "tracks.tar.gz"}}}},
        "data.ncar.patches: nothing was given; it is needed here.",
    ),
    "check sum of another kind": (
        ncar_patches({"file": "a.tar.gz", "sha256": "d41d8cd9"}),
        (
            'data.ncar.patches.sha256: "d41d8cd9" was given; allowed is 64 hexadecimal digits, or '
            "null."
        ),
    ),
    "tuning of no network": (
        {"tuning": {"model": "dropuot"}},
        'tuning.model: "dropuot" was given; allowed are the networks baseline, l2 and dropout.',
    ),
    "tuning of a network without dropout": (
        {"tuning": {"model": "l2"}},
        (
            'tuning.model: "l2" was given, which has no dropout; allowed are networks with '
            "spatial_dropout, dropout or dense_dropout above 0."
        ),
    ),
    "tuning without any dropout": (
        {"models": {"dropout": None}, "uncertainty": {"models": []}, "tuning": {"report": True}},
        "tuning.report: true was given, but no network has a dropout; allowed is false.",
    ),
    "rate that drops nothing": (
        {"tuning": {"rates": [0, 0.1]}},
        (
            "tuning.rates: [0, 0.1] was given; allowed is a list of one or more different "
            "numbers between 0 and 1."
        ),
    ),
    "rate given twice": (
        {"tuning": {"rates": [0.1, 0.10]}},
        (
            "tuning.rates: [0.1, 0.1] was given; allowed is a list of one or more different "
            "numbers between 0 and 1."
        ),
    ),
    "one member has no spread": (
        {"tuning": {"members": 1}},
        "tuning.members: 1 was given; allowed is a whole number from 2.",
    ),
    "validation inside a batch": (
        {"tuning": {"validation_start": "2014-06-01"}},
        (
            "tuning.validation_start: 2014-06-01 was given; allowed is the first day of a year "
            "such as 2014-01-01, because data.batch is year and no batch may be cut in two."
        ),
    ),
    "validation in the test period": (
        {"tuning": {"validation_start": "2015-01-01"}},
        (
            "tuning.validation_start: 2015-01-01 was given; allowed is a day before "
            "split.test_start, 2015-01-01, because the test period tunes nothing."
        ),
    ),
    "validation on no day": (
        {"tuning": {"validation_start": "spring"}},
        (
            'tuning.validation_start: "spring" was given; allowed is a date such as 2014-01-01, '
            "or null."
        ),
    ),
    "forecast by no network": (
        {"forecast": {"runs": ["new.nc"], "model": "dropuot"}},
        'forecast.model: "dropuot" was given; allowed are the networks baseline, l2 and dropout.',
    ),
    "forecast by an untrained seed": (
        {"forecast": {"runs": ["new.nc"], "seed": 1}},
        "forecast.seed: 1 was given; allowed is one of training.seeds: 0.",
    ),
    "null in a list": (
        {"forecast": {"runs": ["new.nc", "null"]}},
        'forecast.runs: ["new.nc", null] was given; allowed is a list of different texts.',
    ),
    "two titles alike": (
        {"models": {"l2": {"title": "Logistic regression"}}},
        (
            'models: two are called "Logistic regression"; allowed are titles (where none is '
            "given, keys) that tell the networks apart."
        ),
    ),
    "members without dropout": (
        {"forecast": {"runs": ["new.nc"], "model": "l2"}},
        "forecast.members: 100 was given; allowed is 0, because l2 has no dropout.",
    ),
}


@pytest.mark.parametrize(("changes", "sentence"), FAULTS.values(), ids=FAULTS)
def test_fault_is_told_in_one_sentence(changes, sentence):
    assert faults(changes) == [sentence]


def test_unknown_activation_is_told_with_those_of_keras():
    (sentence,) = faults({"models": {"l2": {"activation": "rleu"}}})
    assert sentence.startswith('models.l2.activation: "rleu" was given; allowed is celu, elu, ')
    assert "relu, relu6" in sentence


def test_activations_are_those_of_keras():
    known = {name for name, _ in vars(keras.activations).items() if not name.startswith("_")}
    others = {"get", "serialize", "deserialize", "glu", "threshold"}
    assert set(get_args(Activation)) == known - others


def test_own_run_files_need_their_folder_and_names_of_their_own():
    kept = "allowed is any other name, because this one is kept for made-up data."
    assert faults({"data": {"source": "folder"}}) == [
        f'run.name: "demo" was given with data.source folder; {kept}',
        f'data.name: "demo" was given with data.source folder; {kept}',
        (
            "data.folder: null was given with data.source folder; allowed is the path of the "
            "folder of run files."
        ),
    ]
    mine = {"name": "mine", "source": "folder", "folder": "runs", "predictors": ["Z_curr"]}
    config = load_config(merged({"run": {"name": "mine"}, "data": mine}))
    assert config["data"]["folder"] == "runs"


def test_made_up_data_may_have_any_name():
    config = load_config(merged({"run": {"name": "big"}, "data": {"name": "big"}}))
    assert config["data"]["source"] == "demo"


def test_archive_of_ncar_needs_addresses_and_names_of_its_own():
    kept = "allowed is any other name, because this one is kept for made-up data."
    assert faults({"data": {"source": "ncar"}}) == [
        f'run.name: "demo" was given with data.source ncar; {kept}',
        f'data.name: "demo" was given with data.source ncar; {kept}',
        (
            "data.ncar: null was given with data.source ncar; allowed is a block with the "
            "archives' addresses, as in config/ncar.yaml."
        ),
    ]


def test_archive_on_disk_needs_no_address():
    patches = {"url": None, "file": "archive.tar.gz"}
    ncar = load_config(merged(read("ncar.yaml"), {"data": {"ncar": {"patches": patches}}}))
    assert ncar["data"]["ncar"]["patches"]["file"] == "archive.tar.gz"


@pytest.mark.parametrize("variable", ["HAIL_MAXK1_future", "rotation"])
def test_what_is_not_known_yet_is_no_predictor(variable):
    data = {"name": "mine", "source": "folder", "folder": "runs", "target": "rotation"}
    changes = {"run": {"name": "mine"}, "data": data | {"predictors": ["Z_curr", variable]}}
    assert faults(changes) == [
        (
            f'data.predictors: "{variable}" was given; allowed are variables that are known when '
            "the forecast is made."
        )
    ]


@pytest.mark.parametrize(
    ("batch", "day"), [("year", "2016-01-01"), ("month", "2016-03-01"), ("day", "2016-03-17")]
)
def test_split_may_be_the_first_day_of_any_batch(batch, day):
    config = load_config(merged({"data": {"batch": batch}, "split": {"test_start": day}}))
    assert config["split"]["test_start"] == day


def test_layers_that_a_network_has_can_be_regularized():
    network = {
        "filters": [8, 8],
        "dense": [32, 16],
        "regularizer": {"l1": 0.001, "layers": ["conv_2", "dense_2", "output"]},
    }
    assert load_config(merged({"models": {"mine": network}}))["models"]["mine"]["dense"] == [32, 16]


@pytest.mark.parametrize("kind", ["spatial_dropout", "dropout", "dense_dropout"])
def test_any_kind_of_dropout_can_be_sampled(kind):
    changes = {"models": {"mine": {kind: 0.5}}, "uncertainty": {"models": ["mine"]}}
    assert load_config(merged(changes))["uncertainty"]["models"] == ["mine"]


def test_no_network_need_be_sampled():
    changes = {"models": {"dropout": None}, "uncertainty": {"models": []}}
    assert list(load_config(merged(changes))["models"]) == ["baseline", "l2"]


def test_network_without_dropout_can_forecast_without_members():
    forecast = {"runs": ["new.nc"], "model": "l2", "members": 0}
    assert load_config(merged({"forecast": forecast}))["forecast"]["model"] == "l2"


def test_given_network_forecasts_whatever_this_run_trains():
    forecast = {"runs": ["new.nc"], "network": "champion.keras", "model": "other", "seed": 7}
    assert load_config(merged({"forecast": forecast}))["forecast"]["network"] == "champion.keras"


def test_all_faults_are_told_at_once():
    changes = {
        "run": {"name": "a b"},
        "event": {"treshold": 1},
        "training": {"epochs": -1},
        "models": {"l2": {"regularizer": {"l2": 0}}, "dropout": {"dropout": 0.1}},
    }
    keys = [sentence.split(": ")[0] for sentence in faults(changes)]
    assert keys == [
        "run.name",
        "event.treshold",
        "models.l2.regularizer",
        "models.dropout.dropout",
        "training.epochs",
    ]


def test_long_value_is_cut():
    (sentence,) = faults({"training": {"seeds": list(range(-100, 0))}})
    assert len(sentence) < 250


@pytest.mark.parametrize("path", leaves(load_config(merged(read("ncar.yaml")))), ids=".".join)
@pytest.mark.parametrize("junk", [{"a": [1]}, [[]], [{}]], ids=str)
def test_value_of_a_wrong_kind_is_refused_with_its_key(path, junk):
    sentences = faults(read("ncar.yaml"), layer(path, junk))
    assert all(sentence.startswith(".".join(path)) for sentence in sentences)
