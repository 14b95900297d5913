"""Damaged results: the error names the file, which is made again once it is removed."""

from __future__ import annotations

import pytest
from checkout import RUN_DATES, Checkout, error_line
from result_files import differing_files
from run_files import run_file_name

PREDICTIONS = "results/tiny/predictions/baseline/seed-0.nc"
NETWORK = "results/tiny/models/baseline/seed-0/trained.keras"


def truncate(checkout: Checkout, file: str) -> None:
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
def test_damaged_file_is_named_and_made_again_after_it_is_removed(
    rerun: Checkout, finished: Checkout, damaged: str, target: str
) -> None:
    truncate(rerun, damaged)
    assert error_line(rerun.fail(target), f"{damaged}: ")
    (rerun.path / damaged).unlink()
    # If `target` does not need the damaged file any more, Snakemake does not make it.
    rerun.run(damaged, target)
    assert differing_files(rerun.path, finished.path) == []


def test_damaged_network_is_named_by_a_forecast(rerun: Checkout) -> None:
    network = NETWORK.replace("trained.keras", "network.keras")
    truncate(rerun, network)
    run = f"runs/{run_file_name(RUN_DATES[-1])}"
    rerun.change({"forecast": {"runs": [run], "model": "baseline", "seed": 0, "members": 0}})
    assert error_line(rerun.fail("forecast"), f"{network}: ")
    assert not (rerun.path / "results/tiny/forecast").exists()
