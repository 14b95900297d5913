"""The whole workflow on real radar storms: all texts are about their event, and about no other."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr
from checkout import ROOT, SETTINGS, Checkout, merged

from stormcnn.forecast.records import find_records

RADAR = ROOT / "tests" / "data" / "radar"
EVENT = "composite reflectivity above 45 dBZ"
FOREIGN = re.compile("rotation|vorticity", re.IGNORECASE)
TEXTS = {".csv", ".geojson", ".html", ".log", ".svg", ".tsv", ".txt", ".yaml"}
RADAR_SETTINGS = merged(
    SETTINGS,
    {
        "data": {
            "folder": "radar",
            "predictors": ["REFL_COM_curr"],
            "target": "REFL_COM_future",
        },
        "event": {"threshold": 45},
        "split": {"test_start": "2000-07-01"},
        "forecast": {
            "runs": ["radar/MRMS_20000702-0000_radar_model_patches.nc"],
            "model": "dropout",
            "members": 10,
        },
    },
)


@pytest.fixture(scope="module")
def radar(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a clone in which the workflow has run on radar storms, with a forecast."""
    checkout = Checkout.of_code(tmp_path_factory.mktemp("radar") / "checkout", RADAR_SETTINGS)
    shutil.copytree(RADAR, checkout.path / "radar")
    checkout.run()
    checkout.run("forecast")
    return checkout


def texts_of(path: Path) -> Iterator[str]:
    """Yield the texts in a file: all of a text file; names and attributes of other files."""
    if path.suffix in TEXTS:
        yield path.read_text(encoding="utf-8")
    elif path.suffix == ".nc":
        with xr.open_dataset(path, decode_times=False) as data:
            yield json.dumps([data.attrs, {name: data[name].attrs for name in data}], default=str)
    elif path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".json"):
                    yield archive.read(name).decode()


def test_no_file_names_another_event(radar: Checkout) -> None:
    files = [
        path
        for folder in ("forecasts", "results", "resources", "logs", "benchmarks")
        for path in sorted((radar.path / folder).rglob("*"))
        if path.is_file()
    ]
    assert {path.suffix for path in files} == TEXTS | {".nc", ".keras", ".png", ".lock"}
    foreign = {
        (str(path.relative_to(radar.path)), word)
        for path in files
        for text in texts_of(path)
        for word in FOREIGN.findall(text)
    }
    assert foreign == set()


def test_templates_and_settings_name_no_event() -> None:
    files = [path for path in (ROOT / "report").rglob("*") if path.suffix != ".csv"]
    texts = {path.name: path.read_text(encoding="utf-8") for path in files if path.is_file()}
    texts["config.yaml"] = (ROOT / "config" / "config.yaml").read_text(encoding="utf-8")
    texts["config.yaml"] = texts["config.yaml"].replace("RVORT1_MAX_future", "")
    assert [name for name, text in texts.items() if FOREIGN.search(text)] == []


def test_report_and_forecast_name_the_event(radar: Checkout) -> None:
    report = (radar.path / "results/tiny/report.html").read_text(encoding="utf-8")
    assert EVENT in report
    (record,) = find_records(radar.path / "forecasts")
    with xr.open_dataset(record) as forecast:
        assert forecast.attrs["event_title"] == EVENT
        assert forecast.attrs["event_lead"] == "within the next hour"
        assert forecast.attrs["event_units"] == "dBZ"
        assert EVENT in forecast["probability"].attrs["long_name"]


def test_predictions_describe_their_event_and_runs(radar: Checkout) -> None:
    folder = radar.path / "results/tiny/predictions/dropout"
    with xr.open_dataset(folder / "seed-0.nc") as test:
        assert (
            "the largest REFL_COM_future inside masks exceeds 45 dBZ"
            in (test["label"].attrs["long_name"])
        )
        assert test["label"].attrs["threshold_units"] == "dBZ"
        assert test.attrs["title"] == (
            "Storm patches of the forecast runs from 2000-07-01T00:00 to 2000-07-02T00:00"
        )


def test_vanished_storms_are_non_events(radar: Checkout) -> None:
    inventory = pd.read_csv(radar.path / "resources/tiny/inventory.csv")
    counts = inventory[["storms", "rejected", "missing_hours", "missing_storms"]].sum()
    assert counts.tolist() == [120, 0, 0, 0]
    patches = sorted((radar.path / "resources/tiny/patches").glob("*.nc"))
    peaks = [xr.load_dataset(path)["peak"].values for path in patches]
    assert sum((peak == 0).sum() for peak in peaks) >= 2
