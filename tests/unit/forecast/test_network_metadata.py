"""A network from elsewhere may say anything about itself."""

from __future__ import annotations

import json
import zipfile
from contextlib import suppress

import pytest

from stormcnn.errors import UserError
from stormcnn.forecast.network_metadata import (
    read_about,
    read_recalibration_settings,
    read_thresholds,
)
from stormcnn.models.network_archive import METADATA, RECALIBRATION, THRESHOLDS
from stormcnn.storms.run_summary import TRAINING_ATTRIBUTES
from stormcnn.vocabulary import LESSON_EVENT

ABOUT = {
    "model": "dropout",
    "seed": "0",
    "predictors": ["U10_curr", "V10_curr"],
    "predictor_units": {"U10_curr": "m s-1", "V10_curr": ""},
    "event": LESSON_EVENT,
    "event_attributes": {"threshold_units": "s-1"},
    **dict.fromkeys(TRAINING_ATTRIBUTES, "2014"),
    "training_event_frequency": 0.1,
    "training_minimum": [-30.0, -30.0],
    "training_maximum": [30.0, 30.0],
    "software": "keras=3",
}
STEPS = {"method": "isotonic", "knots": [0.0, 1.0], "frequencies": [0.3, 0.3]}


def write(folder, content, name=METADATA):
    path = folder / "network.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content if isinstance(content, bytes) else json.dumps(content))
    return path


def test_metadata_are_read(tmp_path):
    assert read_about(write(tmp_path, ABOUT)) == ABOUT


HOSTILE = {
    "no object": [],
    "null": None,
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "not UTF-8": b"\xff\xfe\xff",
    "not JSON": b"{",
    "large": b"[" + b"0," * 3_000_000 + b"0]",
    "number": b'{"seed": ' + b"9" * 5000 + b"}",
    "key missing": {name: value for name, value in ABOUT.items() if name != "event"},
    "training missing": ABOUT | {"trained_on": None},
    "long text": ABOUT | {"trained_on": "a" * 10**5},
    "long name": ABOUT | {"model": "a" * 10**5},
    "predictor": ABOUT | {"predictors": ["U10_curr", "../a"]},
    "nested predictor": ABOUT | {"predictors": [["U10_curr"], "a"]},
    "units": ABOUT | {"predictor_units": {"U10_curr": "m s-1"}},
    "units of another type": ABOUT | {"predictor_units": {"U10_curr": 1, "V10_curr": 1}},
    "number of limits": ABOUT | {"training_minimum": [0.0]},
    "infinite limit": ABOUT | {"training_minimum": [0.0, float("inf")]},
    "other event": ABOUT | {"event": {**LESSON_EVENT, "attributes": {}}},
    "region": ABOUT | {"event": {**LESSON_EVENT, "region": "world"}},
    "control character": ABOUT | {"event": {**LESSON_EVENT, "target": "a\x1b[2J"}},
    "no JSON number": ABOUT | {"other": float("nan")},
    "infinite year": json.dumps(ABOUT | {"trained_on": 7}).replace("7", "1e400").encode(),
    "no time": ABOUT | {"trained_until": "yesterday"},
    "no such time": ABOUT | {"trained_from": "NaT"},
    "frequency": ABOUT | {"training_event_frequency": 2},
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_metadata_end_in_a_sentence(tmp_path, content):
    path = write(tmp_path, content)
    with pytest.raises(UserError) as error:
        read_about(path)
    assert str(error.value).startswith(f"{path}: ")
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 1000


def test_control_characters_are_escaped(tmp_path):
    about = read_about(write(tmp_path, ABOUT | {"trained_on": "a\x1b[2J"}))
    assert about["trained_on"] == "a\\x1b[2J"


def test_archive_with_many_files_is_refused(tmp_path):
    path = write(tmp_path, ABOUT)
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(200):
            archive.writestr(str(number), b"")
    with pytest.raises(UserError, match=r"network\.keras"):
        read_about(path)


def test_damaged_name_of_the_recalibration_is_refused(tmp_path):
    """Otherwise the network would be used without it."""
    path = write(tmp_path, ABOUT)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("recalibratiom.json", json.dumps(STEPS))
    with pytest.raises(UserError, match=r"recalibratiom\.json"):
        read_recalibration_settings(path)


def test_damaged_archive_ends_in_a_sentence(tmp_path):
    content = write(tmp_path, ABOUT).read_bytes()
    path = tmp_path / "damaged.keras"
    for place in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        with suppress(UserError):
            assert isinstance(read_about(path), dict)


def test_recalibration_is_read(tmp_path):
    assert read_recalibration_settings(write(tmp_path, STEPS, RECALIBRATION)) == STEPS
    assert read_recalibration_settings(write(tmp_path, ABOUT)) is None


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        {"method": "other"},
        {"method": "isotonic"},
        STEPS | {"knots": [1.0, 0.0]},
        STEPS | {"knots": [1.0]},
        STEPS | {"frequencies": [0.3, 7]},
        {"method": "logistic", "intercept": "many", "slope": 1},
        {"method": "logistic", "other": 1},
    ],
    ids=str,
)
def test_hostile_recalibration_ends_in_a_sentence(tmp_path, content):
    path = write(tmp_path, content, RECALIBRATION)
    with pytest.raises(UserError) as error:
        read_recalibration_settings(path)
    assert str(error.value).startswith(f"{path}: ")


def test_thresholds_are_read_without_those_of_never_acting(tmp_path):
    stored = {"unbiased": 0.4, "cost_loss=0.02": 0, "cost_loss=0.5": None}
    read = read_thresholds(write(tmp_path, stored, THRESHOLDS))
    assert read == {"unbiased": 0.4, "cost_loss=0.02": 0}
    assert read_thresholds(write(tmp_path, ABOUT)) == {}


@pytest.mark.parametrize(
    "content",
    [[0.4], {"unbiased": 2}, {"unbiased": "many"}, {"a" * 10**5: 0.4}, 7],
    ids=["list", "above 1", "text", "long name", "number"],
)
def test_hostile_thresholds_end_in_a_sentence(tmp_path, content):
    path = write(tmp_path, content, THRESHOLDS)
    with pytest.raises(UserError) as error:
        read_thresholds(path)
    assert str(error.value).startswith(f"{path}: ")
    assert len(str(error.value)) < 1000
