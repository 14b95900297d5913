"""Borders: decoding, and the part of them that is on a map."""

import numpy as np
import pytest

from stormcnn.forecast.borders import COUNTRIES, STATES, lines_within, read_borders
from stormcnn.forecast.projection import Projection, offset


@pytest.mark.parametrize("name", [STATES, COUNTRIES])
def test_borders_are_in_degrees_and_have_no_gaps(name):
    lines = read_borders(name)
    points = np.concatenate(lines)
    assert points.shape[1] == 2
    assert (np.abs(points).max(axis=0) <= [180.001, 90]).all()
    # The longest line without a bend is the border of Algeria and Mali.
    assert max(np.abs(offset(np.diff(line, axis=0), 0.0)).max() for line in lines) < 9


def test_states_have_the_four_corners():
    # Utah, Colorado, New Mexico and Arizona meet there.
    corner = np.array([-109.045, 36.999])
    assert np.hypot(*(np.concatenate(read_borders(STATES)) - corner).T).min() < 0.01


def within(name, projection, size):
    corner = np.array([size, size])
    return lines_within(read_borders(name), projection, -corner, corner)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("longitude", "latitude"),
    [(-100, 40), (179, -17), (-179, 66), (25, -29), (151, -33)],
    ids=["plains", "fiji", "bering-strait", "south-africa", "australia"],
)
def test_every_place_with_borders_has_them(longitude, latitude):
    cone = np.sin(np.radians(latitude))
    projection = Projection(cone, longitude, latitude)
    lines = [*within(STATES, projection, 500), *within(COUNTRIES, projection, 500)]
    assert lines
    points = np.concatenate(lines)
    assert np.isfinite(points).all()
    inside = (np.abs(points) <= 500).all(axis=1)
    assert inside.sum() > 5
    # Parts end at the first point outside, so no line crosses the whole world.
    assert max(np.hypot(*np.diff(line, axis=0).T).max() for line in lines) < 1500


def test_the_middle_of_an_ocean_has_none():
    assert within(COUNTRIES, Projection(-0.6, -130.0, -40.0), 500) == []


def test_line_opposite_to_the_middle_is_cut():
    line = np.array([[78.0, 40.0], [79.0, 40.0], [81.0, 40.0], [82.0, 40.0]])
    assert np.ptp(offset(line[:, 0], -100.0)) > 300
    large = np.array([50_000.0, 50_000.0])
    parts = lines_within([line], Projection(0.6, -100.0, 40.0), -large, large)
    assert [len(part) for part in parts] == [2, 2]
