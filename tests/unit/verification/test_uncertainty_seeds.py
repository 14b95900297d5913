"""Means over seeds have intervals and p-values that contain the choice of seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sampled_members import logistic, sampled

from stormcnn.verification.uncertainty_seeds import average_over_seeds


def networks(*biases: float, days: int = 12):
    """Return scored networks whose log odds have these biases, one per seed."""
    draw = np.random.default_rng(days)
    logit = draw.normal(-1, 1, days * 40)
    event = (draw.random(logit.size) < logistic(logit)).astype(int)
    scored = []
    for bias in biases:
        members = logistic(logit[:, np.newaxis] + bias + 0.2 * draw.normal(size=20))
        scored.append(sampled(members, event, runs=days).scored(resamples=100))
    return scored


def mean_rows(scored) -> pd.DataFrame:
    table = average_over_seeds(scored, "dropout", 0.95)
    return table[table["forecast"] == "mc_mean"].set_index("score")


@pytest.mark.slow
def test_mean_is_that_of_the_networks():
    scored = networks(0.3, 0.0, -0.2)
    rows = mean_rows(scored)
    assert set(rows["seed"]) == {"mean"}
    assert (rows["blocks"] == 12).all()
    for score in ("brier_score", "count_bias", "count_coverage_90", "discard_gain"):
        each = [network.scores["mc_mean"][score][0] for network in scored]
        assert rows.loc[score, "value"] == pytest.approx(np.mean(each))
        assert rows.loc[score, "seed_sd"] == pytest.approx(np.std(each, ddof=1))
        assert rows.loc[score, "low"] <= rows.loc[score, "value"] <= rows.loc[score, "high"]
    assert list(rows.reset_index()[scored[0].tables.scores.columns]) == list(
        scored[0].tables.scores
    )


@pytest.mark.slow
def test_bias_of_all_seeds_is_one_of_the_method():
    rows = mean_rows(networks(0.9, 1.0, 1.1))
    assert rows.loc["count_bias", "low"] > 0
    assert rows.loc["count_bias_p_value", "value"] < 0.01


@pytest.mark.slow
def test_biases_of_single_networks_are_none_of_the_method():
    scored = networks(-1.0, 0.1, 1.0)
    for network in (scored[0], scored[2]):
        assert network.scores["mc_mean"]["count_bias_p_value"][0] < 0.01
    rows = mean_rows(scored)
    assert rows.loc["count_bias_p_value", "value"] > 0.05
    assert rows.loc["count_bias", "low"] < 0 < rows.loc["count_bias", "high"]


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "days"), [(2, 12), (3, 9)])
def test_few_seeds_or_blocks_test_nothing_about_the_method(seeds, days):
    rows = mean_rows(networks(*[1.0] * seeds, days=days))
    assert rows.loc[["count_bias_p_value", "count_width_p_value"], "value"].isna().all()
    assert np.isfinite(rows.loc["count_bias", "low"])


def test_one_block_has_no_intervals():
    rows = mean_rows(networks(0.0, 0.1, 0.2, days=1))
    assert rows[["low", "high"]].isna().all(axis=None)
