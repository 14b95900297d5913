"""The page of a forecast in Chromium, opened from a file and without a network."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import numpy as np
import pytest
from accessibility import accessibility_faults
from forecast_contents import contents
from page_texts import READ_TEXTS

from stormcnn.forecast.page import write_page

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}

# Wait until the page is drawn with its map and its list.
FIRST_VIEW = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"

EDGES = """all => all.map((one) => {
  const { left, right, bottom } = one.getBoundingClientRect();
  return [left, right, bottom];
})"""
"""Return the left, right and lower edge of elements."""


@pytest.fixture(scope="module")
def made():
    """A forecast with all optional parts; reflectivity alone explains the most probable storm."""
    made = contents(130)
    made.explanations["attribution"][0, :, :, 1:] = 0
    return made


@pytest.fixture(scope="module")
def address(tmp_path_factory, made):
    path = tmp_path_factory.mktemp("forecast") / "0123456789ab.html"
    write_page(made, path)
    return path.as_uri()


@pytest.fixture
def open_page(chromium, address):
    """Open the page; it must request nothing and log no messages."""
    contexts, requests, messages = [], [], []

    def open_one(url=address, **options):
        options = {"viewport": DESKTOP} | options
        context = chromium.new_context(reduced_motion="reduce", **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.goto(url)
        if options.get("java_script_enabled", True):
            page.evaluate(FIRST_VIEW)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert sum(url.startswith("file:") for url in requests) == len(contexts)
    assert messages == []


def listed(page):
    """Return the numbers of the storms in the list."""
    return [int(text) for text in page.locator("#list tbody th a").all_inner_texts()]


def probabilities(page):
    texts = page.locator("#list tbody td:nth-child(2)").all_inner_texts()
    return [float(text.removesuffix("\u00a0%")) for text in texts]


def numbers(made, chosen):
    return made.forecast["patch"].values[chosen].tolist()


def set_hour(page, hour):
    page.focus("#hour")
    page.keyboard.press("Home")
    for _ in range(hour + 1):
        page.keyboard.press("ArrowRight")


def picture(page):
    """Return a digest of the field of the selected storm, after it is drawn."""
    page.locator("#storm-canvas[aria-label]:not([aria-busy])").wait_for()
    content = page.locator("#storm-canvas").evaluate("canvas => canvas.toDataURL()")
    return hashlib.sha256(content.encode()).hexdigest()


def test_slider_selects_the_storms_of_an_hour(open_page, made):
    page = open_page()
    hours = made.forecast["valid_time"].values.astype("datetime64[h]")
    assert len(listed(page)) == 100
    set_hour(page, 4)
    expected = np.flatnonzero(hours == made.hours[4])
    assert listed(page) == numbers(made, expected)
    assert page.locator("#outlines path").count() == len(expected)
    described = page.get_attribute("#hour", "aria-valuetext")
    assert described == page.inner_text("#hour-text")
    assert f"{len(expected)} storms" in described
    # The most probable storm of the hour is shown, if the selected one has another hour.
    assert page.inner_text("#storm").startswith(f"Storm {numbers(made, expected)[0]},")
    assert page.locator("#previous").is_disabled()
    # A click on a bar selects its hour.
    bars = page.locator("#hour-bars rect")
    assert bars.count() == len(made.hours)
    box = bars.nth(6).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] - 1)
    assert listed(page) == numbers(made, np.flatnonzero(hours == made.hours[6]))
    page.click("#reset")
    assert len(listed(page)) == 100
    page.click("#more")
    assert len(listed(page)) == 130


def test_storms_are_selected_by_mouse_and_keyboard(open_page, made):
    page = open_page()
    order = numbers(made, slice(None))
    assert page.inner_text("#storm").startswith(f"Storm {order[0]},")
    first = picture(page)
    page.click("#list tr:nth-child(3) td >> nth=0")
    assert page.inner_text("#storm").startswith(f"Storm {order[2]},")
    assert page.url.endswith(f"#storm={order[2]}")
    assert picture(page) != first
    page.focus("#list tr:nth-child(3) a")
    page.keyboard.press("ArrowDown")
    assert page.inner_text("#storm").startswith(f"Storm {order[3]},")
    assert page.locator("#list a[aria-current]").all_inner_texts() == [str(order[3])]
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert page.inner_text("#storm").startswith(f"Storm {order[2]},")
    page.click("#previous")
    assert page.inner_text("#storm").startswith(f"Storm {order[1]},")
    page.click("#next")
    assert page.inner_text("#storm").startswith(f"Storm {order[2]},")


def test_storms_are_selected_on_the_map_and_along_their_track(open_page, made):
    page = open_page()
    tracks = made.forecast["track_id"].values
    storm = next(i for i in range(130) if (tracks == tracks[i]).sum() >= 3)
    number = numbers(made, [storm])[0]
    hour = int(np.searchsorted(made.hours, made.forecast["valid_time"].values[storm]))
    set_hour(page, hour)
    box = page.locator(f"#outlines path[data-storm='{storm}']").bounding_box()
    page.locator("#map-frame").scroll_into_view_if_needed()
    box = page.locator(f"#outlines path[data-storm='{storm}']").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert f"Storm {number}:" in page.inner_text("#map-tip")
    page.mouse.down()
    page.mouse.up()
    assert page.inner_text("#storm").startswith(f"Storm {number},")
    points = page.locator("#storm-track circle")
    assert points.count() == (tracks == tracks[storm]).sum()
    while page.locator("#earlier").is_enabled():
        page.click("#earlier")
    steps = [page.inner_text("#storm-facts")]
    while page.locator("#later").is_enabled():
        page.click("#later")
        steps.append(page.inner_text("#storm-facts"))
    assert len(set(steps)) == points.count()


def test_overlapping_storms_are_selected_one_after_the_other(open_page):
    page = open_page()
    # The two storms whose centers are nearest to each other on the map of all hours.
    page.locator("#map-frame").scroll_into_view_if_needed()
    place = page.evaluate(
        """() => {
          const shapes = [...document.querySelectorAll("#outlines path")];
          const boxes = shapes.map((shape) => shape.getBoundingClientRect());
          for (const box of boxes) {
            const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
            const here = document.elementsFromPoint(x, y).filter((one) => one.matches(".storm"));
            if (here.length > 1) return { x, y, storms: here.length };
          }
          return null;
        }"""
    )
    titles = []
    for _ in range(place["storms"] + 1):
        page.mouse.click(place["x"], place["y"])
        titles.append(page.inner_text("#storm"))
    assert len(set(titles)) == place["storms"]
    assert titles[0] == titles[-1]


def test_deep_link_opens_a_storm(open_page, address, made):
    number = numbers(made, [57])[0]
    page = open_page(f"{address}#storm={number}")
    assert page.inner_text("#storm").startswith(f"Storm {number},")
    assert 0 <= page.locator("#storm").bounding_box()["y"] < DESKTOP["height"]
    page.evaluate(f"location.hash = '#storm={numbers(made, [3])[0]}'")
    page.wait_for_function(
        f"document.getElementById('storm').textContent.startsWith('Storm {numbers(made, [3])[0]},')"
    )
    page.evaluate("location.hash = '#storm=99999'")
    page.wait_for_function("document.getElementById('status').textContent.includes('99999')")


def test_filters_by_probability_and_area(open_page, made):
    page = open_page()
    probability = made.forecast["probability"].values
    page.focus("#least")
    page.select_option("#least", "0.15")
    assert listed(page) == numbers(made, probability >= 0.15)
    assert page.locator("#outlines path").count() == (probability >= 0.15).sum()
    page.select_option("#least", "0")
    # The keyboard zooms into the middle of the map, and the list follows.
    page.check("#visible")
    page.focus("#map-frame")
    for key in ("+", "+", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    seen = listed(page)
    assert 0 < len(seen) < 100
    page.keyboard.press("0")
    assert len(listed(page)) == 100
    page.uncheck("#visible")
    # A box is drawn with the mouse.
    page.click("#draw-box")
    assert page.get_attribute("#draw-box", "aria-pressed") == "true"
    page.locator("#map-frame").scroll_into_view_if_needed()
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 30, steps=4)
    page.mouse.up()
    assert page.locator("#box").is_visible()
    inside = listed(page)
    assert 0 < len(inside) < 100
    west = made.forecast["longitude"].values[np.isin(made.forecast["patch"].values, inside)]
    assert west.max() < -98
    page.click("#reset")
    assert len(listed(page)) == 100
    assert not page.locator("#box").is_visible()


def test_map_moves_and_zooms_by_mouse(open_page):
    page = open_page()
    page.locator("#map-frame").scroll_into_view_if_needed()
    view = lambda: [float(n) for n in page.get_attribute("#map", "viewBox").split()]  # noqa: E731
    whole = view()
    page.click("#zoom-in")
    page.click("#zoom-in")
    closer = view()
    assert closer[2] < whole[2] / 2
    box = page.locator("#map").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 80, middle[1] + 40, steps=4)
    page.mouse.up()
    moved = view()
    assert moved[0] < closer[0]
    assert moved[1] < closer[1]
    # The wheel scrolls the page unless the map has the focus.
    page.evaluate("document.activeElement.blur()")
    page.mouse.wheel(0, 10)
    assert view() == moved
    page.focus("#map-frame")
    page.mouse.wheel(0, -100)
    page.wait_for_function(f"document.getElementById('map').viewBox.baseVal.width < {moved[2] - 1}")
    page.click("#zoom-all")
    assert view() == whole


def test_neighborhood_is_shown_for_an_hour(open_page):
    page = open_page()
    assert page.locator("#areas path").count() == 0
    page.check("#areas-shown")
    assert page.locator("#areas path").count() >= 5
    assert page.inner_text("#hour-text").find("all") == -1


def test_selected_storm_has_fields_reasons_and_past_storms(open_page, made):
    page = open_page()
    shown = picture(page)
    wind = page.get_by_label("10 m wind along x")
    wind.check()
    page.locator("#storm-field-note", has_text="largest in Composite reflectivity").wait_for()
    page.get_by_label("Composite reflectivity").check()
    page.get_by_label("Attribution").uncheck()
    without_attribution = picture(page)
    assert without_attribution != shown
    wind.check()
    assert picture(page) != without_attribution
    assert page.inner_text("#scale-high").endswith("m s⁻¹")
    assert page.inner_text("#storm-reason") == made.explanations["reason"].values[0]
    assert page.locator("#storm-flattened dd").count() == 3
    events = int(made.similar["event"].values[0].sum())
    assert page.inner_text("#storm-similar").startswith(f"{events} of the 5 ")
    assert page.locator("#similar-table tbody tr").count() == 5
    assert "90 %" in page.locator("#storm-members svg").get_attribute("aria-label")
    outside = int(np.flatnonzero(made.forecast["outside_training"].values)[0])
    page.evaluate(f"location.hash = '#storm={numbers(made, [outside])[0]}'")
    page.locator("#storm-limits li", has_text="Outside the training range").wait_for()
    # Only the most probable storms are explained.
    page.evaluate(f"location.hash = '#storm={numbers(made, [129])[0]}'")
    page.locator("#storm-reason", has_text="not explained").wait_for()


def test_page_copes_without_optional_parts(open_page, tmp_path):
    made = contents(12, members=0, positions=False, extras=False)
    write_page(made, tmp_path / "page.html")
    page = open_page((tmp_path / "page.html").as_uri())
    assert page.locator("#outlines path.point").count() == 12
    assert len(listed(page)) == 12
    picture(page)
    assert "MC" not in page.inner_text("main")
    page.locator("#list tr:nth-child(2) a").click()
    assert page.locator("#list a[aria-current]").all_inner_texts() == [str(numbers(made, [1])[0])]


def test_empty_forecast_says_so(open_page, tmp_path):
    write_page(contents(0, attributes={"rejected_storms": 3}), tmp_path / "page.html")
    page = open_page((tmp_path / "page.html").as_uri())
    assert page.inner_text(".verdict").startswith("No forecast")
    assert page.locator("#map").count() == 0


def test_first_view_of_many_storms_takes_less_than_a_second(chromium, tmp_path):
    write_page(contents(1472), tmp_path / "page.html")
    with chromium.new_context(viewport=DESKTOP) as context:
        page = context.new_page()
        client = context.new_cdp_session(page)
        # The time of the processor, because other programs run on this computer as well.
        client.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto((tmp_path / "page.html").as_uri())
        page.evaluate(FIRST_VIEW)
        metrics = client.send("Performance.getMetrics")["metrics"]
        assert page.locator("#outlines path").count() == 1472
    spent = {metric["name"]: metric["value"] for metric in metrics}["TaskDuration"]
    assert 0 < spent < 1


def test_very_many_storms_are_usable(open_page, tmp_path):
    write_page(contents(20_000, members=10, side=8, extras=False), tmp_path / "page.html")
    page = open_page((tmp_path / "page.html").as_uri())
    assert "20,000" in page.locator("main .notice").inner_text()
    assert len(listed(page)) == 100
    set_hour(page, 3)
    assert 0 < page.locator("#outlines path").count() < 2000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_accessible(open_page, scheme):
    page = open_page(color_scheme=scheme)
    picture(page)
    assert accessibility_faults(page) == []
    texts = page.evaluate(READ_TEXTS)
    assert len(texts) > 100
    assert [text for text in texts if text["contrast"] < 4.5] == []
    levels = page.locator("h1, h2, h3").evaluate_all("all => all.map((one) => +one.tagName[1])")
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_page_fits_a_phone(open_page):
    page = open_page(viewport=PHONE, is_mobile=True, has_touch=True)
    picture(page)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert min(text["size"] for text in page.evaluate(READ_TEXTS)) >= 12
    assert page.locator("#map").bounding_box()["width"] > 330
    hours = page.locator("#hour-bars text").evaluate_all(EDGES)
    lowest = max(bottom for _, _, bottom in hours)
    labels = sorted(edges for edges in hours if edges[2] == lowest)
    assert all(right < left for (_, right, _), (left, _, _) in pairwise(labels))
    (first, *_), *texts = page.locator("#storm-track svg, #storm-track text").evaluate_all(EDGES)
    assert min(left for left, _, _ in texts) >= first
    page.locator("#list tr:nth-child(2) td").first.tap()
    assert page.locator("#list a[aria-current]").count() == 1


def test_first_screen_has_the_sentence_and_the_hours(open_page):
    page = open_page(viewport={"width": 1280, "height": 1000})
    for part in (".verdict", "#hour", "#list tbody tr >> nth=5"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] < 1000, part


def test_print_has_the_map_in_light_colors_and_no_controls(open_page):
    page = open_page(color_scheme="dark")
    picture(page)
    color = "element => getComputedStyle(element).fill"
    storm = page.locator("#outlines path.p4").first
    assert storm.evaluate(color) != "rgb(204, 76, 2)"
    page.emulate_media(media="print")
    assert storm.evaluate(color) == "rgb(204, 76, 2)"
    controls = (".controls", ".zoom", "#hour", "#next", "#storm-fields")
    assert not any(page.locator(control).is_visible() for control in controls)
    assert page.locator("#list tbody tr:visible").count() == 30
    assert [text for text in page.evaluate(READ_TEXTS) if text["contrast"] < 4.5] == []
    assert page.pdf().startswith(b"%PDF")


def test_page_without_javascript_lists_the_most_probable_storms(open_page, made):
    page = open_page(java_script_enabled=False)
    assert page.locator("noscript tbody th").all_inner_texts() == [
        *map(str, numbers(made, slice(20)))
    ]
    assert not page.locator("#forecast-app").is_visible()


def test_hostile_text_is_shown_and_never_executed(open_page, tmp_path):
    text = "</script><img src=x onerror='window.harmed = 1'>"
    made = contents(8, attributes={"event_title": text, "run_file": text, "warnings": text})
    made.explanations["reason"] = ("explained", np.full(8, text))
    write_page(made, tmp_path / "page.html")
    page = open_page((tmp_path / "page.html").as_uri())
    assert text in page.inner_text(".verdict")
    assert page.inner_text("#storm-reason") == text
    assert page.evaluate("window.harmed") is None
    assert page.locator("main img").count() == 0
