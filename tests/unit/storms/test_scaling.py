"""Moments of runs merge into those of all their values; only the training period counts."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stormcnn.errors import UserError
from stormcnn.models.own_scaling import exchange_scaling
from stormcnn.storms.scaling import fit_scaling, merge_statistics

PREDICTORS = ["REFL_COM_curr", "U10_curr"]


def moments(values, variable="U10_curr", run_date="2010-10-24"):
    return {
        "run_date": run_date,
        "variable": variable,
        "count": values.size,
        "mean": values.mean(),
        "m2": ((values - values.mean()) ** 2).sum(),
        "minimum": values.min(),
        "maximum": values.max(),
    }


parts = st.lists(
    hnp.arrays(np.float64, st.integers(1, 20), elements=st.floats(-100, 100)),
    min_size=1,
    max_size=6,
)


@given(parts)
def test_merged_moments_are_those_of_all_values(groups):
    everything = np.concatenate(groups)
    (merged,) = merge_statistics(moments(group) for group in groups)
    assert merged["count"] == everything.size
    assert merged["mean"] == pytest.approx(everything.mean(), abs=1e-10)
    assert merged["std"] == pytest.approx(everything.std(), abs=1e-7)
    assert (merged["minimum"], merged["maximum"]) == (everything.min(), everything.max())


def test_small_spread_beside_a_large_mean_keeps_its_digits():
    rng = np.random.default_rng(0)
    groups = [1e6 + shift + rng.normal(0, 1e-3, 1000) for shift in (0, 1e-3, 5e-3)]
    (merged,) = merge_statistics(moments(group) for group in groups)
    assert merged["std"] == pytest.approx(np.concatenate(groups).std(), rel=1e-5)


def statistics_file(path, rows):
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_scaling_is_of_the_training_period_only(tmp_path):
    rng = np.random.default_rng(0)
    early, late = rng.normal(5, 2, 50), rng.normal(50, 20, 50)
    file = statistics_file(
        tmp_path / "s.csv",
        [
            moments(early, "U10_curr", "2014-12-31"),
            moments(late, "U10_curr", "2015-01-01"),
            moments(early * 2, "REFL_COM_curr", "2014-12-31"),
        ],
    )
    scaling = pd.DataFrame(fit_scaling([file], PREDICTORS, "2015-01-01"))
    assert scaling["variable"].tolist() == PREDICTORS
    assert list(scaling) == ["variable", "mean", "std", "minimum", "maximum", "count"]
    assert scaling["mean"].tolist() == pytest.approx([2 * early.mean(), early.mean()])
    assert scaling["std"].tolist() == pytest.approx([2 * early.std(), early.std()])


def test_order_of_the_files_does_not_matter(tmp_path):
    rng = np.random.default_rng(0)
    files = [
        statistics_file(
            tmp_path / f"{k}.csv",
            [moments(rng.normal(k, 1, 30)), moments(rng.normal(k, 1, 9), "REFL_COM_curr")],
        )
        for k in range(3)
    ]
    first = pd.DataFrame(fit_scaling(files, PREDICTORS, "2015-01-01"))
    second = pd.DataFrame(fit_scaling(files[::-1], PREDICTORS, "2015-01-01"))
    np.testing.assert_allclose(first["std"], second["std"], rtol=1e-14)


def test_training_period_without_storms_is_refused(tmp_path):
    file = statistics_file(tmp_path / "s.csv", [moments(np.arange(3.0), run_date="2016-01-01")])
    with pytest.raises(UserError, match=r"split\.test_start: no storm of the training period"):
        fit_scaling([file], ["U10_curr"], "2015-01-01")


def test_constant_predictor_is_refused(tmp_path):
    file = statistics_file(tmp_path / "s.csv", [moments(np.full(4, 7.0))])
    with pytest.raises(UserError, match="U10_curr is 7 everywhere"):
        fit_scaling([file], ["U10_curr"], "2015-01-01")


def test_missing_predictor_is_named(tmp_path):
    file = statistics_file(tmp_path / "s.csv", [moments(np.arange(3.0))])
    with pytest.raises(UserError, match="no statistics of REFL_COM_curr"):
        fit_scaling([file], PREDICTORS, "2015-01-01")


def scaling_of(values, variables=PREDICTORS):
    return pd.DataFrame(
        {"variable": variables, "mean": values.mean((0, 1, 2)), "std": values.std((0, 1, 2))}
    )


def test_exchanged_scaling_is_what_the_network_would_have_made_of_its_own_statistics():
    rng = np.random.default_rng(0)
    training = scaling_of(rng.normal([30, 2], [10, 5], (50, 4, 4, 2)))
    patches = rng.normal([20, -3], [5, 9], (50, 4, 4, 2)).astype("f4")
    own = scaling_of(patches)
    exchanged = exchange_scaling(patches, own[::-1], training)
    assert (len(exchanged), exchanged.shape) == (50, patches.shape)
    seen = exchanged[:]
    np.testing.assert_array_equal(exchanged[7:9], seen[7:9])
    assert seen.dtype == "f4"
    scaled = (seen - training["mean"].to_numpy()) / training["std"].to_numpy()
    np.testing.assert_allclose(scaled.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std((0, 1, 2)), 1, rtol=1e-5)
    same = exchange_scaling(patches, training, training)[:]
    np.testing.assert_allclose(same, patches, rtol=1e-6)


def test_variable_without_spread_cannot_be_scaled_by_itself():
    training = scaling_of(np.random.default_rng(0).normal(0, 1, (9, 2, 2, 2)))
    own = training.assign(std=[0.5, 0.0])
    with pytest.raises(UserError, match="U10_curr: the same value everywhere in the test period"):
        exchange_scaling(np.zeros((9, 2, 2, 2)), own, training)
