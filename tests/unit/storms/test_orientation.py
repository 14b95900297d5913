"""Rows and columns of patches: the usual directions, turned ones, and those of a map projection."""

import itertools

import numpy as np
import pytest
import xarray as xr
from run_files import run_values, write_run_file

from stormcnn.storms.orientation import Orientation, UnknownOrientation, find_orientation
from stormcnn.storms.reading import read_run
from stormcnn.storms.run_files import BadRunFile

TURNS = [Orientation(*turn) for turn in itertools.product([False, True], repeat=3)]


def positions(rotation=0.0, storms=3, size=5, latitude=40.0, longitude=-100.0):
    """Return latitude and longitude (storm, row, col) of grids rotated by `rotation` degrees."""
    angle = np.radians(np.broadcast_to(rotation, storms))[:, None, None]
    row, col = 0.03 * np.mgrid[:size, :size][:, None]
    north = np.sin(angle) * col + np.cos(angle) * row
    east = np.cos(angle) * col - np.sin(angle) * row
    return latitude + north, longitude + east / np.cos(np.radians(latitude))


def reverse(orientation, fields):
    """Return fields so that `orientation.turn` restores them."""
    fields = fields[:, :: -1 if orientation.southward else 1, :: -1 if orientation.westward else 1]
    return fields.swapaxes(1, 2) if orientation.exchanged else fields


@pytest.mark.parametrize("rotation", [0, 25, -30])
@pytest.mark.parametrize("turn", TURNS)
def test_orientation_is_found_in_rotated_grids(turn, rotation):
    latitude, longitude = (reverse(turn, field) for field in positions(rotation))
    assert find_orientation(latitude, longitude) == turn


@pytest.mark.parametrize("longitude", [179.95, -180.05, 359.95, -0.05])
def test_orientation_is_found_where_longitudes_jump(longitude):
    latitude, east = positions(longitude=longitude)
    wrapped = (east + 180) % 360 - 180
    assert find_orientation(latitude, wrapped) == Orientation()
    assert find_orientation(latitude[:, :, ::-1], wrapped[:, :, ::-1]) == Orientation(westward=True)


def test_patches_around_a_pole_are_kept_unless_mirrored():
    latitude, longitude = positions(np.linspace(0, 300, 3), latitude=80)
    assert find_orientation(latitude, longitude) == Orientation()
    with pytest.raises(UnknownOrientation):
        find_orientation(latitude[:, ::-1], longitude[:, ::-1])


def test_grid_points_without_positions_do_not_matter():
    latitude, longitude = (field[:, ::-1].copy() for field in positions(storms=4))
    latitude[0], longitude[1] = np.nan, np.nan
    latitude[2, 2:], longitude[2, 2:] = 0, 0
    assert find_orientation(latitude, longitude) == Orientation(southward=True)
    assert find_orientation(latitude[2:3], longitude[2:3]) == Orientation(southward=True)
    assert find_orientation(latitude[:2], longitude[:2]) is None


def test_directions_of_a_map_projection_need_no_degrees():
    row, col = 3000.0 * np.mgrid[:4, :4][:, None]
    north, east = 5e7 - row, col - 2e7
    assert find_orientation(north, east, degrees=False) == Orientation(southward=True)


@pytest.mark.slow
@pytest.mark.parametrize("turn", TURNS[1:])
def test_turned_run_file_has_the_same_storms(tmp_path, turn):
    settings = {"predictors": ["REFL_COM_curr", "U10_curr"], "target": "RVORT1_MAX_future"}
    values = run_values()
    values["masks"][:, 1, 3:5] = 1
    expected = read_run(write_run_file(tmp_path / "usual", values), **settings)
    turned = {
        name: reverse(turn, array) if array.ndim == 3 else array for name, array in values.items()
    }
    storms = read_run(write_run_file(tmp_path / "turned", turned), **settings)
    xr.testing.assert_equal(storms, expected)
    assert storms.attrs["corrections"] == "; ".join(turn.corrections()) != ""
    assert expected.attrs["corrections"] == ""


@pytest.mark.slow
@pytest.mark.parametrize("left", [["x", "y"], ["i", "j"]])
@pytest.mark.parametrize("turn", TURNS[1:])
def test_other_positions_tell_the_directions(tmp_path, left, turn):
    values = run_values()
    turned = {
        name: reverse(turn, array) if array.ndim == 3 else array
        for name, array in values.items()
        if name not in {"lat", "lon", "x", "y", "i", "j"} - {*left}
    }
    storms = read_run(write_run_file(tmp_path, turned), predictors=["U10_curr"])
    np.testing.assert_array_equal(storms["predictors"][..., 0], values["U10_curr"])


def test_positions_that_are_missing_in_a_corner_tell_the_directions(tmp_path):
    values = run_values(size=20)
    expected = values["U10_curr"]
    turned = {k: v[:, ::-1].copy() if v.ndim == 3 else v for k, v in values.items()}
    for name in ("lat", "lon"):
        turned[name][:, :10, :10] = np.nan
    storms = read_run(write_run_file(tmp_path, turned), predictors=["U10_curr"])
    np.testing.assert_array_equal(storms["predictors"][..., 0], expected)


@pytest.mark.slow
def test_run_file_without_positions_is_read_as_it_is_and_named(tmp_path, caplog):
    values = run_values()
    kept = {k: v for k, v in values.items() if k not in ("lat", "lon", "x", "y", "i", "j")}
    path = write_run_file(tmp_path, kept)
    fields = read_run(path, predictors=["U10_curr"])["predictors"][..., 0]
    np.testing.assert_array_equal(fields, values["U10_curr"])
    assert str(path) in caplog.text
    caplog.clear()
    read_run(write_run_file(tmp_path / "usual", values), predictors=["U10_curr"])
    assert not caplog.text


def test_run_file_whose_patches_run_in_different_directions_is_refused(tmp_path):
    values = run_values()
    for array in values.values():
        if array.ndim == 3:
            array[0] = array[0, ::-1]
    with pytest.raises(BadRunFile, match="directions"):
        read_run(write_run_file(tmp_path, values), predictors=["U10_curr"])
