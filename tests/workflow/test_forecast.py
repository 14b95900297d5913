"""Forecasts of new storms by an existing network, and their verification."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from checkout import Checkout, error_line
from run_files import run_file_name, run_values, write_run_file

from stormcnn.provenance import sha256_of

NEW = datetime(2016, 5, 3)
RUN = "forecasts/20160503-0000-d01"
NETWORK = "results/tiny/models/dropout/seed-0/network.keras"


def add_new_run(checkout: Checkout) -> None:
    """Add a run file without future fields to forecast, and the same run with them."""
    values = run_values(storms=24, seed=99)
    current = {name: array for name, array in values.items() if not name.endswith("_future")}
    write_run_file(checkout.path / "new", current, run_date=NEW)
    write_run_file(checkout.path / "observed", values, run_date=NEW)
    name = run_file_name(NEW)
    checkout.change(
        {"forecast": {"runs": [f"new/{name}"], "observed": [f"observed/{name}"], "members": 10}}
    )


@pytest.fixture(scope="module")
def forecast(finished: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a finished workflow with a forecast and its verification."""
    checkout = finished.copy(tmp_path_factory.mktemp("forecast") / "checkout")
    add_new_run(checkout)
    output = checkout.run("forecast")
    assert record(checkout, ".txt").read_text() in output
    checkout.run("verify")
    return checkout


def record(checkout: Checkout, end: str = ".nc", network: str = NETWORK) -> Path:
    """Return the path of a file of the issued forecast."""
    return checkout.path / RUN / f"{sha256_of(checkout.path / network)[:12]}{end}"


def read_forecast(checkout: Checkout) -> xr.Dataset:
    with xr.open_dataset(record(checkout)) as file:
        return file.load()


def contents(checkout: Checkout) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((checkout.path / RUN).iterdir())}


def test_forecast_and_verification_run_no_other_job(forecast: Checkout) -> None:
    assert forecast.rules_run() == {
        "issue_forecasts",
        "verify_forecast",
        "verify_forecasts",
    }
    assert "tensorflow" not in forecast.imports("verify_forecast")
    assert "tensorflow" not in forecast.imports("verify_forecasts")


def test_forecast_needs_only_the_network(
    checkout: Checkout, finished: Checkout, tmp_path: Path
) -> None:
    network = shutil.copy(finished.path / NETWORK, tmp_path)
    checkout.configure({"forecast": {"network": str(network)}})
    add_new_run(checkout)
    assert checkout.plan("forecast").keys() == {"forecast"}


def test_missing_network_is_named_and_not_trained(checkout: Checkout) -> None:
    write_run_file(checkout.path / "runs", run_date=datetime(2014, 4, 1))
    write_run_file(checkout.path / "runs", run_date=datetime(2015, 4, 1))
    add_new_run(checkout)
    assert NETWORK in checkout.fail("forecast")
    assert "train_network" not in checkout.rules_run()
    assert not (checkout.path / RUN).exists()


def test_forecast_has_all_storms_by_decreasing_probability(forecast: Checkout) -> None:
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


def test_table_and_geojson_agree_with_the_dataset(forecast: Checkout) -> None:
    storms = read_forecast(forecast)
    table = pd.read_csv(record(forecast, ".csv"))
    geojson = json.loads(record(forecast, ".geojson").read_text())
    for name in ("probability", "mc_mean", "mc_std", "longitude", "latitude", "track_id"):
        np.testing.assert_allclose(table[name], storms[name], rtol=1e-6)
    storm_features = [
        feature for feature in geojson["features"] if feature["properties"]["feature"] == "storm"
    ]
    assert {feature["geometry"]["type"] for feature in storm_features} == {"Polygon"}
    for name in ("probability", "longitude", "latitude"):
        values = [feature["properties"][name] for feature in storm_features]
        np.testing.assert_allclose(values, table[name], rtol=1e-5)


def test_map_is_a_png_file(forecast: Checkout) -> None:
    assert record(forecast, ".png").read_bytes().startswith(b"\x89PNG")


def test_scores_agree_with_the_forecast_and_the_observed_events(forecast: Checkout) -> None:
    scores = pd.read_csv(forecast.path / "results/tiny/forecast/scores.csv")
    storms = read_forecast(forecast)
    peaks = run_values(storms=24, seed=99)["RVORT1_MAX_future"][:, 4, 4]
    event = peaks[storms["patch"].values] > 0.005
    assert 0 < event.sum() < 24
    brier = np.square(storms["probability"].values - event).mean()
    row = scores[(scores["score"] == "brier_score") & (scores["forecast"] == "single")]
    row = row[row["stratum"] == "all"]
    assert row["value"].item() == pytest.approx(brier, abs=1e-6)
    assert row["events"].item() == event.sum()
    assert {"single", "mc_mean"} <= set(scores["forecast"])


def test_forecast_of_another_network_stands_next_to_the_first(
    forecast: Checkout, tmp_path: Path
) -> None:
    again = forecast.copy(tmp_path / "again")
    before = contents(again)
    networks = again.path / "results/tiny/models"
    shutil.copy(networks / "baseline/seed-0/network.keras", networks / "dropout/seed-0")
    again.run("forecast")
    after = contents(again)
    assert {name: after[name] for name in before} == before
    assert record(again).name in after.keys() - before.keys()


def test_issued_forecast_is_never_made_again(forecast: Checkout, tmp_path: Path) -> None:
    again = forecast.copy(tmp_path / "again")
    before = contents(again)
    script = again.path / "scripts/issue_forecasts.py"
    script.write_text(script.read_text().replace("members=members", "members=members + 1"))
    again.change({"forecast": {"members": 3, "seed": 0}})
    assert record(again).name not in again.run("forecast", "--forceall")
    assert contents(again) == before
    assert "tensorflow" not in again.imports("issue_forecasts")


def test_verification_does_not_depend_on_later_settings(forecast: Checkout, tmp_path: Path) -> None:
    again = forecast.copy(tmp_path / "again")
    networks = again.path / "results/tiny/models"
    shutil.copy(networks / "baseline/seed-0/network.keras", networks / "dropout/seed-0")
    # The event is an attribute of the forecast.
    again.change({"data": {"region": "patch", "target": "HAIL_MAXK1_future"}})
    assert again.plan("verify") == {}
    assert record(forecast, "-verification.html").exists()


def test_forecasts_of_different_networks_have_separate_scores(
    forecast: Checkout, tmp_path: Path
) -> None:
    again = forecast.copy(tmp_path / "again")
    later = NEW.replace(day=4)
    values = run_values(storms=24, seed=98)
    write_run_file(again.path / "new", values, run_date=later)
    write_run_file(again.path / "observed", values, run_date=later)
    names = [run_file_name(day) for day in (NEW, later)]
    network = again.path / "results/tiny/models/baseline/seed-0/network.keras"
    # The second forecast is by a network without dropout, so it has no MC members.
    again.change({"forecast": {"runs": [f"new/{names[1]}"], "network": str(network)}})
    again.run("forecast")
    again.change({"forecast": {"observed": [f"observed/{name}" for name in names]}})
    again.run("verify")
    scores = pd.read_csv(again.path / "results/tiny/forecast/scores.csv")
    brier = scores[(scores["stratum"] == "all") & (scores["score"] == "brier_score")]
    assert set(brier[["model", "forecast", "runs"]].itertuples(index=False, name=None)) == {
        ("dropout", "single", 1),
        ("dropout", "mc_mean", 1),
        ("baseline", "single", 1),
    }
    storms = pd.read_csv(again.path / "results/tiny/forecast/verified_storms.csv")
    assert len(storms) == 48
    by_network = storms.groupby(["network_sha256", "model", "trained_until"]).size().reset_index()
    assert set(by_network["model"]) == {"dropout", "baseline"}
    assert by_network["trained_until"].tolist() == 2 * ["2014-06-01T00:00"]
    assert sha256_of(network) in by_network["network_sha256"].tolist()


def test_run_without_forecast_is_named(forecast: Checkout, tmp_path: Path) -> None:
    again = forecast.copy(tmp_path / "again")
    record(again).unlink()
    assert f"{RUN} " in error_line(again.fail("verify"), "forecast.observed: ")
    assert not record(again).exists()


def test_all_runs_but_the_bad_ones_are_forecast(forecast: Checkout, tmp_path: Path) -> None:
    again = forecast.copy(tmp_path / "again")
    dates = [NEW.replace(day=day) for day in (4, 5)]
    names = [run_file_name(date) for date in dates]
    (again.path / "new" / names[0]).write_bytes(b"no run file")
    write_run_file(again.path / "new", run_date=dates[1])
    again.change({"forecast": {"runs": [f"new/{name}" for name in names]}})
    assert names[0] in again.fail("forecast")
    assert [
        (again.path / f"forecasts/{date:%Y%m%d-%H%M}-d01" / record(again).name).exists()
        for date in dates
    ] == [False, True]


def test_forecast_has_attributes_of_the_event_and_the_network(forecast: Checkout) -> None:
    attributes = read_forecast(forecast).attrs
    assert attributes["event_target"] == "RVORT1_MAX_future"
    assert attributes["event_region"] == "storm"
    assert attributes["predictors"] == "REFL_COM_curr,U10_curr,V10_curr"
    assert attributes["trained_until"] == "2014-06-01T00:00"
    assert attributes["event_title"] == "strong low-level rotation"
    assert attributes["trained_on"].startswith("Storm patches of the forecast runs from 2014-")
