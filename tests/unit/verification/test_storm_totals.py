"""Scores of resamples, computed from sums by run date, are those of the resampled storms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_scores import reference_scores
from sklearn import metrics

from stormcnn.verification import scores
from stormcnn.verification.resampling import resample_blocks
from stormcnn.verification.storm_totals import ForecastByBlock


def made_up_storms(dates=12, storms=20, seed=0, decimals=None):
    """Return probability, event and run date of storms."""
    draw = np.random.default_rng(seed)
    date = np.repeat(np.arange(dates), storms)
    odds = -1.5 + draw.normal(0, 1.2, date.size)
    shift = draw.normal(0, 1, dates)[date]
    event = draw.random(date.size) < 1 / (1 + np.exp(-odds - shift))
    probability = 1 / (1 + np.exp(-odds))
    return probability if decimals is None else probability.round(decimals), event, date


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.integers(0, 8).map(lambda k: k / 8), st.floats(0, 1, width=32)),
            st.booleans(),
            st.integers(0, 4),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_scores_of_a_resample_are_those_of_its_storms(drawn):
    probability, event, run_date = (np.array(column) for column in zip(*drawn, strict=True))
    draws = resample_blocks(run_date, 3)
    found = ForecastByBlock(probability, event, draws.block, 0.05).scores(draws.weights)
    for row, weights in enumerate(draws.weights):
        expected = reference_scores(probability, event, 0.05, weights[draws.block])
        assert [found[name][row] for name in expected] == pytest.approx(
            list(expected.values()), abs=1e-11, nan_ok=True
        )


@pytest.mark.slow
@pytest.mark.parametrize("decimals", [None, 2])
def test_scores_of_a_resample_equal_scikit_learn_to_twelve_digits(decimals):
    probability, event, date = made_up_storms(20, 300, decimals=decimals)
    draws = resample_blocks(date, 20)
    found = ForecastByBlock(probability.astype("f4"), event, draws.block).scores(draws.weights)
    for row, weights in enumerate(draws.weights):
        storm_weights = {"sample_weight": weights[draws.block]}
        p = probability.astype("f4").astype(float)
        clipped = p.clip(1e-7, 1 - 1e-7)
        for name, value in {
            "auc": metrics.roc_auc_score(event, p, **storm_weights),
            "average_precision": metrics.average_precision_score(event, p, **storm_weights),
            "brier_score": metrics.brier_score_loss(event, p, **storm_weights),
            "log_score": metrics.log_loss(event, clipped, **storm_weights),
        }.items():
            assert found[name][row] == pytest.approx(value, abs=1e-12), name


def test_many_resamples_are_scored_in_chunks_without_changing_them():
    probability, event, date = made_up_storms(30, 200)
    draws = resample_blocks(date, 400)
    forecast = ForecastByBlock(probability, event, draws.block, 0.05)
    assert len(list(forecast.totals(draws.weights))) > 2
    whole = forecast.scores(draws.weights)
    part = forecast.scores(draws.weights[390:])
    for name in whole:
        assert whole[name][390:] == pytest.approx(part[name], abs=1e-14)


def test_no_resamples_give_no_scores():
    probability, event, date = made_up_storms()
    found = ForecastByBlock(probability, event, date).scores(np.empty((0, 12)))
    assert {value.shape for value in found.values()} == {(0,)}


def test_curves_of_a_resample_are_those_of_its_storms():
    probability, event, date = made_up_storms(8, 25, decimals=2)
    draws = resample_blocks(date, 10)
    forecast = ForecastByBlock(probability, event, draws.block)
    points = np.linspace(0, 1, 21)
    pod = forecast.pod_at_pofd(draws.weights, points)
    means, frequencies, storms, events = forecast.reliability(draws.weights)
    for row, weights in enumerate(draws.weights):
        p, y = (np.repeat(x, weights[draws.block]) for x in (probability, event))
        pofd, hit_rate, _ = metrics.roc_curve(y, p, drop_intermediate=False)
        assert pod[row] == pytest.approx(np.interp(points, pofd, hit_rate))
        within = scores.bin_of(p) == 2
        assert means[row, 2] == pytest.approx(p[within].mean())
        assert frequencies[row, 2] == pytest.approx(y[within].mean())
        assert (storms[row, 2], events[row, 2]) == (within.sum(), y[within].sum())
