"""Features of storms are the statistics that their names say, over the patch and the mask."""

import numpy as np
import pytest
from run_files import run_values, write_run_file

from stormcnn.models.storm_features import compute_features, field_features, place_and_time
from stormcnn.storms.patches import open_patches
from stormcnn.storms.preparing import prepare_batch
from stormcnn.storms.run_files import list_folder

VARIABLES = ["REFL_COM_curr", "U10_curr", "V10_curr"]


def make_fields(storms=5, seed=0):
    """Return random fields (storm, y, x, variable) and masks (storm, y, x)."""
    draw = np.random.default_rng(seed)
    fields = draw.normal(10, 5, (storms, 8, 6, 3)).astype("f4")
    masks = (draw.random((storms, 8, 6)) < 0.4).astype("i1")
    return fields, masks


def test_statistics_agree_with_numpy_for_each_storm():
    fields, masks = make_fields()
    features = field_features(fields, masks, VARIABLES)
    for storm in range(len(fields)):
        for number, variable in enumerate(VARIABLES):
            field = fields[storm, ..., number].astype(float)
            for region, values in {
                "patch": field.ravel(),
                "storm": field[masks[storm] == 1],
            }.items():
                expected = {
                    "mean": values.mean(),
                    "sd": values.std(),
                    "min": values.min(),
                    "max": values.max(),
                    **{f"p{level}": np.percentile(values, level) for level in (10, 50, 90)},
                }
                for name, value in expected.items():
                    found = features[f"{variable}_{region}_{name}"][storm]
                    assert found == pytest.approx(value, rel=1e-5, abs=1e-5), (variable, name)
    np.testing.assert_array_equal(features["storm_area"], masks.sum((1, 2)))


def test_vorticity_of_a_vortex_and_divergence_of_a_source_are_known():
    y, x = np.mgrid[-4:5, -4:5].astype("f4")
    still = np.zeros_like(x)
    vortex = np.stack([still, -0.5 * y, 0.5 * x], axis=-1)
    source = np.stack([still, 0.25 * x, 0.25 * y], axis=-1)
    features = field_features(np.stack([vortex, source]), None, VARIABLES)
    for end in ("min", "max"):
        np.testing.assert_allclose(features[f"vorticity_patch_{end}"], [1, 0], atol=1e-6)
        np.testing.assert_allclose(features[f"divergence_patch_{end}"], [0, 0.5], atol=1e-6)


def test_extremes_of_vorticity_are_taken_inside_the_mask():
    fields, masks = make_fields()
    features = field_features(fields, masks, VARIABLES)
    assert (features["vorticity_storm_max"] <= features["vorticity_patch_max"]).all()
    assert (features["vorticity_storm_max"] < features["vorticity_patch_max"]).any()


def test_mask_of_one_grid_point_has_the_value_of_that_point():
    fields, _ = make_fields(1)
    masks = np.zeros((1, 8, 6), "i1")
    masks[0, 3, 2] = 1
    features = field_features(fields, masks, VARIABLES)
    value = fields[0, 3, 2, 0]
    for name in ("mean", "min", "max", "p10", "p50", "p90"):
        assert features[f"REFL_COM_curr_storm_{name}"] == value
    assert features["REFL_COM_curr_storm_sd"] == 0
    assert features["storm_area"] == 1


@pytest.mark.parametrize("variables", [["REFL_COM_curr"], ["REFL_COM_curr", "U10_curr"]])
def test_without_wind_or_masks_their_features_are_missing(variables):
    fields, _ = make_fields()
    names = field_features(fields[..., : len(variables)], None, variables).keys()
    assert len(names) == 7 * len(variables)
    assert not [name for name in names if "vorticity" in name or "storm" in name]


def test_hour_is_that_of_the_sun_at_the_storm(tmp_path):
    features = prepare_and_compute(tmp_path, storms=4)
    table = dict(zip(features["feature"].values, features["features"].values.T, strict=True))
    storms = open_patches([tmp_path / "patches.nc"]).storms
    utc = storms["valid_time"].dt.hour + storms["valid_time"].dt.minute / 60
    expected = (utc + storms["longitude"] / 15) % 24
    np.testing.assert_allclose(table["solar_hour"], expected, rtol=1e-6)
    np.testing.assert_array_equal(table["lead_hour"], storms["forecast_hour"])


def test_features_of_many_storms_are_those_of_each(tmp_path):
    features = prepare_and_compute(tmp_path, storms=6)
    patches = open_patches([tmp_path / "patches.nc"])
    fields, masks = patches.fields.in_memory(), patches.fields.take_masks(np.arange(6))
    names = patches.storms["variable"].values
    expected = field_features(fields, masks, names) | place_and_time(patches.storms)
    assert features["feature"].values.tolist() == list(expected)
    assert features["peak"].identical(patches.storms["peak"])
    np.testing.assert_allclose(features["features"], np.stack([*expected.values()], 1), rtol=1e-6)


def prepare_and_compute(folder, storms):
    """Prepare a run file and return the features of its storms."""
    write_run_file(folder / "runs", run_values(storms))
    prepare_batch(
        list_folder(folder / "runs", "day"),
        folder / "patches.nc",
        folder / "statistics.csv",
        folder / "inventory.csv",
        predictors=VARIABLES,
        target="RVORT1_MAX_future",
        region="storm",
    )
    return compute_features(open_patches([folder / "patches.nc"]))
