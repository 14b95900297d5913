from __future__ import annotations

from xml.etree import ElementTree

import pytest
from PIL import Image

from stormcnn.report.figure_style import MADE_UP_NOTE, make_figure, save_figure

SVG = "{http://www.w3.org/2000/svg}"


def draw_band_and_label():
    figure, axes = make_figure(size=(5.0, 3.0))
    axes[0, 0].fill_between([0.0, 1.0], [0.1, 0.8], [0.3, 1.0])
    axes[0, 0].set_xlabel("Probability of detection")
    return figure


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Stems of the files of two equal figures."""
    stems = [tmp_path_factory.mktemp("figures") / name for name in ("first", "second")]
    for stem in stems:
        save_figure(draw_band_and_label(), stem)
    return stems


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_equal_figures_give_equal_files(saved, suffix):
    first, second = (stem.with_suffix(f".{suffix}").read_bytes() for stem in saved)
    assert first == second


def test_png_has_300_dots_per_inch_at_its_printed_width(saved):
    with Image.open(saved[0].with_suffix(".png")) as picture:
        assert picture.width == 300 * 5
        assert round(picture.info["dpi"][0]) == 300


def test_svg_keeps_text_and_has_no_time_stamp(saved):
    content = saved[0].with_suffix(".svg").read_text(encoding="utf-8")
    assert "Probability of detection</text>" in content
    assert "<dc:date>" not in content


def test_figure_of_made_up_data_says_so():
    assert make_figure(made_up=True)[0].get_suptitle() == MADE_UP_NOTE
    assert make_figure()[0].get_suptitle() == ""


@pytest.mark.slow
def test_texts_from_outside_are_shown_as_they_are(tmp_path):
    hostile = "$\\bad{$ \x1b[2J <b> & \x00"
    figure, axes = make_figure()
    panel = axes[0, 0]
    panel.plot([1, 2], [1, 2], label=hostile)
    panel.set_title(hostile)
    panel.set_xlabel(hostile)
    panel.set_xticks([1, 2], [hostile, "two"])
    panel.set_yscale("log")
    panel.legend()
    save_figure(figure, tmp_path / "a")
    svg = ElementTree.parse(tmp_path / "a.svg")
    texts = ["".join(text.itertext()).strip() for text in svg.iter(f"{SVG}text")]
    assert texts.count(r"$\bad{$ \x1b[2J <b> & \x00") == 4
    assert not any("mathdefault" in text for text in texts)
