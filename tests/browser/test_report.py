"""The report in Chromium, opened from a file and without a network."""

from __future__ import annotations

import base64
import gzip
import io

import numpy as np
import pandas as pd
import pytest
from accessibility import accessibility_faults
from page_texts import READ_TEXTS
from PIL import Image
from report_files import (
    SUMMARY,
    case_file,
    sampled,
    uncertainty_rows,
    write_experiment,
    write_explanations,
    write_storms,
)

from stormcnn.report.page import ReportInputs, write_report

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The inputs of a report that has every section."""
    folder = tmp_path_factory.mktemp("run")
    inputs = write_experiment(folder) | write_storms(folder) | write_explanations(folder)
    sampled().to_netcdf(folder / "storms.nc")
    case_file().to_netcdf(folder / "cases.nc")
    uncertainty_rows().to_csv(folder / "uncertainty.csv", index=False)
    # This table is large enough to be compressed.
    points = pd.DataFrame({"pod": np.random.default_rng(0).random(20_000)})
    points.to_csv(folder / "roc.csv", index=False)
    figures = [folder / f"{name}.png" for name in ("differences", "roc", "regularization")]
    for figure in figures:
        Image.new("RGB", (900, 500), "white").save(figure)
    return inputs | {
        "made_up": True,
        "members": [folder / "storms.nc"],
        "cases": [folder / "cases.nc"],
        "uncertainty": {"scores": folder / "uncertainty.csv"},
        "curves": {"roc": folder / "roc.csv"},
        "figures": figures,
    }


@pytest.fixture(scope="module")
def address(tmp_path_factory, files):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, ReportInputs(**files))
    return path.as_uri()


@pytest.fixture
def open_page(chromium, address):
    """Open the report; it must request nothing and log no messages."""
    pages, requests, messages = [], [], []

    def open_one(url=address, **options):
        context = chromium.new_context(reduced_motion="reduce", **options)
        page = context.new_page()
        pages.append(context)
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.goto(url)
        assert page.url == url
        return page

    yield open_one
    for context in pages:
        context.close()
    assert requests
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert sum(url.startswith("file:") for url in requests) == len(pages)
    assert messages == []


def picture(page):
    """Return the field that the explorer shows as a data URI."""
    return page.locator("#storm-canvas").evaluate("canvas => canvas.toDataURL()")


def title(page):
    return page.inner_text("#storm-title")


def facts(page):
    return page.inner_text("#storm-facts")


def column(page, number):
    """Return the texts of a column of the table of main scores."""
    cells = f"section[aria-labelledby=scores] table >> nth=0 >> tbody tr > :nth-child({number})"
    return page.locator(cells).all_inner_texts()


# The explorer.


def test_mouse_selects_a_storm(open_page):
    page = open_page()
    before = title(page), facts(page), picture(page)
    page.click("#storm-next")
    after = title(page), facts(page), picture(page)
    assert before[0].startswith("Storm 1 of 12: ")
    assert after[0].startswith("Storm 2 of 12: ")
    assert all(one != other for one, other in zip(before, after, strict=True))
    page.click("#storm-previous")
    assert (title(page), facts(page), picture(page)) == before
    page.select_option("#storm-list", index=11)
    assert title(page).startswith("Storm 12 of 12: ")


def test_keyboard_selects_a_storm(open_page):
    page = open_page()
    page.focus("#storm-list")
    before = picture(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert title(page).startswith("Storm 3 of 12: ")
    assert picture(page) != before
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert title(page).startswith("Storm 2 of 12: ")


def test_mouse_and_keyboard_select_a_field(open_page):
    page = open_page()
    reflectivity = picture(page)
    page.get_by_label("10 m wind along x").check()
    wind = picture(page)
    assert wind != reflectivity
    assert page.inner_text("#scale-high").endswith("m s⁻¹")
    assert page.get_attribute("#storm-canvas", "aria-label").startswith(
        "10 m wind along x of storm 1"
    )
    page.keyboard.press("ArrowLeft")
    assert picture(page) == reflectivity
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert not page.get_by_role("checkbox", name="Wind arrows").is_checked()
    assert picture(page) != reflectivity


def test_attribution_is_toggled_by_mouse_and_key(open_page):
    page = open_page()
    note = "#storm-attribution"
    shown, text = picture(page), page.inner_text(note)
    assert "0.5" in text
    assert page.get_attribute("#storm-canvas", "aria-label").find("attribution") > 0
    box = page.get_by_role("checkbox", name="Attribution")
    box.uncheck()
    assert picture(page) != shown
    assert page.inner_text(note) != text
    page.focus("#storm-list")
    page.keyboard.press("a")
    assert box.is_checked()
    assert picture(page) == shown
    page.keyboard.press("Control+a")  # is left to the browser
    assert box.is_checked()


def test_attribution_that_failed_its_test_says_so_and_others_have_none(open_page):
    page = open_page()
    page.select_option("#storm-list", index=1)
    assert "FAILED" in page.inner_text("#storm-attribution")
    assert "FAILED" in facts(page)
    page.select_option("#storm-list", index=2)
    assert "FAILED" not in facts(page) + page.inner_text("#storm-attribution")
    page.select_option("#storm-list", index=5)
    assert "no attribution" in page.inner_text("#storm-attribution")
    assert "flat" not in facts(page)


def test_outline_encloses_the_grid_points_of_the_storm(open_page):
    page = open_page()
    page.get_by_role("checkbox", name="Wind arrows").uncheck()
    page.get_by_role("checkbox", name="Attribution").uncheck()
    content = base64.b64decode(picture(page).removeprefix("data:image/png;base64,"))
    red, green, blue = np.moveaxis(np.asarray(Image.open(io.BytesIO(content)).convert("RGB")), 2, 0)
    rows, columns = np.nonzero((red == 0xD4) & (green == 0) & (blue == 0x6A))
    # The masks are circles with a radius of less than 3 grid points around grid point 4 of 8.
    assert (columns.min() // 64, -(-columns.max() // 64)) == (1, 7)
    assert (rows.min() // 64, -(-rows.max() // 64)) == (0, 6)


def test_north_is_at_the_top(open_page):
    page = open_page()
    # Reflectivity increases northward in these files, and higher values are darker.
    page.get_by_role("checkbox", name="Wind arrows").uncheck()
    page.get_by_role("checkbox", name="Outline of the storm").uncheck()
    page.get_by_role("checkbox", name="Attribution").uncheck()
    content = base64.b64decode(picture(page).removeprefix("data:image/png;base64,"))
    drawing = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
    assert drawing[0, 0] < drawing[-1, 0]


def test_distribution_of_mc_members_is_drawn_and_described(open_page):
    drawing = open_page().locator("#storm-distribution svg")
    assert drawing.count() == 1
    assert "50 % quantile" in drawing.get_attribute("aria-label")
    assert drawing.bounding_box()["width"] > 200


def test_page_is_readable_without_javascript(open_page):
    page = open_page(java_script_enabled=False)
    assert "JavaScript" in page.locator("noscript p").inner_text()
    assert not page.locator("#explorer-app").is_visible()
    assert column(page, 1) == ["Baseline", "Spatial dropout", "Spatial dropout, Monte Carlo mean"]


# Reading.


def test_click_on_a_column_header_sorts_the_table(open_page):
    page = open_page()
    table = page.locator("section[aria-labelledby=data] table")
    page.get_by_text("Run files", exact=True).click()
    files = table.locator("tbody th + td")
    head = table.get_by_role("button", name="Storms")
    head.click()
    assert files.all_inner_texts() == ["second.nc", "first.nc"]
    assert head.locator("..").get_attribute("aria-sort") == "ascending"
    head.press("Enter")
    assert files.all_inner_texts() == ["first.nc", "second.nc"]
    assert head.locator("..").get_attribute("aria-sort") == "descending"
    table.get_by_role("button", name="File").click()
    assert files.all_inner_texts() == ["first.nc", "second.nc"]
    assert head.locator("..").get_attribute("aria-sort") is None


def test_first_screen_has_the_verdict_and_three_facts(open_page):
    page = open_page(viewport={"width": 1280, "height": 1000})
    for part in (".verdict", "dl.size", ".advice dt >> nth=2", ".overview img"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] < 1000, part


def test_charts_are_dark_on_a_dark_page_and_light_on_paper(open_page):
    page = open_page(color_scheme="dark")
    filters = "image => getComputedStyle(image).filter"
    chart = page.locator(".narrow img").first
    assert chart.evaluate(filters) != "none"
    page.emulate_media(media="print")
    assert chart.evaluate(filters) == "none"


def test_first_tab_stop_skips_to_the_content(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    skip = page.get_by_text("Skip to the content")
    assert skip.bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_page_fits_a_phone_and_has_readable_text(open_page):
    page = open_page(viewport=PHONE, is_mobile=True, has_touch=True)
    for folded in page.locator("details").all():
        folded.evaluate("details => { details.open = true; }")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    texts = page.evaluate(READ_TEXTS)
    assert min(text["size"] for text in texts) >= 12
    sentences = [text["size"] for text in texts if text["text"].startswith("Which model best")]
    assert sentences == [16]
    # Figures that fit are shown at the width of the screen, others scroll by themselves.
    widths = page.locator(".picture img").evaluate_all(
        "images => images.filter((image) => image.checkVisibility())"
        ".map((image) => [image.closest('.wide') !== null, image.clientWidth])"
    )
    assert {wide for wide, _ in widths} == {True, False}
    assert all((width > PHONE["width"]) == wide for wide, width in widths)
    assert page.locator(".sideways").first.is_visible()
    assert page.locator("#storm-canvas").bounding_box()["width"] > 250


def test_only_scrollable_parts_are_tab_stops(open_page):
    found = []
    for width in (1800, PHONE["width"]):
        page = open_page(viewport={"width": width, "height": 900})
        # Sizes are observed between two frames.
        page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        found += page.locator(".scroll, .picture").evaluate_all(
            "parts => parts.filter((part) => part.checkVisibility())"
            ".map((part) => [part.scrollWidth > part.clientWidth, part.tabIndex === 0])"
        )
    assert {overflows for overflows, _ in found} == {True, False}
    assert all(overflows == focusable for overflows, focusable in found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(open_page, scheme):
    page = open_page(color_scheme=scheme)
    for folded in page.locator("details").all():
        folded.evaluate("details => { details.open = true; }")
    page.locator(".skip").focus()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 23, 29)"}[scheme]
    texts = page.evaluate(READ_TEXTS)
    assert len(texts) > 100
    assert [text for text in texts if text["contrast"] < 4.5] == []


def test_print_omits_controls(open_page):
    page = open_page(color_scheme="dark")
    controls = ["nav", "#storm-list", "#storm-next", "#storm-fields", ".hint"]
    assert all(page.locator(control).is_visible() for control in controls)
    page.emulate_media(media="print")
    assert not any(page.locator(control).is_visible() for control in controls)
    assert page.locator("#storm-canvas").is_visible()
    assert page.locator(".notice").is_visible()
    assert [text for text in page.evaluate(READ_TEXTS) if text["contrast"] < 7] == []
    assert page.pdf().startswith(b"%PDF")


# Downloads, and hostile text in the inputs.


def test_downloads_are_the_unchanged_tables(open_page, files):
    page = open_page()
    tables = {
        "scores.csv": files["scores"],
        "comparison.csv": files["comparison"],
        "differences.csv": files["differences"],
        "inventory.csv": files["inventory"],
        "uncertainty-scores.csv": files["uncertainty"]["scores"],
        "roc.csv.gz": files["curves"]["roc"],
        "history-baseline-seed-0.csv": files["histories"]["baseline", 0],
        "history-dropout-seed-0.csv": files["histories"]["dropout", 0],
        **{f"explanations-{name}.csv": file for name, file in files["explanations"].items()},
    }
    links = page.locator(".downloads a")
    assert set(links.all_inner_texts()) == set(tables)
    for link in links.all():
        with page.expect_download() as download:
            link.click()
        name = download.value.suggested_filename
        content = download.value.path().read_bytes()
        stored = tables[name].read_bytes()
        assert (gzip.decompress(content) if name.endswith(".gz") else content) == stored


HOSTILE = [
    "<script>window.harmed = 1</script>",
    "</script><script>window.harmed = 1</script>",
    "<!--<script>",
    '"><img src=x onerror="window.harmed = 1">',
    "' onmouseover='window.harmed = 1' x='",
    "{{ 7 * 7 }}${7 * 7}",
    "javascript:window.harmed=1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_files_is_shown_and_never_executed(open_page, tmp_path, text):
    inputs = write_experiment(tmp_path) | write_storms(tmp_path, run_file=text)
    comparison = pd.read_csv(inputs["comparison"]).assign(title=[text, "Spatial dropout"])
    comparison.to_csv(inputs["comparison"], index=False)
    inventory = pd.read_csv(inputs["inventory"]).assign(reason=text, file=text)
    inventory.to_csv(inputs["inventory"], index=False)
    inputs["config"].write_text(text)
    for summary in inputs["summaries"].values():
        summary.write_text(SUMMARY + text)
    figure = tmp_path / "roc.png"
    Image.new("RGB", (4, 4)).save(figure)
    event = inputs["event"]._replace(title=text, condition=text)
    inputs |= {"experiment": text, "event": event, "figures": [figure]}
    write_report(tmp_path / "report.html", ReportInputs(**inputs))
    page = open_page((tmp_path / "report.html").as_uri())
    for folded in page.locator("details").all():
        folded.evaluate("details => { details.open = true; }")
    page.click("#storm-next")
    for place in ("h1", "#storm-facts", "figcaption", "section[aria-labelledby=scores] th"):
        page.locator(place).first.hover()
    assert text in page.title()
    assert text in page.inner_text("h1")
    assert f"{text}, patch" in facts(page)
    assert text in column(page, 1)
    assert page.inner_text("section[aria-labelledby=config] pre") == text
    assert page.evaluate("window.harmed") is None
    assert page.locator("body script").count() == 2
    assert page.locator("[onerror], [onmouseover]").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_report_is_accessible(open_page, scheme):
    assert accessibility_faults(open_page(color_scheme=scheme)) == []
