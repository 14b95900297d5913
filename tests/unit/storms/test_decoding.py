"""Missing values, valid ranges, packing and unsigned integers of any variable of a run file."""

import netCDF4
import numpy as np
import pytest
from run_files import run_values, write_run_file

from stormcnn.storms.decoding import Undecodable, decode
from stormcnn.storms.reading import read_run
from stormcnn.storms.run_files import BadRunFile

NAN = np.nan


def decoded(stored, attributes, fill_value=None):
    """Return the decoded values of a variable with these stored values and attributes."""
    stored = np.asarray(stored)
    with netCDF4.Dataset("memory.nc", "w", diskless=True, persist=False) as file:
        file.createDimension("p", stored.size)
        variable = file.createVariable("v", stored.dtype, ("p",), fill_value=fill_value)
        variable.set_auto_maskandscale(False)
        variable[:] = stored
        variable.setncatts(attributes)
        return decode(variable)


def f4(*values):
    return np.array(values, "f4")


@pytest.mark.parametrize(
    ("stored", "attributes", "expected"),
    [
        (f4(1, -9999), {}, [1, -9999]),
        (f4(1, -9999), {"missing_value": np.float32(-9999)}, [1, NAN]),
        (f4(1, -9999), {"missing_value": -9999.0}, [1, NAN]),
        (f4(1, -9999), {"missing_value": np.int16(-9999)}, [1, NAN]),
        (f4(1, -9999), {"missing_value": "-9999."}, [1, NAN]),
        (f4(1, 1e20), {"missing_value": 1e20}, [1, NAN]),
        (f4(1, -999.9).astype("f8"), {"missing_value": -999.9}, [1, NAN]),
        (f4(1, -999.9).astype("f8"), {"missing_value": "-999.9"}, [1, NAN]),
        (np.array([1, -999.9]), {"missing_value": np.float32(-999.9)}, [1, NAN]),
        (np.array([1, 1e200, 1e300]), {"missing_value": 1e300}, [1, 1e200, NAN]),
        (f4(1, -1, -2), {"missing_value": [-1.0, -2.0]}, [1, NAN, NAN]),
        (f4(1, -1, -2), {"missing_value": "-1 -2"}, [1, NAN, NAN]),
        (f4(1, 9.96921e36), {}, [1, NAN]),
        (np.array([1, -2147483647], "i4"), {}, [1, NAN]),
        (np.array([1, 2], "i4"), {"missing_value": 1.5}, [1, 2]),
        (np.array([1, 2], "i2"), {"missing_value": 1e20}, [1, 2]),
        (f4(-1, 0, 5, 6), {"valid_min": 0.0, "valid_max": 5.0}, [NAN, 0, 5, NAN]),
        (f4(-1, 0, 5, 6), {"valid_range": np.array([0, 5], "i2")}, [NAN, 0, 5, NAN]),
        (f4(-1, 0, 5, 6), {"valid_min": "0", "valid_max": "5"}, [NAN, 0, 5, NAN]),
        (f4(0.1, 0.2), {"valid_max": 0.1}, [0.1, NAN]),
        (
            np.array([0, 100, -32768], "i2"),
            {"scale_factor": 0.5, "add_offset": 300.0, "missing_value": np.int16(-32768)},
            [300, 350, NAN],
        ),
        (
            np.array([0, -9999], "i2"),
            {"scale_factor": 0.1, "missing_value": -999.9},
            [0, NAN],
        ),
        (
            np.array([0, -9999], "i2"),
            {"scale_factor": np.float32(0.1), "missing_value": "-999.9"},
            [0, NAN],
        ),
        (
            np.array([0, 2], "u1"),
            {"scale_factor": 10.0, "add_offset": -9999.0, "missing_value": -9999.0},
            [NAN, -9979],
        ),
        (
            np.array([0, 2], "u1"),
            {"scale_factor": 10.0, "add_offset": -9999.0, "missing_value": "-9999"},
            [NAN, -9979],
        ),
        (
            np.array([0, -1], "i1"),
            {"_Unsigned": "true", "scale_factor": 1.0, "add_offset": -1.0, "missing_value": -1.0},
            [NAN, 254],
        ),
        (np.array([0, 255], "u1"), {"scale_factor": 0.5, "missing_value": 1e20}, [0, 127.5]),
        (np.array([0, 100], "i2"), {"scale_factor": "0.5", "add_offset": "1"}, [1, 51]),
        (np.array([0, 100], "i2"), {"scale_factor": 0.5, "valid_max": np.int16(99)}, [0, NAN]),
        (np.array([0, 100], "i2"), {"scale_factor": 0.5, "valid_max": 49.0}, [0, NAN]),
        (f4(1, 2), {"scale_factor": 2.0}, [2, 4]),
        (np.array([1, -1], "i1"), {"_Unsigned": "true"}, [1, 255]),
        (np.array([1, -1], "i1"), {"_Unsigned": "false"}, [1, -1]),
        (np.array([1, -1], "i1"), {"_Unsigned": "true", "missing_value": np.int8(-1)}, [1, NAN]),
        (np.array([1, -1], "i1"), {"_Unsigned": "true", "missing_value": 255}, [1, NAN]),
        (np.array([1, -1], "i1"), {"_Unsigned": "true", "valid_max": 254}, [1, NAN]),
        (
            np.array([1, -1], "i1"),
            {"_Unsigned": "true", "valid_range": np.array([0, -1], "i1")},
            [1, 255],
        ),
        (
            np.array([1, -1], "i2"),
            {"_Unsigned": "true", "valid_max": np.int16(-2)},
            [1, NAN],
        ),
        (np.array([1, -1], "i1"), {"_Unsigned": "true", "valid_min": -300}, [1, 255]),
        (np.array([1, -1], "i1"), {"valid_range": np.array([0, 5], "i1")}, [1, NAN]),
        (
            np.array([2, -1], "i1"),
            {"_Unsigned": "true", "scale_factor": 0.5, "add_offset": 1.0},
            [2, 128.5],
        ),
    ],
)
def test_values_mean_what_the_attributes_say(stored, attributes, expected):
    np.testing.assert_allclose(decoded(stored, attributes), expected, rtol=1e-6)


@pytest.mark.parametrize("fill_value", [-9999.0, np.nan, 1e30])
def test_fill_values_are_missing(fill_value):
    stored = np.array([1, fill_value], "f4")
    np.testing.assert_array_equal(decoded(stored, {}, fill_value=fill_value), [1, NAN])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("missing_value", "none"),
        ("missing_value", ""),
        ("valid_min", "low"),
        ("valid_max", [1.0, 2.0]),
        ("valid_range", 5.0),
        ("valid_range", "0 to 5"),
        ("scale_factor", "half"),
        ("scale_factor", 0.0),
        ("scale_factor", np.nan),
        ("scale_factor", [1.0, 2.0]),
        ("add_offset", np.inf),
        ("_Unsigned", "perhaps"),
    ],
)
def test_undecodable_attribute_is_named(name, value):
    with pytest.raises(Undecodable, match=rf"{name} of variable v"):
        decoded(np.array([1, 2], "i2"), {name: value})


VARIABLES = ["U10_curr", "RVORT1_MAX_future", "masks", "time", "track_id", "centroid_lat"]


@pytest.mark.slow
@pytest.mark.parametrize("variable", VARIABLES)
def test_undecodable_attribute_of_any_variable_is_an_error_of_the_file(tmp_path, variable):
    path = write_run_file(tmp_path)
    with netCDF4.Dataset(path, "a") as file:
        file[variable].setncatts({"missing_value": "none"})
    with pytest.raises(BadRunFile, match=rf"missing_value of variable {variable}") as error:
        read_run(path, predictors=["U10_curr"], target="RVORT1_MAX_future")
    assert path.name in str(error.value)
    assert "damaged" not in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("missing", ["1", 1, 1.0])
def test_storms_with_a_missing_value_of_any_variable_are_rejected(tmp_path, variable, missing):
    """The value 1 is missing in storm 2; track_id and masks contain it in others, too."""
    values = run_values()
    values[variable][:] = 0.005 if "future" in variable else 0 if variable != "time" else 12
    values[variable][2] = 1
    path = write_run_file(tmp_path, values)
    with netCDF4.Dataset(path, "a") as file:
        file[variable].setncatts({"missing_value": missing})
    storms = read_run(
        path, predictors=["U10_curr"], target="RVORT1_MAX_future", region="patch", reject=[]
    )
    if variable == "masks":  # not needed
        assert storms.attrs["rejected"] == 0
    else:
        assert "p = 2" in storms.attrs["reason"]
        assert 2 not in storms["patch"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "encode",
    [
        lambda masks: masks.astype("i1"),
        lambda masks: masks.astype("f4"),
        lambda masks: (255 * masks).astype("u1"),
        lambda masks: (255 * masks).astype("u1").view("i1"),
        lambda masks: (-masks).astype("i4"),
    ],
)
def test_masks_may_have_any_single_value_other_than_zero(tmp_path, encode):
    settings = {"predictors": ["U10_curr"], "target": "RVORT1_MAX_future"}
    values = run_values()
    expected = read_run(write_run_file(tmp_path / "usual", values), **settings)
    values["masks"] = encode(values["masks"])
    storms = read_run(write_run_file(tmp_path / "other", values), **settings)
    assert storms.attrs["rejected"] == 0
    np.testing.assert_array_equal(storms["peak"], expected["peak"])


@pytest.mark.slow
def test_masks_with_several_labels_are_a_fault(tmp_path):
    values = run_values()
    values["masks"] *= 2 + np.arange(6, dtype="i4")[:, None, None] // 5
    storms = read_run(
        write_run_file(tmp_path, values), predictors=["U10_curr"], target="RVORT1_MAX_future"
    )
    assert storms.attrs["rejected"] == 6
    assert storms.attrs["reason"].startswith("6 x masks ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encode", "missing"),
    [
        (lambda masks: masks.astype("u1"), np.uint8(0)),
        (lambda masks: (255 * masks).astype("u1"), "0"),
        (lambda masks: np.where(masks == 1, 1, -9999).astype("i4"), np.int32(-9999)),
        (lambda masks: np.where(masks == 1, 1, np.nan).astype("f4"), None),
        (lambda masks: np.where(masks == 1, 1, np.nan).astype("f4"), np.float32("nan")),
    ],
)
def test_masks_may_be_missing_outside_the_storms(tmp_path, encode, missing):
    settings = {"predictors": ["U10_curr"], "target": "RVORT1_MAX_future"}
    values = run_values()
    expected = read_run(write_run_file(tmp_path / "usual", values), **settings)
    values["masks"] = encode(values["masks"])
    path = write_run_file(tmp_path / "other", values)
    if missing is not None:
        with netCDF4.Dataset(path, "a") as file:
            file["masks"].setncatts({"missing_value": missing})
    storms = read_run(path, **settings)
    assert storms.attrs["rejected"] == 0
    np.testing.assert_array_equal(storms["peak"], expected["peak"])


def test_missing_values_of_masks_with_zeros_are_a_fault(tmp_path):
    values = run_values()
    values["masks"] = values["masks"].astype("f4")
    values["masks"][3, 4, 4] = np.nan
    storms = read_run(
        write_run_file(tmp_path, values), predictors=["U10_curr"], target="RVORT1_MAX_future"
    )
    assert "(p = 3)" in storms.attrs["reason"]
    assert storms.attrs["rejected"] == 1


@pytest.mark.slow
def test_masks_may_be_true_and_false(tmp_path):
    settings = {"predictors": ["U10_curr"], "target": "RVORT1_MAX_future"}
    values = run_values()
    path = write_run_file(tmp_path, values)
    expected = read_run(path, **settings)
    with netCDF4.Dataset(path, "a") as file:
        boolean = file.createEnumType("u1", "bool", {"FALSE": 0, "TRUE": 1})
        file.renameVariable("masks", "old")
        masks = file.createVariable("masks", boolean, ("p", "row", "col"))
        masks[:] = values["masks"].astype("u1")
    np.testing.assert_array_equal(read_run(path, **settings)["peak"], expected["peak"])


def test_masks_with_several_values_are_rejected(tmp_path):
    values = run_values()
    values["masks"] = 255 * values["masks"]
    values["masks"][3, 4, 4] = 7
    storms = read_run(
        write_run_file(tmp_path, values), predictors=["U10_curr"], target="RVORT1_MAX_future"
    )
    assert "(p = 3)" in storms.attrs["reason"]
    assert storms.attrs["rejected"] == 1
