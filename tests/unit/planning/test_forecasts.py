"""The network that forecasts, and the forecasts that are verified."""

from __future__ import annotations

import hashlib
import os

import pytest

from stormcnn.errors import UserError
from stormcnn.planning import forecasts

OWN = {"network": None, "model": "dropout", "seed": 3}


def test_network_of_the_experiment_forecasts_by_default():
    path = forecasts.forecast_network(OWN, "results/tiny")
    assert path == "results/tiny/models/dropout/seed-3/network.keras"


def test_network_with_a_path_forecasts():
    assert forecasts.forecast_network(OWN | {"network": "best.keras"}, "results/tiny") == (
        "best.keras"
    )


def test_missing_champion_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"registry/.*champion"):
        forecasts.forecast_network(OWN | {"network": "champion"}, "results/tiny")


def test_run_date_without_a_run_file_is_named():
    assert forecasts.new_run_file({"20160501-0000": "a.nc"}, "20160501-0000") == "a.nc"
    with pytest.raises(UserError, match=r"forecast\.runs.*20160502-0000"):
        forecasts.new_run_file({"20160501-0000": "a.nc"}, "20160502-0000")


def test_issued_forecasts_are_identified_by_their_content(tmp_path):
    path = tmp_path / "forecast" / "20160501-0000.nc"
    path.parent.mkdir()
    path.write_bytes(b"issued")
    digests = forecasts.digests_of_forecasts(["20160501-0000"], str(tmp_path))
    assert digests == {str(path): hashlib.sha256(b"issued").hexdigest()}
    with pytest.raises(UserError, match=r"20160502-0000\.nc"):
        forecasts.digests_of_forecasts(["20160502-0000"], str(tmp_path))


def test_missing_file_has_an_empty_digest(tmp_path):
    assert forecasts.digest_of_network(str(tmp_path / "network.keras")) == ""


@pytest.mark.parametrize("kind", ["pipe", "folder", "sparse"])
def test_network_that_is_no_regular_file_is_refused_at_once(tmp_path, kind):
    path = tmp_path / "network.keras"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.touch()
        os.truncate(path, 1 << 40)
    with pytest.raises(UserError, match=r"network\.keras"):
        forecasts.digest_of_network(str(path))
