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


def test_run_without_an_observed_file_is_named():
    runs = {"20160501-0000-d01": "a.nc"}
    assert forecasts.observed_file(runs, "20160501-0000-d01") == "a.nc"
    with pytest.raises(UserError, match=r"forecast\.observed.*20160502-0000-d01"):
        forecasts.observed_file(runs, "20160502-0000-d01")


def test_forecasts_of_all_networks_are_verified(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "forecasts" / "20160501-0000-d01"
    folder.mkdir(parents=True)
    names = ["0" * 12, "a" * 12]
    for name in names:
        for end in (".nc", ".csv", "-neighbourhood.nc"):
            (folder / f"{name}{end}").touch()
    records = [f"forecasts/20160501-0000-d01/{name}.nc" for name in names]
    assert forecasts.issued_forecasts(["20160501-0000-d01"]) == records
    with pytest.raises(UserError, match=r"20160502-0000-d01"):
        forecasts.issued_forecasts(["20160502-0000-d01"])
    with pytest.raises(UserError, match=r"forecast\.observed"):
        forecasts.issued_forecasts([])


def test_only_the_network_with_a_path_counts(tmp_path):
    path = tmp_path / "network.keras"
    path.write_bytes(b"weights")
    counted = forecasts.counted_networks({"network": str(path)}, str(path))
    assert counted == [hashlib.sha256(b"weights").hexdigest()]


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
