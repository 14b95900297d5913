"""Outlines run around the grid points of storms, and tracks through their positions."""

import numpy as np
import pytest
import shapely
from outlined_storms import as_shape, speckles, storms_at
from run_files import run_values, write_run_file

from stormcnn.forecast.outlines import signed_area, storm_outlines, trace_rings, track_lines
from stormcnn.storms.reading import read_run


def outline_of(mask, center=(-100.0, 40.0), **grid):
    return storm_outlines(storms_at(np.array([mask]), [center], **grid))[0]


def test_outline_runs_half_way_between_grid_points():
    mask = np.zeros((5, 5), bool)
    mask[2, 2] = True
    (ring,) = outline_of(mask)
    assert ring.tolist() == [
        [-100.125, 39.875], [-99.875, 39.875], [-99.875, 40.125], [-100.125, 40.125],
        [-100.125, 39.875],
    ]  # fmt: skip


@pytest.mark.parametrize("latitude", [60.0, -60.0])
def test_outer_rings_run_counterclockwise_and_holes_clockwise(latitude):
    mask = np.zeros((9, 9), bool)
    mask[1:8, 1:8] = True
    mask[4, 4] = False
    outer, hole = outline_of(mask, (20.0, latitude), turn=0.5)
    assert shapely.is_ccw(shapely.LinearRing(outer))
    assert not shapely.is_ccw(shapely.LinearRing(hole))


def test_storm_at_the_edge_of_its_patch_reaches_half_a_cell_beyond_it():
    (ring,) = outline_of(np.ones((4, 6), bool))
    assert np.ptp(ring, axis=0).tolist() == [6 * 0.25, 4 * 0.25]


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
def test_rings_enclose_the_cells_of_any_mask(share):
    masks = speckles(0, 100, share=share)
    traced = trace_rings(masks)
    ends = np.cumsum(traced.sizes)
    for number, mask in enumerate(masks):
        rings = [
            traced.corners[ends[ring] - traced.sizes[ring] : ends[ring]]
            for ring in np.flatnonzero(traced.storm == number)
        ]
        shape = as_shape(rings)
        cells = shapely.union_all([shapely.box(x, y, x + 1, y + 1) for y, x in np.argwhere(mask)])
        assert shape.is_valid
        assert shape.symmetric_difference(cells).area == 0
        assert sum(map(signed_area, rings)) == mask.sum()
        for ring in rings:
            steps = np.sign(np.diff(ring, axis=0))
            assert (np.abs(steps).sum(axis=1) == 1).all()
            assert (steps != np.roll(steps, 1, axis=0)).all()


def test_outline_of_a_storm_at_the_antimeridian_is_continuous():
    (ring,) = outline_of(np.ones((4, 8), bool), (179.9, 50.0))
    assert ring[:, 0].max() == pytest.approx(179.9 + 3.5 * 0.25)
    assert np.ptp(ring[:, 0]) == pytest.approx(8 * 0.25, abs=1e-4)


def test_storm_without_positions_has_no_outline():
    storms = storms_at(np.ones((2, 4, 4), bool), [(-100, 40), (-90, 40)])
    storms["lat"][1, 0, 0] = np.nan
    assert [len(rings) for rings in storm_outlines(storms)] == [1, 0]
    assert storm_outlines(storms.drop_vars("lon")) == [(), ()]
    assert storm_outlines(storms.drop_vars("masks")) == [(), ()]
    assert storm_outlines(storms.isel(storm=[])) == []
    assert storm_outlines(storms.isel(y=[0])) == [(), ()]


def test_tracks_are_in_order_of_time_and_continuous():
    storms = storms_at(
        np.ones((4, 2, 2), bool),
        [(-179.0, 50.0), (10.0, 0.0), (179.0, 51.0), (178.0, 52.0)],
        track_id=[3, 1, 3, 3],
        hours=[14, 12, 13, 12],
    )
    single, track = track_lines(storms)
    assert (single.track_id, single.points.tolist()) == (1, [[10.0, 0.0]])
    assert track.storms.tolist() == [3, 2, 0]
    assert track.points.tolist() == [[178.0, 52.0], [179.0, 51.0], [181.0, 50.0]]
    assert track_lines(storms.isel(storm=[])) == []


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["usual", "southward", "exchanged", "0 to 360"])
def test_outline_of_a_run_file_lies_where_the_storm_is(tmp_path, layout):
    values = run_values(storms=1)
    mask = np.zeros_like(values["masks"][0])
    mask[1, 2:6] = 1
    values["masks"] = mask[np.newaxis]
    at_storm = values["masks"] == 1
    center = [float(values[name][at_storm].mean()) for name in ("lon", "lat")]
    if layout == "0 to 360":
        for name in ("lon", "centroid_lon"):
            values[name] = values[name] + np.float32(360)
    else:
        turned = {"usual": np.asarray, "southward": lambda a: a[:, ::-1]}
        turn = turned.get(layout, lambda a: a.swapaxes(1, 2))
        values = {name: turn(v) if v.ndim == 3 else v for name, v in values.items()}
    path = write_run_file(tmp_path, values)
    storms = read_run(path, predictors=["U10_curr"], outlines=True)
    shape = as_shape(storm_outlines(storms)[0])
    assert shape.area == pytest.approx(4 * 0.03 * 0.027, rel=1e-3)
    assert list(shape.centroid.coords[0]) == pytest.approx(center, abs=1e-4)
