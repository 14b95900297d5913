"""The documentation site in Chromium, opened from a folder and without a network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from accessibility import accessibility_faults
from checkout import ROOT
from page_texts import READ_TEXTS
from playwright.sync_api import Browser, Page

PAGES = sorted(path.stem for path in (ROOT / "docs").glob("*.md"))
CONTRAST_AND_LINKS = ("color-contrast", "link-in-text-block", "link-name")
# Links inside sentences, lists and tables that are not underlined.
READ_PLAIN_LINKS = """() =>
  [...document.querySelectorAll("article :is(p, li, td) > a:not(.headerlink)")]
    .filter((link) => link.textContent.trim() && link.checkVisibility())
    .filter((link) => !getComputedStyle(link).textDecorationLine.includes("underline"))
    .map((link) => link.textContent)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(params=["light", "dark"])
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Return a tab in a light or dark color scheme, which may only request local files."""
    requests: list[str] = []
    with chromium.new_context(color_scheme=request.param, reduced_motion="reduce") as context:
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        yield page
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []


def test_texts_have_enough_contrast_and_links_are_underlined(page: Page, site: Path) -> None:
    for name in PAGES:
        page.goto((site / f"{name}.html").as_uri())
        texts = page.evaluate(READ_TEXTS)
        assert len(texts) > 20
        assert [text for text in texts if text["contrast"] < 4.5] == [], name
        assert page.evaluate(READ_PLAIN_LINKS) == [], name
        # Pages share their layout, and axe-core takes a second for each.
        if name in ("index", "science", "files"):
            assert accessibility_faults(page, CONTRAST_AND_LINKS) == [], name


def test_search_finds_a_page(page: Page, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    page.locator(".md-search__input").click()
    page.locator(".md-search__input").press_sequentially("isotonic")
    page.locator(".md-search-result__link", has_text="isotonic").first.wait_for()
