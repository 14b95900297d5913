"""The static map: what is drawn, where, and in which colors."""

import warnings

import numpy as np
import pytest
from forecast_contents import contents
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from stormcnn.forecast.map_shapes import map_shapes
from stormcnn.forecast.probability_steps import COLORS, step_of
from stormcnn.forecast.static_map import draw_forecast_map
from stormcnn.report.figure_style import png_of, svg_of


def storms_of(figure):
    """Return the shapes of storms in the order in which they are drawn."""
    collections = figure.axes[0].findobj(PathCollection)
    return next(one for one in collections if len(one.get_paths()) > 1 or len(one.get_offsets()))


@pytest.mark.slow
def test_storms_are_outlines_with_the_color_of_their_step():
    made = contents(25)
    drawn = storms_of(draw_forecast_map(made))
    probability = made.forecast["probability"].values[::-1]
    colors = [to_hex(color) for color in drawn.get_facecolors()]
    assert colors == [COLORS[step] for step in step_of(probability)]
    centers = map_shapes(made).centers[::-1]
    for path, center in zip(drawn.get_paths(), centers, strict=True):
        assert path.vertices.mean(axis=0) == pytest.approx(center, abs=5)


def test_storms_without_outlines_are_dots():
    made = contents(12, positions=False, extras=False)
    figure = draw_forecast_map(made)
    scatter = figure.axes[0].collections[-1]
    assert np.asarray(scatter.get_offsets()) == pytest.approx(map_shapes(made).centers[::-1])


@pytest.mark.parametrize("count", [0, 1])
def test_few_storms_have_a_map_or_a_sentence(count):
    figure = draw_forecast_map(contents(count))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert b"storm" in svg_of(figure)


@pytest.mark.slow
def test_texts_are_those_of_the_event_and_say_that_data_are_made_up():
    made = contents(8, attributes={"event_title": "hail above 25 mm", "event_lead": ""})
    content = svg_of(draw_forecast_map(made)).decode()
    assert "hail above 25 mm" in content
    assert "rotation" not in content
    assert "Made-up" in content
    assert png_of(draw_forecast_map(made), 50).startswith(b"\x89PNG")
