"""Storms from each source: made up, out of the archives, and the user's own run files."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from archive_server import ArchiveServer, make_archive
from checkout import ROOT, SETTINGS, Checkout, merged

# Two run files that the lesson's own tools wrote, and what the same tools say of them in CSV.
SAMPLES = ROOT / "tests" / "data"
RUN_FILES = sorted(path.name for path in SAMPLES.glob("*_model_patches.nc"))
INVENTORY = "resources/tiny/inventory.csv"

# Made up


DEMO = merged(
    SETTINGS,
    {
        "experiment": {"name": "small"},
        "data": {"name": "demo", "source": "demo", "folder": None, "batch": "year"}
        | {"demo": {"runs": 13, "storms_per_run": 60, "seed": 3}},
        "models": {"baseline": None},
        "comparison": {"reference": "dropout"},
    },
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = Checkout.of_code(tmp_path_factory.mktemp("demo"), DEMO)
    checkout.run("resources/demo/inventory.csv", "results/small/uncertainty/scores.csv")
    return checkout


def test_made_up_run_files_hold_all_variables_and_say_so(demo: Checkout) -> None:
    real = xr.open_dataset(SAMPLES / RUN_FILES[0])
    runs = pd.read_csv(demo.path / "resources/demo/runs.csv")
    assert len(runs) == 13
    for file in runs["file"]:
        with real, xr.open_dataset(demo.path / file) as made:
            assert made.variables.keys() == real.variables.keys()
            assert made.attrs["title"].startswith("Made-up")


def test_what_comes_of_made_up_storms_says_so(demo: Checkout) -> None:
    datasets = [
        *demo.path.glob("resources/demo/patches/*.nc"),
        *demo.path.glob("results/small/**/*.nc"),
    ]
    assert len(datasets) > 4
    for path in datasets:
        with xr.open_dataset(path) as dataset:
            assert dataset.attrs["title"].startswith("Made-up"), path
    inventory = pd.read_csv(demo.path / "resources/demo/inventory.csv")
    assert inventory["title"].str.startswith("Made-up").all()
    assert (inventory["storms"] > 0).all()
    assert (inventory["rejected"] == 0).all()


def test_tensorflow_is_imported_by_no_job_that_prepares_or_scores(demo: Checkout) -> None:
    importing = {rule for rule in demo.rules_run() if "tensorflow" in demo.imports(rule)}
    assert importing == {"train_network", "predict_storms", "sample_members"}
    assert {"generate_runs", "prepare_patches", "score_uncertainty"} < demo.rules_run()


def test_true_probability_of_every_made_up_storm_is_known(demo: Checkout) -> None:
    truth = pd.read_csv(demo.path / "resources/demo/truth.csv")
    assert list(truth) == ["run_date", "file", "patch", "probability"]
    assert truth["probability"].between(0, 1).all()
    inventory = pd.read_csv(demo.path / "resources/demo/inventory.csv")
    storms = {Path(file).name: count for file, count in inventory[["file", "storms"]].values}
    assert truth.groupby("file").size().to_dict() == storms
    counts = pd.read_csv(demo.path / "results/small/uncertainty/counts.csv")
    assert counts["truth"].notna().all()


def test_true_probabilities_are_of_the_usual_event_alone(demo: Checkout, tmp_path: Path) -> None:
    other = demo.copy(tmp_path / "other")
    scores = "results/small/uncertainty/scores.csv"
    truth = "resources/demo/truth.csv"
    assert (
        truth in other.plan(scores, "--forcerun", "score_uncertainty")["score_uncertainty"].inputs
    )
    other.change({"event": {"threshold": 0.004}})
    assert truth not in other.plan(scores)["score_uncertainty"].inputs


# Own run files


def use_samples(checkout: Checkout) -> None:
    (checkout.path / "runs").mkdir()
    for name in RUN_FILES:
        shutil.copy(SAMPLES / name, checkout.path / "runs")


def test_files_of_the_real_layout_go_up_to_the_inventory_but_are_too_few_to_train_on(
    checkout: Checkout,
) -> None:
    use_samples(checkout)
    before = contents(checkout.path / "runs")
    checkout.run(INVENTORY)
    inventory = pd.read_csv(checkout.path / INVENTORY)
    for row in inventory.itertuples():
        with xr.open_dataset(checkout.path / f"resources/tiny/patches/{row.batch}.nc") as patches:
            assert patches.sizes["storm"] == row.storms > 0
            assert (patches.sizes["y"], patches.sizes["x"]) == (32, 32)

    said = checkout.fail("results/tiny/models/baseline/seed-0/network.keras")
    assert "event.threshold: training needs at least 10 events and 10 non-events" in said
    assert not list(checkout.path.glob("results/tiny/models/*/*/*"))
    assert "tensorflow" not in checkout.imports("train_network")
    assert contents(checkout.path / "runs") == before


def contents(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


# Archives


def track_file(run_file: str) -> str:
    _, date, member, *_ = run_file.split("_")
    return f"track_step_NCARSTORM_{member}_{date}.csv"


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    runs = {f"patches/{name}": (SAMPLES / name).read_bytes() for name in RUN_FILES}
    tracks = {f"tracks/{track_file(name)}": read_tracks(name) for name in RUN_FILES}
    # One storm of the first run is stronger in the CSV.
    table = pd.read_csv(SAMPLES / track_file(RUN_FILES[0]))
    table.loc[0, "RVORT1_MAX-future_max"] = 0.1
    tracks[f"tracks/{track_file(RUN_FILES[0])}"] = table.to_csv(index=False).encode()
    files = {"/patches.tar.gz": make_archive(runs), "/tracks.tar.gz": make_archive(tracks)}
    with ArchiveServer(files) as server:
        yield server


def read_tracks(run_file: str) -> bytes:
    return (SAMPLES / track_file(run_file)).read_bytes()


def use_archives(checkout: Checkout, server: ArchiveServer, **patches: Any) -> None:
    rows = [f"{date[:4]}-{date[4:6]}-{date[6:8]}T00:00,{name}" for name, date in dates().items()]
    (checkout.path / "runs.csv").write_text("\n".join(["run_date,file", *rows, ""]))
    archives: Mapping[str, Any] = {
        "patches": {"url": f"{server.url}/patches.tar.gz"} | patches,
        "tracks": {"url": f"{server.url}/tracks.tar.gz"},
    }
    checkout.change(
        {
            "data": {"source": "ncar", "folder": None, "batch": "year"}
            | {"ncar": {"runs": "runs.csv", **archives}}
        }
    )


def dates() -> dict[str, str]:
    return {name: name.split("_")[1] for name in RUN_FILES}


def test_archives_are_fetched_unpacked_and_compared_with_their_tracks(
    checkout: Checkout, server: ArchiveServer
) -> None:
    server.break_after = [1000]
    use_archives(checkout, server)
    checkout.run(INVENTORY)

    fetched = [path for path, _ in server.requests]
    assert sorted(set(fetched)) == ["/patches.tar.gz", "/tracks.tar.gz"]
    assert len(fetched) == 3, "the transfer that broke off was not taken up again"
    for name in RUN_FILES:
        unpacked = checkout.path / "resources/tiny/runs" / name
        assert unpacked.read_bytes() == (SAMPLES / name).read_bytes()
    inventory = pd.read_csv(checkout.path / INVENTORY)
    disagreements = inventory[[column for column in inventory if column.startswith("tracks_")]]
    np.testing.assert_array_equal(disagreements["tracks_rows"], [0, 0])
    np.testing.assert_array_equal(disagreements["tracks_tracks"], [0, 0])
    np.testing.assert_array_equal(disagreements["tracks_peaks"], [1, 0])
    np.testing.assert_array_equal(disagreements["tracks_events"], [1, 0])

    server.requests.clear()
    assert "Nothing to be done" in checkout.run(INVENTORY)
    assert server.requests == []


def test_archive_that_is_not_there_ends_with_its_address(
    checkout: Checkout, server: ArchiveServer
) -> None:
    use_archives(checkout, server, url=f"{server.url}/moved.tar.gz")
    said = checkout.fail(INVENTORY)
    assert f"{server.url}/moved.tar.gz" in said
    assert "404" in said
    assert not (checkout.path / "resources/tiny/archives/patches.tar.gz").exists()


def test_archive_with_another_digest_is_refused(checkout: Checkout, server: ArchiveServer) -> None:
    use_archives(checkout, server, sha256="0" * 64)
    said = checkout.fail(INVENTORY)
    assert "SHA-256" in said
    assert not (checkout.path / "resources/tiny/runs").exists()


def test_config_of_the_archive_has_addresses_of_both() -> None:
    settings = yaml.safe_load((ROOT / "config" / "ncar.yaml").read_text())
    for kind in ("patches", "tracks"):
        assert settings["data"]["ncar"][kind]["url"].startswith("https://")
