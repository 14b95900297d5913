"""Probabilities near grid points combine storms and keep the MC members coherent."""

import numpy as np
import pytest
from outlined_storms import storms_at

from stormcnn.forecast.files import assemble_forecast
from stormcnn.forecast.neighbourhood import RADIUS, neighbourhood_probability
from stormcnn.storms.grid_spacing import EARTH_RADIUS

SPACING = 12.0  # kilometers


def forecast_of(storms, members):
    """Return a forecast with these probabilities (storm, mc_member)."""
    members = np.array(members, np.float32)
    mean = members.mean(axis=1)
    none = np.zeros(len(mean), bool)
    # The order of the storms does not matter here.
    forecast = assemble_forecast(storms, -np.arange(len(mean)), mean, {}, none)
    return forecast.assign(
        probability=("storm", mean), member_probability=(("storm", "mc_member"), members)
    )


def at(centers, **settings):
    storms = storms_at(np.ones((len(centers), 4, 4), bool), centers, spacing=0.1, **settings)
    return storms.assign_attrs(grid_spacing_km=SPACING)


def lambert(i, j):
    """Return longitude and latitude in a Lambert conformal grid, as that of the AMS lesson."""
    radius, spacing, north, central = 6370.0, SPACING, np.radians([32.0, 46.0]), -101.0
    tangent = np.tan(np.pi / 4 + north / 2)
    cone = np.log(np.cos(north[0]) / np.cos(north[1])) / np.log(tangent[1] / tangent[0])
    scale = radius * np.cos(north[0]) * tangent[0] ** cone / cone
    pole = scale / np.tan(np.pi / 4 + np.radians(38.3) / 2) ** cone
    x, y = spacing * j, pole - spacing * i
    angle = np.arctan2(x, y)
    lat = 2 * np.arctan((scale / np.hypot(x, y)) ** (1 / cone)) - np.pi / 2
    return central + np.degrees(angle / cone), np.degrees(lat)


def on_lambert_grid(corners, size=10):
    """Return storms whose patches begin at these rows and columns of the model's grid."""
    steps = np.arange(size)
    i = np.array([corner[0] + steps[:, None] + 0 * steps for corner in corners])
    j = np.array([corner[1] + steps + 0 * steps[:, None] for corner in corners])
    lon, lat = lambert(i, j)
    middle = (slice(None), size // 2, size // 2)
    storms = at(list(zip(lon[middle], lat[middle], strict=True)))
    patches = {"lat": lat.astype("f4"), "lon": lon.astype("f4")}
    storms = storms.drop_dims(("y", "x")).assign(
        {name: (("storm", "y", "x"), values) for name, values in patches.items()}
    )
    return storms.assign(
        grid_i=("storm", [corner[0] for corner in corners]),
        grid_j=("storm", [corner[1] for corner in corners]),
    )


def distances(result, longitude, latitude):
    """Return the distances of all grid points from a place in kilometers."""
    lat, lon = np.radians(result["latitude"].values), np.radians(result["longitude"].values)
    north, east = np.radians(latitude), np.radians(longitude)
    a = np.sin((lat - north) / 2) ** 2
    a += np.cos(lat) * np.cos(north) * np.sin((lon - east) / 2) ** 2
    return 2 * EARTH_RADIUS * np.arcsin(np.sqrt(a))


def test_storms_in_reach_are_combined_for_each_member():
    random = np.random.default_rng(0)
    storms = at([(-100, 40), (-99.7, 40.1), (-99.5, 39.8), (-99.6, 40.3)], hours=[12, 12, 12, 13])
    members = random.random((4, 5)).astype(np.float32)
    result = neighbourhood_probability(forecast_of(storms, members), storms)
    assert result["time"].values.astype("datetime64[h]").tolist() == [
        np.datetime64("2030-05-01T12", "h").item(), np.datetime64("2030-05-01T13", "h").item(),
    ]  # fmt: skip
    for time, chosen in enumerate(([0, 1, 2], [3])):
        none = np.ones((*result["latitude"].shape, 5))
        for storm in chosen:
            place = storms["longitude"].values[storm], storms["latitude"].values[storm]
            reached = distances(result, *place) <= RADIUS
            assert 20 < reached.sum() < reached.size
            none[reached] *= 1 - members[storm]
        np.testing.assert_allclose(
            result["probability"].values[time], 1 - none.mean(axis=-1), atol=1e-6
        )


def test_members_stay_coherent():
    """Two members that are sure of all or of no storm make half a probability, not 3/4."""
    storms = at([(-100, 40), (-100.01, 40)])
    forecast = forecast_of(storms, [[1, 0], [1, 0]])
    assert neighbourhood_probability(forecast, storms)["probability"].max() == 0.5
    single = neighbourhood_probability(forecast.drop_vars("member_probability"), storms)
    assert single["probability"].max() == 0.75


def test_track_counts_once_per_hour():
    storms = at([(-100, 40), (-100.01, 40)], track_id=[7, 7])
    forecast = forecast_of(storms, [[0.5], [0.4]])
    assert neighbourhood_probability(forecast, storms)["probability"].max() == 0.5


def test_grid_is_that_of_the_model_and_is_continued_between_patches():
    storms = on_lambert_grid([(0, 20), (45, 60), (100, 10)])
    result = neighbourhood_probability(forecast_of(storms, [[0.9], [0.8], [0.7]]), storms)
    assert result["y"].values[[0, -1]].tolist() == [0, 100 + 9 + 1]
    assert result["x"].values[[0, -1]].tolist() == [10, 60 + 9 + 1]
    lon, lat = lambert(result["y"].values[:, None], result["x"].values)
    for name, expected in {"longitude": lon, "latitude": lat}.items():
        assert np.isfinite(result[name]).all()
        assert np.abs(result[name].values - expected).max() < 0.5 * SPACING / 111
    hit = distances(result, *(float(storms[name][1]) for name in ("longitude", "latitude")))
    np.testing.assert_allclose(result["probability"].values[0][hit <= RADIUS], 0.8, rtol=1e-6)
    assert (result["probability"].values[0] > 0).sum() == pytest.approx(
        3 * np.pi * (RADIUS / SPACING) ** 2, rel=0.1
    )


def test_grid_with_other_positions_than_its_indices_is_not_used():
    storms = on_lambert_grid([(0, 0), (45, 60)])
    storms["grid_i"], storms["grid_j"] = ("storm", [3, 0]), ("storm", [2, 0])
    result = neighbourhood_probability(forecast_of(storms, [[0.9], [0.8]]), storms)
    assert "regular" in result["y"].attrs["long_name"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "centers",
    [
        [(179.9, 50.0), (-179.9, 50.5)],
        [(20.0, -60.0)],
        [(0.0, 89.9), (90.0, 89.0)],
        [(-100.0, 40.0), (100.0, -40.0)],
    ],
)
def test_regular_grid_reaches_around_all_storms(centers):
    storms = at(centers).drop_vars(["lat", "lon"])
    result = neighbourhood_probability(forecast_of(storms, [[0.5]] * len(centers)), storms)
    assert np.abs(result["longitude"]).max() <= 180
    assert np.abs(result["latitude"]).max() <= 90
    assert result["probability"].size < 5_000_000
    values = result["probability"].values[0]
    for center in centers:
        near = distances(result, *center) <= RADIUS - 1
        assert near.any()
        assert (values[near] >= 0.5).all()


@pytest.mark.parametrize("center", [(180.0, 50.0), (20.0, -60.0)])
def test_regular_grid_ends_where_no_storm_is_near(center):
    storms = at([center]).drop_vars("lat")
    result = neighbourhood_probability(forecast_of(storms, [[0.5]]), storms)
    values = result["probability"].values[0]
    for edge in (values[0], values[-1], values[:, 0], values[:, -1]):
        assert (edge == 0).all()
    cells = np.pi * (RADIUS / SPACING) ** 2
    assert (values > 0).sum() == pytest.approx(cells, rel=0.15)


def test_run_without_storms_has_no_maps():
    storms = at([(-100, 40)]).isel(storm=[])
    result = neighbourhood_probability(forecast_of(storms, np.zeros((0, 3))), storms)
    assert result.sizes["time"] == 0
