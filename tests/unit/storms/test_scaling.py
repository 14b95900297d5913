"""Merging the statistics of runs, and fitting the scaling to the training period."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stormcnn.errors import UserError
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


@pytest.mark.slow
@given(parts)
def test_merged_moments_equal_those_of_all_values(groups):
    everything = np.concatenate(groups)
    (merged,) = merge_statistics(moments(group) for group in groups)
    assert merged["count"] == everything.size
    assert merged["mean"] == pytest.approx(everything.mean(), abs=1e-10)
    assert merged["std"] == pytest.approx(everything.std(), abs=1e-7)
    assert (merged["minimum"], merged["maximum"]) == (everything.min(), everything.max())


def test_small_deviation_from_a_large_mean_is_precise():
    rng = np.random.default_rng(0)
    groups = [1e6 + shift + rng.normal(0, 1e-3, 1000) for shift in (0, 1e-3, 5e-3)]
    (merged,) = merge_statistics(moments(group) for group in groups)
    assert merged["std"] == pytest.approx(np.concatenate(groups).std(), rel=1e-5)


def statistics_file(path, rows):
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_scaling_uses_only_the_training_period(tmp_path):
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
    with pytest.raises(UserError, match=r"split\.test_start.* 2015-01-01"):
        fit_scaling([file], ["U10_curr"], "2015-01-01")


def test_constant_predictor_is_named(tmp_path):
    file = statistics_file(tmp_path / "s.csv", [moments(np.full(4, 7.0))])
    with pytest.raises(UserError, match=r"U10_curr .*\b7\b"):
        fit_scaling([file], ["U10_curr"], "2015-01-01")


def test_missing_predictor_is_named(tmp_path):
    file = statistics_file(tmp_path / "s.csv", [moments(np.arange(3.0))])
    with pytest.raises(UserError, match="REFL_COM_curr"):
        fit_scaling([file], PREDICTORS, "2015-01-01")
