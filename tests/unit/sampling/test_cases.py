"""Case studies are the named storms and others over the range of probability."""

import numpy as np
import pytest
import xarray as xr

from stormcnn.errors import UserError
from stormcnn.io import read_netcdf, write_netcdf
from stormcnn.sampling.cases import choose_cases, describe_cases

PROBABILITY = np.array([0.1, 0.9, 0.5, 0.52, 0.0, 0.3])


def test_cases_span_the_range_of_probability():
    assert choose_cases(PROBABILITY, 3).tolist() == [4, 2, 1]


def test_named_storms_come_first_and_are_not_chosen_twice():
    assert choose_cases(PROBABILITY, 3, [2, 2]).tolist() == [2, 4, 3, 1]


def test_all_storms_are_chosen_if_there_are_fewer_than_cases():
    assert sorted(choose_cases(PROBABILITY, 20)) == list(range(6))


def test_only_named_storms_are_chosen_with_a_count_of_zero():
    assert choose_cases(PROBABILITY, 0, [5]).tolist() == [5]


@pytest.mark.parametrize("storm", [6, -1])
def test_missing_storm_is_named(storm):
    with pytest.raises(UserError, match=rf"uncertainty\.cases\.storms.*{storm}\b"):
        choose_cases(PROBABILITY, 1, [storm])


def test_cases_can_be_selected_and_stacked_by_mc_member(tmp_path):
    forecast = xr.Dataset(
        {"probability": ("storm", PROBABILITY), "label": ("storm", np.arange(6) % 2)},
        coords={"ensemble_member": ("storm", ["d01"] * 6), "patch": ("storm", np.arange(6))},
    )
    probability = np.arange(10, dtype=np.float32).reshape(2, 5) / 10
    storms = xr.Dataset(
        {
            "predictors": (("storm", "y", "x", "variable"), np.zeros((2, 3, 3, 1), np.float32)),
            "masks": (("storm", "y", "x"), np.eye(3, dtype="i1")[None].repeat(2, axis=0)),
        }
    )
    described = describe_cases(forecast, np.array([4, 1]), probability, storms)
    write_netcdf(described, tmp_path / "cases.nc")
    cases = read_netcdf(tmp_path / "cases.nc")
    assert cases["mc_member"].dtype == np.int32
    assert cases["mc_member"].values.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(cases["probability"].sel(mc_member=3), probability[:, 3])
    assert cases.stack(pass_=("storm", "mc_member"))["probability"].values.tolist() == (
        probability.ravel().tolist()
    )
    assert cases["deterministic"].values.tolist() == [0.0, 0.9]
    assert cases["index"].values.tolist() == [4, 1]
