"""What the tests of the workflow share."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import pytest
from checkout import Checkout, write_runs

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="where a test is skipped, fail")


def _or_fail(report: Report, config: pytest.Config) -> Report:
    if report.outcome == "skipped" and config.getoption("--no-skips"):
        report.outcome = "failed"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What is skipped tells nobody that a program is missing."""
    return _or_fail((yield), item.config)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same where a whole module is skipped."""
    return _or_fail((yield), collector.config)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A fresh clone without run files."""
    return Checkout.of_code(tmp_path / "checkout")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A clone in which the whole workflow has run once. Tests only look at it, or copy it."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # which the workers share: one of them makes it, the others wait
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
    """A copy of the finished run, in which a test may change things."""
    return finished.copy(tmp_path / "rerun")
