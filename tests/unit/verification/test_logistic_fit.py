"""Calibration intercept and slope are those of logistic regression, for all resamples at once."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from stormcnn.verification.logistic_fit import fit_intercept, fit_slope
from stormcnn.verification.resampling import resample_blocks
from stormcnn.verification.scores import calibration_intercept, calibration_slope, log_odds
from stormcnn.verification.storm_totals import ForecastByBlock, total_storms


def made_up_storms(size=4000, slope=1.0, bias=0.0, seed=0):
    draw = np.random.default_rng(seed)
    odds = draw.normal(-2.5, 1.5, size)
    event = (draw.random(size) < 1 / (1 + np.exp(-(slope * odds + bias)))).astype(float)
    return 1 / (1 + np.exp(-odds)), event


def fitted(probability, event, weights=None):
    fit = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000)
    fit.fit(log_odds(probability)[:, np.newaxis], event, sample_weight=weights)
    return fit.coef_[0, 0]


@pytest.mark.slow
@pytest.mark.parametrize(("slope", "bias"), [(1, 0), (0.5, 0), (2, 0), (1, 0.7), (0.7, -0.5)])
def test_slope_and_intercept_are_those_of_the_event_frequencies(slope, bias):
    probability, event = made_up_storms(60_000, slope, bias)
    totals = total_storms(probability, event)
    assert calibration_slope(totals) == pytest.approx(slope, rel=0.05)
    assert calibration_slope(totals) == pytest.approx(fitted(probability, event), rel=1e-5)
    if slope == 1:
        assert calibration_intercept(totals) == pytest.approx(bias, abs=0.05)
    corrected = 1 / (1 + np.exp(-log_odds(probability) - calibration_intercept(totals)))
    assert corrected.sum() == pytest.approx(event.sum(), rel=1e-6)


def test_resamples_are_fitted_to_their_storms():
    probability, event = made_up_storms()
    draws = resample_blocks(np.arange(event.size) % 20, 5)
    scores = ForecastByBlock(probability, event, draws.block).scores(draws.weights)
    for row, weights in enumerate(draws.weights):
        expected = fitted(probability, event, weights[draws.block])
        assert scores["calibration_slope"][row] == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(
    ("probability", "event"),
    [
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]),
        ([0.1, 0.5, 0.5, 0.9], [0, 0, 1, 1]),
        ([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1]),
        ([0.3] * 5, [0, 1, 0, 0, 0]),
        ([0.3, 0.4], [1, 1]),
        ([0.3, 0.4], [0, 0]),
    ],
)
def test_slope_that_does_not_exist_is_missing(probability, event):
    assert np.isnan(calibration_slope(total_storms(probability, event)))


def test_probabilities_of_exactly_zero_and_one_have_a_slope():
    probability = np.tile([0.0, 1.0], 50)
    event = probability.copy()
    event[:10] = 1 - event[:10]
    expected = np.log(9) / log_odds(np.array([1.0]))
    assert calibration_slope(total_storms(probability, event)) == pytest.approx(expected)


def test_the_fit_does_not_depend_on_where_the_search_begins():
    draw = np.random.default_rng(0)
    x = np.linspace(-4, 3, 40)
    storms = draw.poisson(3.0, (300, x.size)).astype(float)
    events = draw.binomial(storms.astype(int), 1 / (1 + np.exp(-0.3 - 0.8 * x))).astype(float)
    # A row without events, and one whose events a threshold separates, have no fit.
    events[0] = 0
    events[1] = np.where(x > 0, storms[1], 0)
    together = storms.sum(axis=0), events.sum(axis=0)
    for fit in (fit_intercept, fit_slope):
        expected = fit(x, storms, events)
        np.testing.assert_allclose(fit(x, storms, events, together), expected, atol=1e-8)
    assert np.isnan(expected[:2]).all()
    assert not np.isnan(expected[2:]).any()
