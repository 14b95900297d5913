"""The GeoJSON of a forecast is valid, complete, and readable by GDAL."""

import json

import jsonschema
import numpy as np
import pyogrio
import pytest
import shapely
import xarray as xr
from outlined_storms import contents_of, speckles, storms_at

from stormcnn.forecast.geojson import as_geojson

POSITION = {
    "type": "array",
    "items": [
        {"type": "number", "minimum": -180, "maximum": 180},
        {"type": "number", "minimum": -90, "maximum": 90},
    ],
    "minItems": 2,
    "maxItems": 2,
}
LINE = {"type": "array", "items": POSITION, "minItems": 2}
POLYGON = {"type": "array", "items": LINE | {"minItems": 4}, "minItems": 1}
COORDINATES = {
    "Point": POSITION,
    "LineString": LINE,
    "MultiLineString": {"type": "array", "items": LINE},
    "Polygon": POLYGON,
    "MultiPolygon": {"type": "array", "items": POLYGON},
}
SCHEMA = {
    "type": "object",
    "required": ["type", "features", "metadata"],
    "properties": {
        "type": {"const": "FeatureCollection"},
        "metadata": {"type": "object"},
        "features": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "geometry", "properties"],
                "properties": {
                    "type": {"const": "Feature"},
                    "properties": {"type": "object"},
                    "geometry": {
                        "oneOf": [
                            {
                                "type": "object",
                                "required": ["type", "coordinates"],
                                "additionalProperties": False,
                                "properties": {"type": {"const": kind}, "coordinates": coordinates},
                            }
                            for kind, coordinates in COORDINATES.items()
                        ]
                    },
                },
            },
        },
    },
}
"""The structure of RFC 7946, with positions in degrees."""


def read(contents):
    """Return the GeoJSON of a forecast after checks of its structure and its rings."""
    content = json.loads(as_geojson(contents))
    validator = jsonschema.Draft7Validator(SCHEMA)
    assert [error.message for error in validator.iter_errors(content)] == []
    for feature in content["features"]:
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.is_valid
        for polygon in getattr(shape, "geoms", [shape]):
            if polygon.geom_type == "Polygon":
                assert polygon.exterior.is_ccw
                assert not any(hole.is_ccw for hole in polygon.interiors)
    return content


def features_of(content, kind):
    return [one for one in content["features"] if one["properties"]["feature"] == kind]


@pytest.fixture
def contents():
    """Three storms, two of one track, one without an outline."""
    masks = np.zeros((3, 6, 6), bool)
    masks[:, 2:4, 1:5] = True
    storms = storms_at(
        masks,
        [(-100, 40), (-99.5, 40.5), (-90, 35)],
        track_id=[4, 4, 2],
        hours=[13, 12, 12],
    )
    storms["lat"][2] = np.nan
    explanations = xr.Dataset(
        {"index": ("explained", [1]), "reason": ("explained", ["without its wind ..."])}
    )
    similar = xr.Dataset({"few": ("storm", [False, True, False])})
    return contents_of(
        storms,
        [0.91, 0.5, 0.125],
        explanations=explanations,
        similar=similar,
        thresholds={"cost_loss_0.2": 0.2, "best_csi": 0.6},
    )


def test_storm_is_a_polygon_with_what_is_known_about_it(contents):
    content = read(contents)
    first, second, third = features_of(content, "storm")
    assert first["geometry"]["type"] == second["geometry"]["type"] == "Polygon"
    assert third["geometry"] == {"type": "Point", "coordinates": [-90.0, 35.0]}
    properties = first["properties"]
    assert properties["probability"] == 0.91
    assert properties["valid_from"] == "2030-05-01T13:00:00Z"
    assert properties["valid_to"] == "2030-05-01T14:00:00Z"
    assert properties["event"] == "strong low-level rotation within the next hour"
    assert (properties["event_threshold"], properties["event_units"]) == (0.005, "s⁻¹")
    assert properties["network"] == "0123456789ab"
    assert properties["outside_training"] is False
    assert properties["exceeded_thresholds"] == ["cost_loss_0.2", "best_csi"]
    assert second["properties"]["exceeded_thresholds"] == ["cost_loss_0.2"]
    assert second["properties"]["reason"] == "without its wind ..."
    assert first["properties"]["reason"] is None
    assert [storm["properties"]["few_similar"] for storm in (first, second)] == [False, True]
    assert content["metadata"]["thresholds"] == {"cost_loss_0.2": 0.2, "best_csi": 0.6}


def test_track_is_a_line_in_order_of_time(contents):
    (track,) = features_of(read(contents), "track")
    assert track["geometry"]["type"] == "LineString"
    assert track["geometry"]["coordinates"] == [[-99.5, 40.5], [-100.0, 40.0]]
    properties = track["properties"]
    assert (properties["track_id"], properties["storms"]) == (4, 2)
    assert properties["valid_from"] == "2030-05-01T12:00:00Z"
    assert properties["highest_probability"] == 0.91
    assert properties["highest_probability_at"] == "2030-05-01T13:00:00Z"


def test_made_up_storms_are_said_to_be_made_up(contents):
    assert "notice" not in read(contents)["metadata"]
    contents.forecast.attrs["title"] = "Made-up storm patches for run 20300501-0000"
    content = read(contents)
    assert content["metadata"]["notice"].startswith("Made-up")
    assert features_of(content, "storm")[0]["properties"]["notice"].startswith("Made-up")


@pytest.mark.parametrize("center", [(179.9, 50.0), (-179.9, -50.0)])
def test_storms_and_tracks_across_the_antimeridian_are_cut(center):
    masks = np.ones((2, 6, 6), bool)
    storms = storms_at(masks, [center, (-center[0], center[1])], turn=0.2, track_id=[1, 1])
    content = read(contents_of(storms, [0.5, 0.4]))
    for storm in features_of(content, "storm"):
        shape = shapely.geometry.shape(storm["geometry"])
        assert shape.geom_type == "MultiPolygon"
        assert shape.area == pytest.approx((6 * 0.25) ** 2, rel=1e-3)
    (track,) = features_of(content, "track")
    shape = shapely.geometry.shape(track["geometry"])
    assert (shape.geom_type, shape.length) == ("MultiLineString", pytest.approx(0.2, rel=1e-3))


@pytest.mark.parametrize("size", [2, 9, 16])
def test_any_mask_and_patch_size_gives_valid_shapes(size):
    storms = storms_at(speckles(3, 20, size), [(20.0, -35.0)] * 20, spacing=0.02, turn=-0.4)
    assert len(features_of(read(contents_of(storms, np.linspace(1, 0, 20))), "storm")) == 20


def test_run_without_storms_has_no_features(contents):
    storms = contents.storms.isel(storm=[])
    assert read(contents_of(storms, []))["features"] == []


def test_text_can_be_embedded_in_a_page(contents):
    member = "</script><b>&\x1b"
    storms = contents.storms.assign_coords(ensemble_member=("storm", [member] * 3))
    text = as_geojson(contents_of(storms, [0.3, 0.2, 0.1]))
    assert not set("<&\x1b") & set(text)
    assert json.loads(text)["features"][0]["properties"]["ensemble_member"] == member


def test_gdal_reads_all_features_and_properties(contents, tmp_path):
    path = tmp_path / "forecast.geojson"
    path.write_text(as_geojson(contents), encoding="utf-8")
    about, _, shapes, columns = pyogrio.raw.read(path)
    values = dict(zip(about["fields"], columns, strict=True))
    assert about["crs"] == "EPSG:4326"
    assert [shape.geom_type for shape in shapely.from_wkb(shapes)] == [
        "Polygon", "Polygon", "Point", "LineString",
    ]  # fmt: skip
    np.testing.assert_allclose(values["probability"], [0.91, 0.5, 0.125, np.nan])
    assert values["valid_from"].dtype.kind == "M"
    assert values["valid_from"][0] == np.datetime64("2030-05-01T13:00")
