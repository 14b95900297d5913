"""Config files are read with the text of their authors, and duplicate keys are refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml
from config_helpers import CONFIG, SHIPPED
from snakemake.common.configfile import load_configfile
from snakemake.utils import update_config

from stormcnn.config.config_files import (
    as_written,
    check_config_file,
    read_config_files,
    with_defaults,
)
from stormcnn.config.loading import load_config
from stormcnn.errors import UserError

NAMES = ["2011", "010", "1e3", "no", "2015-01-01", "0x10", "1_000", "True", ".5", "~x"]


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "my.yaml") -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def message_of(*files: str) -> str:
    with pytest.raises(UserError) as error:
        read_config_files(files)
    return str(error.value)


DUPLICATES = {
    "block": ("event: {threshold: 1}\nsplit: {}\nevent: {}\n", "event", 1, 3),
    "key of a network": (
        "models:\n  l2:\n    dense: []\n\n    dense: [1]\n",
        "models.l2.dense",
        3,
        5,
    ),
    "network": ("models:\n  l2: {}\n  dropout: {}\n  l2:\n", "models.l2", 2, 4),
    "quoted and plain key": ("models:\n  2011: {}\n  '2011': {}\n", "models.2011", 2, 3),
    "names of one number": ("models:\n  8: {}\n  010: {}\n", "models.010", 2, 3),
    "JSON": ('{"event": {"threshold": 1,\n"threshold": 2}}', "event.threshold", 1, 2),
    "in a list": ("tuning:\n- {a: 1,\n   a: 2}\n", "tuning.a", 2, 3),
}


@pytest.mark.parametrize(("text", "key", "first", "second"), DUPLICATES.values(), ids=DUPLICATES)
def test_duplicate_key_is_named_with_file_and_lines(text, key, first, second):
    message = message_of(write(text))
    assert message.startswith(f"{key} ")
    assert "my.yaml" in message
    assert f"lines {first} and {second}" in message


def test_all_duplicate_keys_are_reported():
    message = message_of(write("a: 1\nb: {c: 1, c: 2}\na: 2\n"))
    assert [line.split()[0] for line in message.splitlines()] == ["b.c", "a"]


def test_duplicate_in_the_second_file_is_found():
    first = write("event: {threshold: 1}\n", "first.yaml")
    message = message_of(first, write("event: {threshold: 1}\nevent: {threshold: 2}\n"))
    assert "first.yaml" not in message
    assert "my.yaml" in message


def test_same_key_in_different_blocks_is_no_duplicate():
    file = write("models: {a: {dense: []}, b: {dense: []}}\n")
    assert list(read_config_files([file])["models"]) == ["a", "b"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_kept_as_written(name):
    file = write(
        f"experiment: {{name: {name}}}\nmodels:\n  {name}: {{title: {name}}}\n"
        f"uncertainty: {{models: [{name}]}}\n"
    )
    for settings in (read_config_files([file]), as_written(load_configfile(file), [file])):
        assert settings["experiment"]["name"] == name
        assert settings["models"] == {name: {"title": name}}
        assert settings["uncertainty"]["models"] == [name]


@pytest.mark.parametrize("name", ["2011", "010", "1e3", "no", "2015-01-01"])
def test_checked_config_has_names_as_written(name):
    file = write(
        f"experiment: {{name: {name}}}\ndata: {{name: {name}}}\n"
        f"models: {{{name}: {{dropout: 0.1}}, baseline: {{filters: [4]}}}}\n"
        f"uncertainty: {{models: [{name}]}}\nforecast: {{model: {name}, runs: [a.nc]}}\n"
    )
    config = load_config(as_written(load_configfile(file), [file]))
    assert config["experiment"]["name"] == config["data"]["name"] == name
    assert config["models"][name]["title"] == name
    assert config["forecast"]["model"] == name


def test_settings_from_the_command_line_stay_as_they_are():
    file = write("experiment: {name: 010}\ntraining: {seeds: [1, 2]}\n")
    settings = load_configfile(file)
    update_config(settings, {"experiment": {"name": "8"}, "training": {"seeds": ["3"]}})
    assert as_written(settings, [file]) == {
        "experiment": {"name": "8"},
        "training": {"seeds": ["3"]},
    }


def test_later_file_overrides_earlier_ones():
    first = write("experiment: {name: 010}\nmodels: {1: {dense: [4]}, 2: {}}\n", "first.yaml")
    second = write("experiment: {name: 020}\nmodels: {1: {title: no}, 2: null}\n")
    settings = load_configfile(first)
    update_config(settings, load_configfile(second))
    merged = as_written(settings, [first, second])
    assert merged == read_config_files([first, second])
    assert merged["experiment"]["name"] == "020"
    assert merged["models"]["1"] == {"dense": ["4"], "title": "no"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("models: {l2: null}", "models: {l2: {}}"),
        ("models: {l2: {dense: [1]}}", "models: {l2: {}}"),
        ("models: {l2: null}", "models: {l2: {title: a}}"),
        ("models: {l2: {title: a}}", "models: {l2: null}"),
        ("models: {}", "event: {}"),
    ],
)
def test_files_are_merged_as_snakemake_does(first, second):
    files = [write(first, "first.yaml"), write(second)]
    config: dict = {}
    for file in files:
        update_config(config, yaml.load(Path(file).read_text(), Loader=yaml.BaseLoader))
    assert read_config_files(files) == config


def test_aliases_and_merge_keys_are_understood():
    file = write("models:\n  a: &a {dense: [1]}\n  b: *a\n  c: {<<: *a, title: C}\n")
    models = read_config_files([file])["models"]
    assert models["a"] == models["b"] == {"dense": ["1"]}
    assert models["c"] == {"dense": ["1"], "title": "C"}


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_file_has_the_same_values_as_written(name):
    config = CONFIG / "config.yaml"
    settings = load_configfile(config)
    update_config(settings, load_configfile(CONFIG / name))
    assert load_config(as_written(settings, [config, CONFIG / name])) == load_config(settings)
    assert load_config(read_config_files([config, CONFIG / name])) == load_config(settings)


def test_empty_file_has_no_settings():
    assert read_config_files([write("# nothing\n")]) == {}


@pytest.mark.parametrize("text", ["- a\n", "text\n", "a: b: c\n", "a: [1\n", "a: 1\n---\nb: 2\n"])
def test_file_without_keys_and_values_is_named(text):
    assert message_of(write(text)).startswith("my.yaml ")


def test_file_that_is_not_text_is_named():
    Path("my.yaml").write_bytes(b"a: \xff\xfe")
    assert message_of("my.yaml").startswith("my.yaml ")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("a: 1\nb: é\n".encode("latin-1"), 2),
        ("a: 1\n".encode("utf-16"), 1),
        (b"a: 1\n\nb: \x07\n", 3),
        (b"a:\n\tb: 1\n", 2),
        (b"a: [1\nb: 2\n", 2),
        (b"a: 1\nb: *c\n", 2),
        (b"a: 1\nsplit: {test_start: 2015-02-30}\n", 2),
    ],
)
def test_line_that_cannot_be_read_is_named(content, line):
    Path("my.yaml").write_bytes(content)
    with pytest.raises(UserError, match=rf"^my\.yaml .*\(line {line}\)\.") as error:
        check_config_file("my.yaml")
    assert "\n" not in str(error.value)


def test_missing_config_file_is_named():
    with pytest.raises(UserError, match=r"^my\.yaml "):
        check_config_file("my.yaml")


@pytest.mark.parametrize("text", ["", "a: 2015-02-28\n", "a: '2015-02-30'\n", "\ufeffa: 010\n"])
def test_readable_config_file_passes(text):
    check_config_file(write(text))


def test_day_that_does_not_exist_is_left_to_the_check():
    settings = {"split": {"test_start": date(2015, 1, 1)}}
    file = write("split: {test_start: 2015-02-30}\n")
    assert as_written(settings, [file]) == settings
    assert read_config_files([file]) == {"split": {"test_start": "2015-02-30"}}


HOSTILE = {
    "recursive": "event: &a\n  title: *a\n",
    "recursive list": "data: {predictors: &a [*a]}\n",
    "deep": f"event: {'[' * 30}{']' * 30}\n",
    "very deep": f"event: {'[' * 5000}{']' * 5000}\n",
    "multiplied": "\n".join(
        ["a0: &a0 [x]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12))]
    ),
    "Python object": "event: {title: !!python/object/apply:os.mkdir [pwned]}\n",
    "Python name": "event: !!python/name:os.system\n",
    "own tag": "event: !include /etc/passwd\n",
    "integer": "seed: !!int a\n",
    "time": "split: !!timestamp a\n",
    "binary": "event: !!binary é\n",
    "set": "event: !!set [a]\n",
    "key": "? {a: 1}\n: 2\n",
    "control character": "event: {title: '\x1b'}\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_file_is_named_and_nothing_is_executed(text):
    assert message_of(write(text)).startswith("my.yaml ")
    assert [path.name for path in Path().iterdir()] == ["my.yaml"]


def test_config_that_contains_itself_is_refused():
    settings = {"event": {}}
    settings["event"]["title"] = settings
    with pytest.raises(UserError):
        load_config(settings)


def test_settings_override_defaults_key_by_key():
    file = write("training: {epochs: 3, batch_size: 8}\n")
    settings = with_defaults({"training": {"epochs": 5}}, file)
    assert settings == {"training": {"epochs": 5, "batch_size": "8"}}
