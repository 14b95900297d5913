"""The config files in `config/` agree with the definition of the config."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date

import jsonschema
import pytest
from config_helpers import CONFIG, SHIPPED, load, read

from stormcnn.config.config import schema
from stormcnn.config.generate import default_config_text, schema_text
from stormcnn.config.loading import load_config
from stormcnn.models.recipes import LESSON, choose_recipe


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_config_is_valid_when_merged_into_the_default(name):
    assert load(read(name))["experiment"] == read(name)["experiment"]


def test_shipped_configs_write_different_results():
    assert len({read(name)["experiment"]["name"] for name in SHIPPED}) == len(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_config_matches_the_schema_on_its_own(name):
    validator = jsonschema.Draft202012Validator(schema())
    validator.validate(json.loads(json.dumps(read(name), default=str)))


@pytest.mark.parametrize(
    ("name", "text"), [("schema.json", schema_text), ("config.yaml", default_config_text)]
)
def test_generated_file_is_up_to_date(name, text):
    shipped = (CONFIG / name).read_text(encoding="utf-8")
    assert shipped == text(), "run: python -m stormcnn.config.generate"


def test_default_config_contains_all_defaults_and_blocks():
    assert load_config(read("config.yaml")) == load_config({})
    assert list(read("config.yaml")) == list(schema()["properties"])


def test_every_setting_is_described_in_the_schema():
    blocks = schema()["$defs"] | {"Config": schema()}
    for name, block in blocks.items():
        assert len(block["description"]) > 10, name
        for key, setting in block["properties"].items():
            assert "description" in setting or "$ref" in setting, f"{name}.{key}"


def test_every_setting_is_described_in_the_default_config():
    lines = (CONFIG / "config.yaml").read_text(encoding="utf-8").splitlines()
    settings = [number for number, line in enumerate(lines) if line and "#" not in line]
    models = lines.index("models:")
    opponents = next(number for number in settings if lines[number].startswith("opponents"))
    described = [number for number in settings if lines[number - 1].strip().startswith("#")]
    # Each network and each region repeats keys that are described once.
    regions, after = lines.index("  regions:"), lines.index("uncertainty:")
    repeated = {*range(models, opponents), *range(regions, after)}
    assert set(settings) - set(described) <= repeated
    text = "\n".join(lines[models:opponents])
    for key in schema()["$defs"]["NetworkSettings"]["properties"]:
        assert f"\n    {key}: " in text or f"\n    {key}:\n" in text


def test_default_config_is_the_demo():
    config = load()
    assert config["data"]["source"] == "demo"
    assert config["split"]["test_start"] == "2015-01-01"
    assert {name: network["filters"] for name, network in config["models"].items()} == {
        "baseline": [8, 16, 32],
        "l2": [8, 16, 32],
        "dropout": [16, 32, 64],
    }
    assert config["models"]["l2"]["regularizer"] == {"l1": 0.0, "l2": 0.001, "layers": None}
    assert config["models"]["dropout"]["spatial_dropout"] == 0.2
    assert config["opponents"] == ["boosted_trees", "threshold_rule", "logistic_regression"]


def test_date_in_a_shipped_file_needs_no_quotes():
    assert isinstance(read("config.yaml")["split"]["test_start"], date)


def test_ncar_config_is_the_ams_lesson():
    config = load(read("ncar.yaml"))
    assert list(config["models"]) == ["baseline", "l2", "dropout"]
    assert config["data"]["ncar"]["runs"] == "config/runs/ncar.csv"
    assert choose_recipe(config["training"], storms=76_377) == LESSON
    assert config["uncertainty"]["members"] == 100
    assert config["uncertainty"]["cases"] == {"count": 6, "members": 1000, "storms": [32237]}


def test_study_has_a_network_that_differs_from_dropout_in_dropout_alone():
    models = load(read("study.yaml"))["models"]
    assert models["wide"] == models["dropout"] | {
        "title": models["wide"]["title"],
        "spatial_dropout": None,
    }


def test_study_scores_scaling_by_the_test_storms():
    assert load(read("study.yaml"))["comparison"]["own_scaling"]


def test_study_tunes_the_rate_of_the_dropout_network():
    config = load(read("study.yaml"))
    assert len(config["training"]["seeds"]) >= 3
    assert config["tuning"]["report"] is True
    assert config["tuning"]["model"] == "dropout"
    assert config["tuning"]["rates"] == [0.05, 0.1, 0.2, 0.3, 0.4, 0.5]


def test_loading_imports_no_science_library():
    heavy = {"numpy", "pandas", "xarray", "keras", "tensorflow", "snakemake"}
    code = (
        "import sys, stormcnn.config.loading, stormcnn.config.config_files; "
        f"print({heavy!r} & set(sys.modules))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "set()"
