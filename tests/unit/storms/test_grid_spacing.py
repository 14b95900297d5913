"""The distance of grid points, from their positions to the patch file."""

import math

import numpy as np
import pytest
from run_files import write_run_file

from stormcnn.storms.grid_spacing import common_spacing, spacing_of
from stormcnn.storms.reading import read_run


def grid(kilometers, latitude=40.0, longitude=-100.0, size=5):
    """Return latitude and longitude (storm, row, col) of two patches of a grid."""
    row, col = kilometers / 111.19 * np.mgrid[:size, :size][:, None]
    latitudes = np.repeat(latitude + row, 2, axis=0)
    return latitudes, longitude + col / np.cos(np.radians(latitudes))


@pytest.mark.parametrize("latitude", [-60, 0, 40])
@pytest.mark.parametrize("kilometers", [1, 3, 4])
def test_spacing_is_the_distance_on_the_sphere(kilometers, latitude):
    assert spacing_of(*grid(kilometers, latitude)) == pytest.approx(kilometers, rel=0.01)


def test_spacing_does_not_jump_with_the_longitude():
    latitude, longitude = grid(3, longitude=179.98)
    wrapped = (longitude + 180) % 360 - 180
    assert spacing_of(latitude, wrapped) == pytest.approx(3, rel=0.01)


def test_patches_without_positions_are_left_out():
    latitude, longitude = grid(3)
    latitude[0], longitude[0] = 0, 0
    assert spacing_of(latitude, longitude) == pytest.approx(3, rel=0.01)
    assert math.isnan(spacing_of(latitude[:1], longitude[:1]))
    assert math.isnan(spacing_of(latitude[:, :1], longitude[:, :1]))


def test_unequal_spacings_are_unknown():
    latitude, longitude = grid(3)
    assert math.isnan(spacing_of(latitude, -100 + 2 * (longitude + 100)))
    assert math.isnan(common_spacing([3.0, 4.0]))
    assert math.isnan(common_spacing([]))


def test_spacing_of_a_run_is_known(tmp_path):
    patches = read_run(write_run_file(tmp_path), predictors=["REFL_COM_curr"])
    assert patches.attrs["grid_spacing_km"] == pytest.approx(2.9, abs=0.2)
