"""Results for the same config, seeds and thread count are bit-identical."""

from __future__ import annotations

from checkout import Checkout
from result_files import differing_files, read_weights


def test_second_clone_gives_identical_results(checkout: Checkout, finished: Checkout) -> None:
    (checkout.path / "runs").symlink_to(finished.path / "runs")
    network = "results/tiny/models/dropout/seed-0/network.keras"
    checkout.run("results/tiny/uncertainty/scores.csv", network)

    names = {path.name for path in checkout.path.glob("res*/**/*")}
    assert names >= {"network.keras", "seed-0.nc", "storms.nc", "counts.nc", "scores.csv"}
    assert differing_files(finished.path, checkout.path) == []
    weights = read_weights(checkout.path / network)
    assert sum(array.size for array in weights.values()) > 100


def test_members_sampled_by_several_jobs_are_identical(rerun: Checkout) -> None:
    folder = rerun.path / "results/tiny/uncertainty/dropout/seed-0"
    before = {name: (folder / name).read_bytes() for name in ("storms.nc", "counts.nc")}
    rerun.change({"uncertainty": {"jobs": 3}})
    rerun.run("results/tiny/uncertainty/scores.csv")
    parts = {path.parent.name for path in folder.glob("parts/*/storms.nc")}
    assert parts == {"1-of-3", "2-of-3", "3-of-3"}
    assert {"sample_members", "merge_members"} <= rerun.rules_run()
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_repeated_verification_gives_identical_tables(rerun: Checkout) -> None:
    folder = rerun.path / "results/tiny/verification"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {"scores.csv", "differences.csv", "roc.csv"} < before.keys()
    rerun.run("results/tiny/verification/scores.csv", "--forcerun", "score_networks")
    assert "score_networks" in rerun.rules_run()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
