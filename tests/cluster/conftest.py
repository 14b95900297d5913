"""One SLURM for all tests of a session, and clones that run their jobs on it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import SCORES, SETTINGS, Checkout, merged, write_runs
from slurm import Slurm, why_not

# Two batches, one before the split and one after it.
YEARS = merged(SETTINGS, {"data": {"batch": "year"}})


class ClusterCheckout(Checkout):
    """A clone that runs its jobs on SLURM, and asks often how they are."""

    snakemake = (
        str(Path(__file__).with_name("poll_often.py")),
        "--workflow-profile",
        "slurm",
        "--slurm-init-seconds-before-status-checks",
        "1",
    )


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """The running cluster."""
    if reason := why_not():
        pytest.skip(reason)
    # What is started from here can be interrupted, also where the tests run in the background of a
    # shell, which lets them ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with Slurm(tmp_path_factory.mktemp("slurm")) as slurm:
        yield slurm
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A fresh clone with run files, that runs its jobs without SLURM."""
    checkout = Checkout.of_code(tmp_path / "checkout", YEARS)
    write_runs(checkout.path / "runs")
    return checkout


@pytest.fixture
def cluster(slurm: Slurm, tmp_path: Path) -> ClusterCheckout:
    """A fresh clone with run files, that runs its jobs on SLURM."""
    checkout = ClusterCheckout.of_code(tmp_path / "cluster", YEARS)
    write_runs(checkout.path / "runs")
    return checkout


@pytest.fixture(scope="session")
def local(slurm: Slurm, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A clone in which the same has run without SLURM."""
    checkout = Checkout.of_code(tmp_path_factory.mktemp("local") / "checkout", YEARS)
    write_runs(checkout.path / "runs")
    checkout.run(*SCORES)
    return checkout
