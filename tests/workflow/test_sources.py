"""Storms from each source: made-up data, the user's run files, and the NCAR archives."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import xarray as xr
from archive_server import ArchiveServer, make_archive
from checkout import ROOT, SETTINGS, Checkout, error_line, merged

# Two run files in the layout of hagelslag, and its CSV files with the tracks of their storms.
SAMPLES = ROOT / "tests" / "data"
RUN_FILES = sorted(path.name for path in SAMPLES.glob("*_model_patches.nc"))
INVENTORY = "resources/tiny/inventory.csv"

# Made-up data


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


def test_made_up_run_files_have_all_variables_and_are_marked(demo: Checkout) -> None:
    with xr.open_dataset(SAMPLES / RUN_FILES[0]) as sample:
        variables = set(sample.variables)
    runs = pd.read_csv(demo.path / "resources/demo/runs.csv")
    assert len(runs) == 13
    for file in runs["file"]:
        with xr.open_dataset(demo.path / file) as run:
            assert set(run.variables) == variables
            assert run.attrs["title"].startswith("Made-up")


def test_results_from_made_up_storms_are_marked(demo: Checkout) -> None:
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


def test_preparing_and_scoring_do_not_import_tensorflow(demo: Checkout) -> None:
    importing = {rule for rule in demo.rules_run() if "tensorflow" in demo.imports(rule)}
    assert importing == {"train_network", "sample_seeds"}
    assert {"generate_runs", "prepare_patches", "score_uncertainty"} < demo.rules_run()


def test_true_probabilities_cover_every_made_up_storm(demo: Checkout) -> None:
    truth = pd.read_csv(demo.path / "resources/demo/truth.csv")
    assert list(truth)[:4] == ["run_date", "file", "patch", "probability"]
    assert truth["probability"].between(0, 1).all()
    inventory = pd.read_csv(demo.path / "resources/demo/inventory.csv")
    storms = {Path(file).name: count for file, count in inventory[["file", "storms"]].values}
    assert truth.groupby("file").size().to_dict() == storms
    counts = pd.read_csv(demo.path / "results/small/uncertainty/counts.csv")
    assert counts["truth"].notna().all()


def test_true_probabilities_are_used_only_for_the_default_event(
    demo: Checkout, tmp_path: Path
) -> None:
    other = demo.copy(tmp_path / "other")
    scores = "results/small/uncertainty/scores.csv"
    truth = "resources/demo/truth.csv"
    assert (
        truth in other.plan(scores, "--forcerun", "score_uncertainty")["score_uncertainty"].inputs
    )
    other.change({"event": {"threshold": 0.004}})
    assert truth not in other.plan(scores)["score_uncertainty"].inputs


# The user's run files


def use_samples(checkout: Checkout) -> None:
    (checkout.path / "runs").mkdir()
    for name in RUN_FILES:
        shutil.copy(SAMPLES / name, checkout.path / "runs")


def test_sample_run_files_are_prepared_but_have_too_few_events_to_train(checkout: Checkout) -> None:
    use_samples(checkout)
    before = digests(checkout.path / "runs")
    checkout.run(INVENTORY)
    inventory = pd.read_csv(checkout.path / INVENTORY)
    for row in inventory.itertuples():
        with xr.open_dataset(checkout.path / f"resources/tiny/patches/{row.batch}.nc") as patches:
            assert patches.sizes["storm"] == row.storms > 0
            assert (patches.sizes["y"], patches.sizes["x"]) == (32, 32)

    output = checkout.fail("results/tiny/models/baseline/seed-0/network.keras")
    assert "10 events" in error_line(output, "event.threshold: ")
    assert not list(checkout.path.glob("results/tiny/models/*/*/*"))
    assert "tensorflow" not in checkout.imports("train_network")
    assert digests(checkout.path / "runs") == before


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


# Archives


def track_file(run_file: str) -> str:
    _, run_date, ensemble_member, *_ = run_file.split("_")
    return f"track_step_NCARSTORM_{ensemble_member}_{run_date}.csv"


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    runs = {f"patches/{name}": (SAMPLES / name).read_bytes() for name in RUN_FILES}
    tracks = {f"tracks/{track_file(name)}": read_tracks(name) for name in RUN_FILES}
    # The first storm of the first run gets a larger peak in its CSV file.
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


def test_archives_are_downloaded_unpacked_and_compared_with_the_tracks(
    checkout: Checkout, server: ArchiveServer
) -> None:
    server.break_after = [1000]
    use_archives(checkout, server)
    checkout.run(INVENTORY)

    paths = [path for path, _ in server.requests]
    assert sorted(set(paths)) == ["/patches.tar.gz", "/tracks.tar.gz"]
    assert len(paths) == 3, "the interrupted download was not resumed"
    for name in RUN_FILES:
        unpacked = checkout.path / "resources/tiny/runs" / name
        assert unpacked.read_bytes() == (SAMPLES / name).read_bytes()
    inventory = pd.read_csv(checkout.path / INVENTORY)
    assert inventory["tracks_rows"].tolist() == [0, 0]
    assert inventory["tracks_tracks"].tolist() == [0, 0]
    assert inventory["tracks_peaks"].tolist() == [1, 0]
    assert inventory["tracks_events"].tolist() == [1, 0]

    server.requests.clear()
    assert checkout.plan(INVENTORY) == {}
    assert server.requests == []


def test_url_of_a_missing_archive_is_named(checkout: Checkout, server: ArchiveServer) -> None:
    url = f"{server.url}/moved.tar.gz"
    use_archives(checkout, server, url=url)
    assert "404" in error_line(checkout.fail(INVENTORY), f"{url}: ")
    assert not (checkout.path / "resources/tiny/archives/patches.tar.gz").exists()


def test_archive_with_another_checksum_is_named(checkout: Checkout, server: ArchiveServer) -> None:
    use_archives(checkout, server, sha256="0" * 64)
    message = error_line(checkout.fail(INVENTORY), f"{server.url}/patches.tar.gz: ")
    assert "0" * 64 in message
    assert not (checkout.path / "resources/tiny/runs").exists()
