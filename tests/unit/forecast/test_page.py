"""The page of a forecast as a file: size, content without a script, and unusual runs."""

import re

import numpy as np
import pytest
from checkout import ROOT
from forecast_contents import contents

from stormcnn.forecast.page import write_page
from stormcnn.forecast.probability_steps import COLORS

MEGABYTE = 1_000_000


@pytest.fixture
def page_of(tmp_path):
    """Return a function that writes a page and returns its text."""

    def write(made):
        write_page(made, tmp_path / "page.html")
        return (tmp_path / "page.html").read_text(encoding="utf-8")

    return write


@pytest.mark.slow
def test_page_begins_with_the_event_and_the_notice(page_of):
    text = page_of(contents(30))
    assert text.index("Strong low-level rotation") < text.index("Made-up data.")
    assert text.index("Made-up data.") < text.index(" of 30 storms ")
    assert "2024-05-20 05:12 UTC" in text
    assert "0123456789ab" in text
    assert "http" not in re.sub(r"http-equiv|http://www.w3.org/2000/svg", "", text)


@pytest.mark.slow
def test_real_data_have_no_notice(page_of):
    assert "Made-up" not in page_of(contents(5, attributes={"title": "Storm patches"}))


@pytest.mark.slow
def test_page_of_noisy_storms_is_small(page_of):
    made = contents(1472)
    noise = np.random.default_rng(0).normal(0, 8, made.storms["predictors"].shape)
    made.storms["predictors"] = made.storms["predictors"] + noise.astype(np.float32)
    assert len(page_of(made)) < 5 * MEGABYTE


@pytest.mark.slow
def test_page_of_very_many_storms_is_small_and_says_so(page_of):
    text = page_of(contents(20_000, members=10, side=8, extras=False))
    assert len(text) < 10 * MEGABYTE
    assert re.search(r"has [34],\d+ of 20,000 storms", text)


@pytest.mark.parametrize("rejected", [0, 12])
def test_page_without_storms_says_that_there_is_no_forecast(page_of, rejected):
    text = page_of(contents(0, attributes={"rejected_storms": rejected}))
    assert "No forecast of strong low-level rotation" in text
    assert "<svg" not in text
    assert "forecast-data" not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{"members": 0}, {"positions": False}, {"extras": False}, {"cone": -0.5, "latitude": -30}],
)
def test_page_needs_no_optional_part(page_of, options):
    made = contents(12, **options)
    text = page_of(made)
    assert "forecast-data" in text
    assert ("MC" in text.split("<script")[0]) == (options.get("members") != 0)


@pytest.mark.slow
def test_page_follows_the_event(page_of):
    text = page_of(
        contents(
            10,
            attributes={
                "event_title": "hail above 25 mm",
                "event_target": "HAIL_MAXK1_future",
                "event_threshold": 25.0,
                "event_threshold_units": "mm",
            },
        )
    )
    assert "hail above 25 mm" in text
    assert "rotation" not in text


@pytest.mark.slow
def test_hostile_text_is_escaped(page_of):
    text = page_of(contents(3, attributes={"event_title": "</script><b>hail", "warnings": "<b>x"}))
    assert "<b>" not in text
    assert "&lt;b&gt;hail" in text


def test_style_sheet_has_the_colors_of_the_map():
    sheet = (ROOT / "report" / "forecast.css").read_text(encoding="utf-8")
    colors = re.findall(r"--p(\d): (#[0-9a-f]{6})", sheet)
    assert colors[: len(COLORS)] == [(str(i), color) for i, color in enumerate(COLORS)]
