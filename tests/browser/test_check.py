"""The page of `check_data` in Chromium, opened from a file and without a network."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from accessibility import accessibility_faults
from page_texts import READ_TEXTS
from run_files import FIRST_RUN, run_values, write_run_file

from scripts.check_data import check_data
from stormcnn.name_pattern import DEFAULT_PATTERN
from stormcnn.storms.run_files import format_run_list, list_folder

TEMPLATE = Path(__file__).parents[2] / "report" / "check.html.jinja"
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The page of two run files, one of which is damaged."""
    folder = tmp_path_factory.mktemp("check")
    for day in range(3):
        write_run_file(folder / "runs", run_values(20), run_date=FIRST_RUN + timedelta(day))
    max((folder / "runs").iterdir()).write_bytes(b"damaged")
    (folder / "runs.csv").write_text(format_run_list(list_folder(folder / "runs", "day")))
    check_data(
        run_list=str(folder / "runs.csv"),
        folder=str(folder / "runs"),
        name="spring",
        settings={
            "data": {
                "predictors": ["REFL_COM_curr", "U10_curr"],
                "target": "RVORT1_MAX_future",
                "region": "storm",
                "skip_bad_files": False,
                "reject": [],
                "lead_hours": None,
                "file_pattern": DEFAULT_PATTERN,
            },
            "event": {"target": "RVORT1_MAX_future", "region": "storm", "threshold": 0.005},
            "split": {"test_start": "2010-10-25", "batch": "day"},
            "verification": {"block": "day", "confidence": 0.95},
        },
        template=TEMPLATE,
        page=str(folder / "check.html"),
        table=str(folder / "check.csv"),
    )
    return (folder / "check.html").as_uri()


@pytest.fixture
def open_page(chromium, address):
    """Open the page with its folded parts; it must request nothing and log no messages."""
    contexts, requests, messages = [], [], []

    def open_one(**options):
        context = chromium.new_context(reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.goto(address)
        for folded in page.locator("details").all():
            folded.evaluate("details => { details.open = true; }")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert messages == []


def test_warnings_are_on_the_first_screen(open_page):
    page = open_page(viewport={"width": 1280, "height": 900})
    first = page.locator(".claims li").first
    assert first.inner_text().startswith("Stops the workflow.")
    assert first.bounding_box()["y"] < 400
    assert page.get_by_role("region", name="Warnings").locator("li").count() >= 2
    assert page.locator("dl.size").first.bounding_box()["y"] < 900


def test_page_fits_a_phone(open_page):
    page = open_page(viewport=PHONE, is_mobile=True, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert min(text["size"] for text in page.evaluate(READ_TEXTS)) >= 12


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_accessible(open_page, scheme):
    page = open_page(color_scheme=scheme)
    texts = page.evaluate(READ_TEXTS)
    assert len(texts) > 100
    assert [text for text in texts if text["contrast"] < 4.5] == []
    assert accessibility_faults(page) == []


def test_pictures_have_a_text_and_headings_are_in_order(open_page):
    page = open_page()
    images = page.locator("img").evaluate_all("images => images.map((image) => image.alt)")
    assert len(images) == 6
    assert all(images)
    levels = page.locator("h1, h2, h3").evaluate_all("all => all.map((one) => +one.tagName[1])")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
