from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from stormcnn.report.case_figures import case_figure, draw_case
from stormcnn.report.figure_style import MADE_UP_NOTE, make_figure


def case(label=1, index=None):
    y, x = np.mgrid[0:32, 0:32]
    fields = np.stack([y + x / 100, x - 16.0, y - 16.0], axis=-1).astype("f4")
    storm = xr.Dataset(
        {
            "predictors": (("y", "x", "variable"), fields),
            "probability": ("mc_member", np.array([0.11, 0.12, 0.13, 0.6])),
            "deterministic": 0.2,
            "label": label,
        },
        coords={
            "variable": ["REFL_COM_curr", "U10_curr", "V10_curr"],
            "valid_time": np.datetime64("2016-06-22T23:00", "ns"),
            "latitude": 41.5,
            "longitude": -97.25,
        },
    )
    return storm if index is None else storm.assign(index=index)


def test_case_shows_the_field_with_south_at_the_bottom():
    _, panels = make_figure(1, 2)
    draw_case(panels[0], case(index=32237))
    field = panels[0, 0]
    (image,) = field.get_images()
    assert image.origin == "lower"
    assert image.get_array()[0, 5] == pytest.approx(0.05)
    assert image.get_array()[31, 0] == pytest.approx(31)
    title = field.get_title(loc="left")
    assert all(text in title for text in ("32237", "2016-06-22 23 UTC", "41.50° N, 97.25° W"))


def test_outline_encloses_the_storm():
    _, panels = make_figure(1, 2)
    mask = np.zeros((32, 32), "i1")
    mask[10:20, :5] = 1
    plain = len(panels[0, 0].collections)
    draw_case(panels[0], case().assign(masks=(("y", "x"), mask)))
    outline = panels[0, 0].collections[-1].get_paths()[0].vertices
    assert len(panels[0, 0].collections) > plain
    assert outline.min(axis=0).tolist() == [-0.5, 9.5]
    assert outline.max(axis=0).tolist() == [4.5, 19.5]


def test_wind_arrows_show_the_wind_at_their_grid_point():
    _, panels = make_figure(1, 2)
    draw_case(panels[0], case())
    (arrows,) = (each for each in panels[0, 0].collections if hasattr(each, "U"))
    columns, rows = arrows.get_offsets().T
    assert np.allclose(arrows.U, columns - 16)
    assert np.allclose(arrows.V, rows - 16)


def test_case_histogram_has_the_lines_of_the_ams_lesson():
    _, panels = make_figure(1, 2)
    draw_case(panels[0], case())
    histogram = panels[0, 1]
    heights = np.array([bar.get_height() for bar in histogram.patches])
    assert len(heights) == 20
    assert heights[2] == pytest.approx(15)  # Three of four MC members are in a bin 0.05 wide.
    assert heights.sum() * 0.05 == pytest.approx(1)
    drawn = {each.get_label(): each for each in histogram.get_lines()}
    assert list(drawn) == ["Without dropout 0.20", "Mean 0.24", "Median 0.12"]
    assert [each.get_color() for each in drawn.values()] == ["red", "black", "purple"]
    assert [each.get_xdata()[0] for each in drawn.values()] == pytest.approx([0.2, 0.24, 0.125])


@pytest.mark.parametrize(("event", "outcome"), [(1, "Event observed"), (0, "No event observed")])
def test_case_title_gives_the_outcome(event, outcome):
    _, panels = make_figure(1, 2)
    draw_case(panels[0], case(label=event))
    assert outcome == panels[0, 1].get_title(loc="left")


def test_case_figure_has_one_row_per_case():
    cases = xr.concat([case(index=4), case(index=9)], "storm", data_vars="all")
    figure = case_figure(cases.assign_attrs(title="Made-up cases"))
    titles = " ".join(axes.get_title(loc="left") for axes in figure.axes)
    assert titles.index("storm 4,") < titles.index("storm 9,")
    assert figure.get_suptitle() == MADE_UP_NOTE


def test_axes_are_in_kilometers_if_the_spacing_is_known():
    _, panels = make_figure(2, 2)
    draw_case(panels[0], case().assign_attrs(grid_spacing_km=3.0))
    draw_case(panels[1], case())
    known, unknown = panels[:, 0]
    assert "km" in known.get_xlabel()
    for place, label in zip(known.get_xticks(), known.get_xticklabels(), strict=True):
        assert float(label.get_text()) == pytest.approx(3 * place)
    assert len(known.get_xticks()) >= 3
    assert "km" not in unknown.get_xlabel()
