"""An installed Chromium, which the tests in this folder control."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return the browser."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("Chromium is not installed (on Debian: apt-get install chromium).")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright, which controls the browser, is not installed."
    )
    with playwright.sync_playwright() as steering:
        browser = steering.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield browser
        browser.close()
