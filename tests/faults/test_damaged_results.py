"""Results damaged on the disk: a sentence names the file; once removed it is made again."""

from __future__ import annotations

import pytest
from checkout import RUN_DATES, Checkout
from result_files import differing_files
from run_files import run_file_name

PREDICTIONS = "results/tiny/predictions/baseline/seed-0.nc"
NETWORK = "results/tiny/models/baseline/seed-0/network.keras"


def cut(checkout: Checkout, file: str) -> None:
    path = checkout.path / file
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("damaged", "target"),
    [
        ("resources/tiny/patches/2015-04.nc", PREDICTIONS),
        (NETWORK, PREDICTIONS),
        (PREDICTIONS, "results/tiny/verification/scores.csv"),
    ],
)
def test_damaged_file_is_named_and_made_again_once_it_is_removed(
    rerun: Checkout, finished: Checkout, damaged: str, target: str
) -> None:
    cut(rerun, damaged)
    said = rerun.fail(target)
    assert f"{damaged}: " in said
    assert "emove" in said
    (rerun.path / damaged).unlink()
    # Snakemake makes nothing that no file of those asked for needs any more.
    rerun.run(damaged, target)
    assert differing_files(rerun.path, finished.path) == []


def test_damaged_network_is_named_by_a_forecast(rerun: Checkout) -> None:
    cut(rerun, NETWORK)
    run = f"runs/{run_file_name(RUN_DATES[-1])}"
    rerun.change({"forecast": {"runs": [run], "model": "baseline", "seed": 0, "members": 0}})
    said = rerun.fail("forecast")
    assert f"{NETWORK}: " in said
    assert not (rerun.path / "results/tiny/forecast").exists()
