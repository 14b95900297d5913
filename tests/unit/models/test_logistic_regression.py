"""The logistic regression sees the mean of each predictor, and recovers a known relation to it."""

import numpy as np
import pandas as pd

from stormcnn.models.logistic_regression import (
    fit_logistic_regression,
    patch_means,
    predict_logistic_regression,
    tabulate_coefficients,
)

MEANS = ["REFL_COM_curr_patch_mean", "U10_curr_patch_mean"]


def make_storms(number, seed=0):
    """Return means of two variables, events that depend on the first, and true probabilities."""
    draw = np.random.default_rng(seed)
    means = pd.DataFrame(draw.normal([30, 0], [8, 4], (number, 2)), columns=MEANS)
    truth = 1 / (1 + np.exp(-(means[MEANS[0]].to_numpy() - 40) / 4))
    return means, draw.random(number) < truth, truth


def test_means_over_the_patch_are_the_only_predictors():
    means, _, _ = make_storms(3)
    features = means.assign(REFL_COM_curr_patch_max=50.0, REFL_COM_curr_storm_mean=40.0)
    pd.testing.assert_frame_equal(patch_means(features), means)


def test_probabilities_of_other_storms_are_close_to_the_truth():
    means, event, _ = make_storms(4000)
    regression = fit_logistic_regression(means, event)
    others, _, truth = make_storms(4000, seed=1)
    probability = predict_logistic_regression(regression, others)
    assert probability.dtype == "float32"
    assert np.abs(probability - truth).mean() < 0.02


def test_table_of_coefficients_gives_the_probabilities():
    means, event, _ = make_storms(500)
    regression = fit_logistic_regression(means, event)
    table = tabulate_coefficients(regression, means.columns)
    assert table["term"].tolist() == ["intercept", *MEANS]
    terms = table[1:]
    scaled = (means - terms["mean"].to_numpy()) / terms["standard_deviation"].to_numpy()
    odds = table["coefficient"][0] + scaled @ terms["coefficient"].to_numpy()
    probability = predict_logistic_regression(regression, means)
    np.testing.assert_allclose(probability, 1 / (1 + np.exp(-odds)), rtol=1e-5)


def test_coefficients_are_finite_for_separable_storms_and_constant_fields():
    means, _, _ = make_storms(60)
    means[MEANS[1]] = 7.0
    event = means[MEANS[0]] > 30
    regression = fit_logistic_regression(means, event)
    assert np.isfinite(tabulate_coefficients(regression, means.columns)["coefficient"]).all()
    assert ((predict_logistic_regression(regression, means) > 0.5) == event).mean() > 0.9
