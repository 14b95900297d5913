"""A SLURM cluster for all tests of a session, and clones that run their jobs on it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import SCORES, SETTINGS, Checkout, merged, write_runs
from slurm import Slurm, why_unavailable

# One batch for training and one for the test period.
YEARS = merged(SETTINGS, {"data": {"batch": "year"}})


class ClusterCheckout(Checkout):
    """A clone that runs its jobs on SLURM and queries their status often."""

    snakemake = (
        str(Path(__file__).with_name("poll_often.py")),
        "--workflow-profile",
        "slurm",
        "--slurm-init-seconds-before-status-checks",
        "1",
    )


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """Return the running cluster."""
    if reason := why_unavailable():
        pytest.skip(reason)
    # A shell lets background processes ignore SIGINT, and Snakemake would inherit that from pytest.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    with Slurm(tmp_path_factory.mktemp("slurm")) as slurm:
        yield slurm
    signal.signal(signal.SIGINT, handler)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Return a fresh clone with run files, which runs its jobs without SLURM."""
    checkout = Checkout.of_code(tmp_path / "checkout", YEARS)
    write_runs(checkout.path / "runs")
    return checkout


@pytest.fixture
def cluster(slurm: Slurm, tmp_path: Path) -> ClusterCheckout:
    """Return a fresh clone with run files, which runs its jobs on SLURM."""
    checkout = ClusterCheckout.of_code(tmp_path / "Zoë's cluster", YEARS)
    write_runs(checkout.path / "runs")
    return checkout


@pytest.fixture(scope="session")
def local(slurm: Slurm, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a clone whose scores were computed without SLURM."""
    checkout = Checkout.of_code(tmp_path_factory.mktemp("local") / "checkout", YEARS)
    write_runs(checkout.path / "runs")
    checkout.run(*SCORES)
    return checkout
