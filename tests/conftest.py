"""Options and fixtures of the tests that run the workflow."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import pytest
from checkout import Checkout, write_runs

# Scripts for other processes, which --doctest-modules would execute.
collect_ignore = ["workflow/observer/sitecustomize.py", "cluster/poll_often.py"]

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="report skipped tests as failed")
    parser.addoption("--every-night", action="store_true", help="simulate each of 42 nights")


def _fail_if_skipped(report: Report, config: pytest.Config) -> Report:
    if report.outcome == "skipped" and config.getoption("--no-skips"):
        report.outcome = "failed"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail skipped tests, which would hide that a program is missing."""
    return _fail_if_skipped((yield), item.config)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail skipped modules."""
    return _fail_if_skipped((yield), collector.config)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Return a fresh clone without run files."""
    return Checkout.of_code(tmp_path / "checkout")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a clone in which the whole workflow has run once.

    Tests may read it and copy it, but must not change it.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # shared by the workers: the first runs the workflow, others wait
    path, done = base / "finished", base / "finished.txt"
    with open(base / "finished.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            checkout = Checkout.of_code(path)
            write_runs(path / "runs")
            done.write_text(checkout.run())
    return Checkout(path)


@pytest.fixture
def rerun(finished: Checkout, tmp_path: Path) -> Checkout:
    """Return a copy of the finished workflow, which a test may change."""
    return finished.copy(tmp_path / "rerun")
