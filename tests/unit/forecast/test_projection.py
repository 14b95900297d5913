"""The projection of the model grid, found from the positions of grid points."""

from dataclasses import replace

import numpy as np
import pytest
from forecast_contents import cone_to_degrees, contents

from stormcnn.forecast.projection import Projection, find_projection


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cone", "longitude", "latitude"),
    [(0.6309, -101.0, 38.5), (-0.5, 25.0, -30.0), (0.6, 179.0, 40.0), (0.9, -150.0, 62.0)],
    ids=["united-states", "southern-hemisphere", "antimeridian", "alaska"],
)
def test_cone_of_the_grid_is_found(cone, longitude, latitude):
    made = contents(60, cone=cone, longitude=longitude, latitude=latitude, extras=False)
    found = find_projection(made.storms)
    assert found.cone == pytest.approx(cone, abs=2e-3)
    assert found.longitude == pytest.approx(longitude, abs=0.1)
    # In its own projection the grid is straight and has the same spacing everywhere.
    places = found.project(made.storms["lon"].values, made.storms["lat"].values)
    across = np.diff(places, axis=2)
    assert np.abs(across[..., 1]).max() < 0.02
    assert across[..., 0] == pytest.approx(across[0, 0, 0, 0], rel=0.01)


def test_projection_is_the_inverse_of_its_formula():
    x, y = np.meshgrid([-900.0, 0.0, 900.0], [-500.0, 0.0, 500.0])
    places = Projection(0.63, -100.0, 38.0).project(*cone_to_degrees(x, y, 0.63, -100.0, 38.0))
    assert places == pytest.approx(np.stack([x, y], axis=-1), abs=1e-6)


def test_mercator_is_the_limit_of_narrow_cones():
    longitude, latitude = np.meshgrid([-20.0, 0.0, 15.0], [-10.0, 0.0, 12.0])
    mercator = Projection(0.0, 0.0, 0.0).project(longitude, latitude)
    cone = Projection(1e-5, 0.0, 0.0).project(longitude, latitude)
    assert mercator == pytest.approx(cone, abs=0.1)


def test_poles_have_finite_places():
    assert np.isfinite(Projection(0.6, 0.0, 40.0).project(0.0, np.array([-90.0, 90.0]))).all()


def test_storms_without_positions_have_a_cone_that_touches_in_their_middle():
    made = contents(30, positions=False, extras=False)
    found = find_projection(made.storms)
    middle = (float(made.storms["latitude"].min()) + float(made.storms["latitude"].max())) / 2
    assert found.latitude == pytest.approx(middle)
    assert found.cone == pytest.approx(np.sin(np.radians(middle)))
    assert abs(found.longitude - made.storms["longitude"].values.mean()) < 5


def test_one_storm_stands_upright_as_on_its_grid():
    made = contents(1, extras=False)
    places = find_projection(made.storms).project(made.storms["lon"], made.storms["lat"])
    assert np.abs(np.diff(places[0, 16, :, 1])).max() < 0.05


def test_grid_of_another_kind_has_a_cone_that_touches_in_its_middle():
    made = contents(40, extras=False)
    turned = made.storms.assign(lon=made.storms["lat"] - 140, lat=made.storms["lon"] + 140)
    found = find_projection(replace(made, storms=turned).storms)
    assert found.cone == pytest.approx(np.sin(np.radians(found.latitude)))
