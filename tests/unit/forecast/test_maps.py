from __future__ import annotations

import numpy as np
import pytest

from stormcnn.forecast.maps import draw_map
from stormcnn.report.figure_style import make_figure


def test_map_draws_storms_with_larger_probability_on_top():
    _, panels = make_figure()
    axes = panels[0, 0]
    longitude, latitude = np.array([-100.0, -90.0, -95.0]), np.array([30.0, 35.0, 40.0])
    draw_map(axes, longitude, latitude, np.array([0.9, 0.1, 0.5]), "hail above 25 mm")
    assert "hail above 25 mm" in axes.get_title(loc="left")
    (storms,) = axes.collections
    assert storms.get_offsets()[:, 0].tolist() == [-90.0, -95.0, -100.0]
    assert storms.get_array().tolist() == [0.1, 0.5, 0.9]
    assert axes.get_aspect() == pytest.approx(1 / np.cos(np.radians(35)))
