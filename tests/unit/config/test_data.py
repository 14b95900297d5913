"""Settings of the data must agree with each other."""

from __future__ import annotations

import pytest
from config_helpers import assert_refused, messages, ncar_patches


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


@pytest.mark.parametrize("password", ["secret", "sec/ret", "sec?ret"])
def test_address_with_a_password_is_refused_and_not_shown(password):
    changes = ncar_patches({"url": f"https://ann:{password}@host/a.tar.gz"})
    assert_refused(changes, "data.ncar.patches.url", "~/.netrc")
    assert password not in messages(changes)[0]


def test_archive_needs_an_address_or_a_path():
    assert_refused(ncar_patches({"url": None}), "data.ncar.patches.url", "file")
