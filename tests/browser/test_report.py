"""The report in Chromium, as a reader meets it: opened from a file, without a network."""

from __future__ import annotations

import base64
import gzip
import io
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from report_files import SUMMARY, case_file, sampled, score_rows, write_run, write_storms

from stormcnn.report import page as report_page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
if CHROMIUM is None:
    pytest.skip(
        "Chromium is not installed (on Debian: apt-get install chromium).", allow_module_level=True
    )
playwright = pytest.importorskip(
    "playwright.sync_api", reason="Playwright, which steers the browser, is not installed."
)

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PHONE = {"width": 390, "height": 844}

# Every piece of text that is shown: its size, and the contrast with what lies behind it by the
# formula of WCAG 2.2. Pictures bring their own colours.
READ_TEXTS = """() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [red, green, blue] = parts(colour).slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    for (let here = element; here; here = here.parentElement) {
      const colour = getComputedStyle(here).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    const text = walk.currentNode.textContent.trim();
    if (!text || element.closest("script, style, noscript, svg")) continue;
    if (!element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const [light, dark] = [style.color, behind(element)].map(luminance).sort((a, b) => b - a);
    found.push({
      text,
      size: parseFloat(style.fontSize),
      contrast: (light + 0.05) / (dark + 0.05),
    });
  }
  return found;
}"""


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as steering:
        browser = steering.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The files of a small run that has every part of a report."""
    folder = tmp_path_factory.mktemp("run")
    given = write_run(folder) | write_storms(folder)
    sampled().to_netcdf(folder / "storms.nc")
    case_file().to_netcdf(folder / "cases.nc")
    score_rows("dropout", "mc_mean").to_csv(folder / "uncertainty.csv", index=False)
    # Above the size from which tables are compressed.
    points = pd.DataFrame({"pod": np.random.default_rng(0).random(20_000)})
    points.to_csv(folder / "roc.csv", index=False)
    Image.new("RGB", (900, 500), "white").save(folder / "roc.png")
    return given | {
        "made_up": True,
        "members": [folder / "storms.nc"],
        "cases": [folder / "cases.nc"],
        "uncertainty": {"scores": folder / "uncertainty.csv"},
        "curves": {"roc": folder / "roc.csv"},
        "figures": [folder / "roc.png"],
    }


@pytest.fixture(scope="module")
def address(tmp_path_factory, files):
    path = tmp_path_factory.mktemp("report") / "report.html"
    report_page.write_report(path, **files)
    return path.as_uri()


@pytest.fixture
def open_page(chromium, address):
    """Open the report; what the page asks for and complains about must be nothing."""
    pages, asked, said = [], [], []

    def open_one(url=address, **options):
        context = chromium.new_context(reduced_motion="reduce", **options)
        page = context.new_page()
        pages.append(context)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(url)
        assert page.url == url
        return page

    yield open_one
    for context in pages:
        context.close()
    assert asked
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert sum(url.startswith("file:") for url in asked) == len(pages)
    assert said == []


def picture(page):
    """The explorer's drawing as the browser holds it."""
    return page.locator("#storm-canvas").evaluate("canvas => canvas.toDataURL()")


def title(page):
    return page.inner_text("#storm-title")


def facts(page):
    return page.inner_text("#storm-facts")


def column(page, number):
    """Texts of a column of the table of scores."""
    cells = f"section[aria-labelledby=scores] table >> nth=0 >> tbody tr > :nth-child({number})"
    return page.locator(cells).all_inner_texts()


# The explorer.


def test_storm_is_picked_with_the_mouse(open_page):
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


def test_storm_is_picked_with_the_keyboard(open_page):
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


def test_field_is_picked_with_the_mouse_and_the_keyboard(open_page):
    page = open_page()
    reflectivity = picture(page)
    page.get_by_label("U10_curr").check()
    wind = picture(page)
    assert wind != reflectivity
    assert page.inner_text("#scale-high").endswith("m s-1")
    assert page.get_attribute("#storm-canvas", "aria-label").startswith("U10_curr of storm 1")
    page.keyboard.press("ArrowLeft")
    assert picture(page) == reflectivity
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert not page.get_by_label("Wind arrows").is_checked()
    assert picture(page) != reflectivity


def test_north_is_at_the_top_of_the_drawing(open_page):
    page = open_page()
    # Made-up reflectivity grows to the north, and stronger reflectivity is darker.
    page.get_by_label("Wind arrows").uncheck()
    content = base64.b64decode(picture(page).removeprefix("data:image/png;base64,"))
    drawing = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
    assert drawing[0, 0] < drawing[-1, 0]


def test_distribution_of_the_members_is_told_in_words_and_drawn(open_page):
    drawing = open_page().locator("#storm-distribution svg")
    assert drawing.count() == 1
    assert "50 % quantile" in drawing.get_attribute("aria-label")
    assert drawing.bounding_box()["width"] > 200


def test_page_is_readable_without_javascript(open_page):
    page = open_page(java_script_enabled=False)
    assert page.locator("noscript p").inner_text().startswith("The explorer needs JavaScript")
    assert not page.locator("#explorer-app").is_visible()
    assert column(page, 1) == ["Baseline", "Spatial dropout", "Spatial dropout, Monte Carlo mean"]


# Reading.


def test_click_on_the_name_of_a_column_sorts_the_table(open_page):
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


def test_first_stop_of_the_keyboard_leads_to_the_content(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    skip = page.get_by_text("Skip to the content")
    assert skip.bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_page_on_a_phone_needs_no_sideways_scrolling_and_no_magnifying_glass(open_page):
    page = open_page(viewport=PHONE, is_mobile=True, has_touch=True)
    for folded in page.locator("details").all():
        folded.evaluate("details => { details.open = true; }")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    texts = page.evaluate(READ_TEXTS)
    assert min(text["size"] for text in texts) >= 12
    sentences = [text["size"] for text in texts if text["text"].startswith("The test period")]
    assert sentences == [16]
    assert page.locator("#storm-canvas").bounding_box()["width"] > 250


def test_what_has_to_be_scrolled_can_be_reached_with_the_keyboard_and_nothing_else(open_page):
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
def test_text_stands_out_from_what_is_behind_it(open_page, scheme):
    page = open_page(color_scheme=scheme)
    for folded in page.locator("details").all():
        folded.evaluate("details => { details.open = true; }")
    page.locator(".skip").focus()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 23, 29)"}[scheme]
    texts = page.evaluate(READ_TEXTS)
    assert len(texts) > 100
    assert [text for text in texts if text["contrast"] < 4.5] == []


def test_print_leaves_out_what_only_a_screen_can_do(open_page):
    page = open_page(color_scheme="dark")
    controls = ["nav", "#storm-list", "#storm-next", "#storm-fields", ".hint"]
    assert all(page.locator(control).is_visible() for control in controls)
    page.emulate_media(media="print")
    assert not any(page.locator(control).is_visible() for control in controls)
    assert page.locator("#storm-canvas").is_visible()
    assert page.locator(".notice").is_visible()
    assert [text for text in page.evaluate(READ_TEXTS) if text["contrast"] < 7] == []
    assert page.pdf().startswith(b"%PDF")


# What leaves the page, and what must not come in.


def test_downloads_are_the_tables_byte_for_byte(open_page, files):
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
def test_text_from_files_is_shown_and_never_run(open_page, tmp_path, text):
    given = write_run(tmp_path) | write_storms(tmp_path, run_file=text)
    comparison = pd.read_csv(given["comparison"]).assign(title=[text, "Spatial dropout"])
    comparison.to_csv(given["comparison"], index=False)
    inventory = pd.read_csv(given["inventory"]).assign(reason=text, file=text)
    inventory.to_csv(given["inventory"], index=False)
    scores = pd.concat([pd.read_csv(given["scores"]), score_rows().head(1).assign(score=text)])
    scores.to_csv(given["scores"], index=False)
    given["config"].write_text(text)
    for summary in given["summaries"].values():
        summary.write_text(SUMMARY + text)
    figure = tmp_path / f"{text.replace('/', '')}.png"
    Image.new("RGB", (4, 4)).save(figure)
    report_page.write_report(
        tmp_path / "report.html", **given | {"run": text, "event": text, "figures": [figure]}
    )
    page = open_page((tmp_path / "report.html").as_uri())
    for folded in page.locator("details").all():
        folded.evaluate("details => { details.open = true; }")
    page.click("#storm-next")
    for place in ("h1", "#storm-facts", "figcaption", "section[aria-labelledby=scores] th"):
        page.locator(place).first.hover()
    assert page.title() == f"Strong rotation of storms: run {text}"
    assert text in page.inner_text("h1")
    assert f"{text}, patch" in facts(page)
    assert text in column(page, 1)
    assert page.inner_text("section[aria-labelledby=run] pre") == text
    assert page.evaluate("window.harmed") is None
    assert page.locator("body script").count() == 2
    assert page.locator("[onerror], [onmouseover]").count() == 0
