"""Lines and polygons are cut at the antimeridian."""

import numpy as np
import pytest
import shapely
from scipy import ndimage

from stormcnn.forecast.antimeridian import as_polygons, cut_line, cut_polygon
from stormcnn.forecast.outlines import signed_area, trace_rings


def shape_of(polygon):
    return shapely.Polygon(polygon[0], polygon[1:])


@pytest.mark.slow
@pytest.mark.parametrize("turn", [0.0, 0.3])
@pytest.mark.parametrize("meridian", [180, -180])
def test_parts_of_a_polygon_cover_it(turn, meridian):
    rotation = 0.25 * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    random = np.random.default_rng(1)
    for number in range(60):
        noise = ndimage.gaussian_filter(random.random((12, 12)), 0.9)
        # Without a turn, the sides of some cells lie on the antimeridian.
        west = np.array([meridian - 0.25 * (number % 13), 40.0])
        traced = trace_rings(noise[np.newaxis] > np.quantile(noise, 0.4))
        rings = np.split(traced.corners @ rotation + west, np.cumsum(traced.sizes)[:-1])
        for polygon in as_polygons(rings):
            parts = cut_polygon(polygon)
            for part in parts:
                assert np.abs(part[0][:, 0]).max() <= 180
                assert signed_area(part[0]) > 0
                assert all(signed_area(hole) < 0 for hole in part[1:])
            shapes = [shape_of(part) for part in parts]
            assert shapely.MultiPolygon(shapes).is_valid
            halves = [
                shapely.affinity.translate(
                    shape_of(polygon).intersection(shapely.box(-180 + turns, 0, 180 + turns, 90)),
                    xoff=-turns,
                )
                for turns in (-360, 0, 360)
            ]
            assert shapely.union_all(shapes).symmetric_difference(
                shapely.union_all(halves)
            ).area == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ([[170, 0], [175, 1]], [[[170, 0], [175, 1]]]),
        ([[179, 1], [180, 2], [181, 3]], [[[179, 1], [180, 2]], [[-180, 2], [-179, 3]]]),
        ([[181, 3], [179, 1]], [[[-179, 3], [-180, 2]], [[180, 2], [179, 1]]]),
        ([[-179, 0], [-181, 2]], [[[-179, 0], [-180, 1]], [[180, 1], [179, 2]]]),
        ([[179, 0], [180, 1]], [[[179, 0], [180, 1]]]),
        ([[10, 0], [10, 0]], []),
        ([[10, 0]], []),
    ],
)
def test_line_is_cut_where_it_crosses(line, parts):
    assert [part.tolist() for part in cut_line(np.array(line, float))] == parts
