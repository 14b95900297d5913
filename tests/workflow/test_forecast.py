"""Forecasts of new storms by a network that is there, and their verification afterwards."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from checkout import Checkout
from run_files import run_file_name, run_values, write_run_file

from stormcnn.provenance import sha256_of

NEW = datetime(2016, 5, 3)
NAME = "20160503-0000"
FORECAST = f"results/tiny/forecast/{NAME}"


def add_new_run(checkout: Checkout) -> None:
    """A run whose future is unknown, and the wish to forecast it."""
    values = run_values(storms=24, seed=99)
    known = {name: array for name, array in values.items() if not name.endswith("_future")}
    write_run_file(checkout.path / "new", known, run_date=NEW)
    write_run_file(checkout.path / "observed", values, run_date=NEW)
    name = run_file_name(NEW)
    checkout.change(
        {"forecast": {"runs": [f"new/{name}"], "observed": [f"observed/{name}"], "members": 10}}
    )


@pytest.fixture(scope="module")
def forecast(finished: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A forecast that has been made, and then verified."""
    checkout = finished.copy(tmp_path_factory.mktemp("forecast") / "checkout")
    add_new_run(checkout)
    checkout.run("forecast")
    checkout.run("verify")
    return checkout


def read_forecast(checkout: Checkout) -> xr.Dataset:
    with xr.open_dataset(checkout.path / f"{FORECAST}.nc") as file:
        return file.load()


def test_forecast_runs_no_other_job(forecast: Checkout) -> None:
    assert forecast.rules_run() == {"forecast_storms", "verify_forecasts"}
    assert "tensorflow" not in forecast.imports("verify_forecasts")


def test_forecast_needs_the_network_alone(
    checkout: Checkout, finished: Checkout, tmp_path: Path
) -> None:
    network = shutil.copy(
        finished.path / "results/tiny/models/dropout/seed-0/network.keras", tmp_path
    )
    checkout.configure({"forecast": {"network": str(network)}})
    add_new_run(checkout)
    assert checkout.plan("forecast").keys() == {"forecast", f"forecast_storms {NAME}"}


def test_missing_network_ends_with_a_sentence_and_is_not_trained(checkout: Checkout) -> None:
    write_run_file(checkout.path / "runs", run_date=datetime(2014, 4, 1))
    write_run_file(checkout.path / "runs", run_date=datetime(2015, 4, 1))
    add_new_run(checkout)
    said = checkout.fail("forecast")
    assert "results/tiny/models/dropout/seed-0/network.keras" in said
    assert "train_network" not in checkout.rules_run()
    assert not list(checkout.path.glob("results/tiny/forecast/*"))


def test_forecast_has_every_storm_the_most_probable_first(forecast: Checkout) -> None:
    storms = read_forecast(forecast)
    assert storms.sizes["storm"] == 24
    assert (storms["probability"].diff("storm") <= 0).all()
    assert sorted(storms["patch"].values) == list(range(24))
    for name in ("mc_mean", "mc_std", "outside_training"):
        assert storms[name].dims == ("storm",)
    assert storms["mc_quantile"].dims == ("storm", "quantile")
    assert {"longitude", "latitude", "valid_time", "track_id"} <= set(storms.coords)
    assert [key for key, variable in storms.variables.items() if variable.isnull().any()] == []
    assert storms.attrs["Conventions"] == "CF-1.8"


def test_table_and_geojson_say_what_the_dataset_says(forecast: Checkout) -> None:
    storms = read_forecast(forecast)
    table = pd.read_csv(forecast.path / f"{FORECAST}.csv")
    geojson = json.loads((forecast.path / f"{FORECAST}.geojson").read_text())
    for name in ("probability", "mc_mean", "mc_std", "longitude", "latitude", "track_id"):
        np.testing.assert_allclose(table[name], storms[name], rtol=1e-6)
    places = [feature["geometry"]["coordinates"] for feature in geojson["features"]]
    np.testing.assert_allclose(places, table[["longitude", "latitude"]], rtol=1e-5)
    probabilities = [feature["properties"]["probability"] for feature in geojson["features"]]
    np.testing.assert_allclose(probabilities, table["probability"], rtol=1e-5)


def test_map_is_a_picture(forecast: Checkout) -> None:
    assert (forecast.path / f"{FORECAST}.png").read_bytes().startswith(b"\x89PNG")


def test_forecast_is_scored_when_the_future_is_known(forecast: Checkout) -> None:
    scores = pd.read_csv(forecast.path / "results/tiny/forecast/scores.csv")
    storms = read_forecast(forecast)
    peaks = run_values(storms=24, seed=99)["RVORT1_MAX_future"][:, 4, 4]
    happened = peaks[storms["patch"].values] > 0.005
    assert 0 < happened.sum() < 24
    brier = np.square(storms["probability"].values - happened).mean()
    row = scores[(scores["score"] == "brier_score") & (scores["forecast"] == "single")]
    row = row[row["stratum"] == "all"]
    assert row["value"].item() == pytest.approx(brier, abs=1e-6)
    assert row["events"].item() == happened.sum()
    assert {"single", "mc_mean"} <= set(scores["forecast"])


def test_new_network_makes_the_forecast_anew(forecast: Checkout, tmp_path: Path) -> None:
    again = forecast.copy(tmp_path / "again")
    assert again.plan("forecast") == {}
    networks = again.path / "results/tiny/models"
    shutil.copy(networks / "baseline/seed-0/network.keras", networks / "dropout/seed-0")
    assert again.plan("forecast").keys() == {"forecast", f"forecast_storms {NAME}"}


def test_verification_scores_the_forecast_that_was_made_by_its_own_event(
    forecast: Checkout, tmp_path: Path
) -> None:
    again = forecast.copy(tmp_path / "again")
    networks = again.path / "results/tiny/models"
    shutil.copy(networks / "baseline/seed-0/network.keras", networks / "dropout/seed-0")
    # What a later training would forecast has nothing to do with this forecast.
    again.change({"data": {"region": "patch", "target": "HAIL_MAXK1_future"}})
    assert again.plan("verify") == {}


def test_forecasts_of_different_networks_are_scored_apart(
    forecast: Checkout, tmp_path: Path
) -> None:
    again = forecast.copy(tmp_path / "again")
    later = NEW.replace(day=4)
    values = run_values(storms=24, seed=98)
    write_run_file(again.path / "new", values, run_date=later)
    write_run_file(again.path / "observed", values, run_date=later)
    names = [run_file_name(day) for day in (NEW, later)]
    own = again.path / "results/tiny/models/baseline/seed-0/network.keras"
    # Another champion since, of which there are no members.
    again.change({"forecast": {"runs": [f"new/{names[1]}"], "network": str(own)}})
    again.run("forecast")
    again.change({"forecast": {"observed": [f"observed/{name}" for name in names]}})
    again.run("verify")
    scores = pd.read_csv(again.path / "results/tiny/forecast/scores.csv")
    whole = scores[(scores["stratum"] == "all") & (scores["score"] == "brier_score")]
    assert dict(zip(whole["model"], whole["runs"], strict=False)) == {"dropout": 1, "baseline": 1}
    assert set(whole.loc[whole["forecast"] == "mc_mean", "model"]) == {"dropout"}
    storms = pd.read_csv(again.path / "results/tiny/forecast/verified_storms.csv")
    assert len(storms) == 48
    by_network = storms.groupby(["network_sha256", "model", "trained_until"]).size().reset_index()
    assert set(by_network["model"]) == {"dropout", "baseline"}
    assert by_network["trained_until"].tolist() == 2 * ["2014-06-01T00:00"]
    assert sha256_of(own) in by_network["network_sha256"].tolist()


def test_run_that_was_not_forecast_is_not_verified(forecast: Checkout, tmp_path: Path) -> None:
    again = forecast.copy(tmp_path / "again")
    (again.path / f"{FORECAST}.nc").unlink()
    assert f"{NAME} was not forecast" in again.fail("verify")
    assert not (again.path / f"{FORECAST}.nc").exists()


def test_forecast_says_what_was_forecast_and_what_the_network_has_seen(forecast: Checkout) -> None:
    said = read_forecast(forecast).attrs
    assert said["event_target"] == "RVORT1_MAX_future"
    assert said["event_region"] == "storm"
    assert said["predictors"] == "REFL_COM_curr,U10_curr,V10_curr"
    assert said["trained_until"] == "2014-06-01T00:00"
