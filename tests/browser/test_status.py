"""The page of the registry in Chromium, opened from a file and without a network."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from accessibility import accessibility_faults
from made_up_registry import write_registry
from page_texts import READ_TEXTS
from report_files import HOSTILE

from stormcnn.operations.status import read_status
from stormcnn.operations.status_page import write_status_page

TEMPLATE = Path(__file__).parents[2] / "report" / "status.html.jinja"
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The page of a registry with texts that look like scripts."""
    folder = tmp_path_factory.mktemp("status") / "registry"
    write_registry(folder, why=HOSTILE)
    write_status_page(read_status(folder), TEMPLATE, folder / "status.html")
    return (folder / "status.html").as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{"width": 1280, "height": 900}, PHONE])
def test_page_is_readable_and_requests_nothing(chromium, address, scheme, size):
    context = chromium.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    requests, messages = [], []
    page = context.new_page()
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(address)
    alarm = page.locator(".claims li").first
    assert alarm.inner_text().startswith("Alarm. Drift: the bias ")
    assert alarm.bounding_box()["y"] < 700
    assert HOSTILE in page.locator("body").inner_text()
    assert page.locator("table tbody tr").count() == 3
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    texts = page.evaluate(READ_TEXTS)
    assert min(text["size"] for text in texts) >= 12
    assert [text for text in texts if text["contrast"] < 4.5] == []
    images = page.locator("img").evaluate_all("all => all.map((one) => [one.alt, one.width])")
    assert len(images) == 2
    assert all(text and width > 250 for text, width in images)
    levels = page.locator("h1, h2, h3").evaluate_all("all => all.map((one) => +one.tagName[1])")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert accessibility_faults(page) == []
    context.close()
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert messages == []
