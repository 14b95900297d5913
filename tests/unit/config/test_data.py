"""Settings of the data must agree with each other."""

from __future__ import annotations

import pytest
from config_helpers import assert_refused, load, messages, ncar_patches


def test_predictors_must_be_in_the_made_up_run_files():
    assert_refused({"data": {"predictors": ["REFL"]}}, "data.predictors", "U10_curr", "(got REFL)")


def test_target_must_be_in_the_made_up_run_files():
    assert_refused(
        {"data": {"target": "T2_curr"}}, "data.target", "HAIL_MAXK1_future", "(got T2_curr)"
    )


@pytest.mark.parametrize("variable", ["HAIL_MAXK1_future", "rotation"])
def test_predictors_must_be_known_when_the_forecast_is_issued(variable):
    data = {"name": "mine", "source": "folder", "folder": "runs", "target": "rotation"}
    changes = {"experiment": {"name": "mine"}, "data": data | {"predictors": ["Z_curr", variable]}}
    assert_refused(changes, "data.predictors", f"(got {variable})")


@pytest.mark.parametrize(
    "address",
    [
        "https://ann:mar-ker@host/a.tar.gz",
        "https://ann:mar-ker/b@host/a.tar.gz",
        "https://ann:mar-ker?b@host/a.tar.gz",
        "https://host/a.tar.gz?token=mar-ker",
        "https://host/a.tar.gz;token=mar-ker",
        "https://host/a.tar.gz#mar-ker",
    ],
)
def test_address_with_a_secret_is_refused_and_not_shown(address):
    changes = ncar_patches({"url": address})
    assert_refused(changes, "data.ncar.patches.url", "~/.netrc", "`file`")
    assert "mar-ker" not in messages(changes)[0]


@pytest.mark.parametrize("key", ["folder", "file", "runs", "network"])
def test_address_in_place_of_a_path_is_refused_and_not_shown(key):
    address = "https://ann:mar-ker@host/a?token=mar-ker"
    changes = {
        "folder": {"data": {"folder": address}},
        "file": ncar_patches({"file": address}),
        "runs": {"forecast": {"runs": [address]}},
        "network": {"forecast": {"network": address}},
    }[key]
    (message,) = messages(changes)
    assert f"{key} must be" in message
    assert "mar-ker" not in message


def test_archive_is_downloaded_only_over_http():
    assert_refused(ncar_patches({"url": "ftp://host/a"}), "data.ncar.patches.url", "https://")


UNPRINTABLE = ["a\x1b[2J", "a\nb", "a\u202eb", "a\x00"]


@pytest.mark.parametrize("text", [*UNPRINTABLE, "a" * 101])
@pytest.mark.parametrize(
    ("block", "key"),
    [("data", "target"), ("event", "title"), ("event", "units"), ("event", "lead")],
)
def test_texts_are_printable_and_short(block, key, text):
    assert_refused({block: {key: text}}, f"{block}.{key}", "printable")


@pytest.mark.parametrize("title", ["_hidden", "=1+1", "+1", "-1", "@a", *UNPRINTABLE, "a" * 101])
def test_title_that_figures_or_spreadsheets_misread_is_refused(title):
    assert_refused({"models": {"l2": {"title": title}}}, "models.l2.title", "printable")


@pytest.mark.parametrize("name", ["_hidden", "-option"])
def test_name_begins_with_a_letter_or_digit(name):
    assert_refused({"models": {name: {}}}, f"models.{name}", "letter")


def test_archive_needs_an_address_or_a_path():
    assert_refused(ncar_patches({"url": None}), "data.ncar.patches.url", "file")


@pytest.mark.parametrize(
    "pattern", ["storms.nc", "{run_date}.nc", "{run_date:%Y}.nc", "a/{run_date:%Y%j}"]
)
@pytest.mark.parametrize("block", ["data", "forecast"])
def test_file_pattern_without_a_date_is_refused(block, pattern):
    assert_refused({block: {"file_pattern": pattern}}, f"{block}.file_pattern", "{run_date:FORMAT}")


def test_file_pattern_is_only_for_files_of_users():
    pattern = "{run_date:%Y%m%d%H}.nc"
    assert_refused({"data": {"file_pattern": pattern}}, "data.file_pattern", "demo", pattern)
    data = {"name": "mine", "source": "folder", "folder": "runs", "file_pattern": pattern}
    mine = load({"experiment": {"name": "mine"}, "data": data})
    assert mine["data"]["file_pattern"] == pattern
    assert load({"forecast": {"file_pattern": pattern}})["forecast"]["file_pattern"] == pattern
