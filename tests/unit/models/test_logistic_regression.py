"""The logistic regression sees the mean of each predictor, and recovers a known relation to it."""

import numpy as np

from stormcnn.models.logistic_regression import (
    average_over_patch,
    fit_logistic_regression,
    predict_logistic_regression,
    tabulate_coefficients,
)

VARIABLES = ["REFL_COM_curr", "U10_curr"]


def make_storms(number, seed=0):
    """Noisy patches around a mean per storm, events that depend on the mean of the first variable.

    Returns the patches, the events and their true probabilities.
    """
    draw = np.random.default_rng(seed)
    mean = draw.normal([30, 0], [8, 4], (number, 2))
    patches = mean[:, None, None, :] + draw.normal(0, 3, (number, 4, 4, 2))
    truth = 1 / (1 + np.exp(-(mean[:, 0] - 40) / 4))
    return patches.astype("f4"), draw.random(number) < truth, truth


def test_means_are_those_of_each_patch():
    patches, _, _ = make_storms(2500)
    means = average_over_patch(patches, VARIABLES)
    assert list(means.columns) == VARIABLES
    np.testing.assert_allclose(means, patches.astype(float).mean((1, 2)), rtol=1e-12)


def test_probabilities_of_other_storms_are_close_to_the_truth():
    patches, event, _ = make_storms(4000)
    regression = fit_logistic_regression(average_over_patch(patches, VARIABLES), event)
    others, _, truth = make_storms(4000, seed=1)
    probability = predict_logistic_regression(regression, average_over_patch(others, VARIABLES))
    assert probability.dtype == "float32"
    assert np.abs(probability - truth).mean() < 0.02


def test_table_of_coefficients_gives_the_probabilities():
    patches, event, _ = make_storms(500)
    means = average_over_patch(patches, VARIABLES)
    regression = fit_logistic_regression(means, event)
    table = tabulate_coefficients(regression, means.columns)
    assert table["term"].tolist() == ["intercept", *VARIABLES]
    terms = table[1:]
    scaled = (means - terms["mean"].to_numpy()) / terms["standard_deviation"].to_numpy()
    odds = table["coefficient"][0] + scaled @ terms["coefficient"].to_numpy()
    probability = predict_logistic_regression(regression, means)
    np.testing.assert_allclose(probability, 1 / (1 + np.exp(-odds)), rtol=1e-5)


def test_coefficients_are_finite_for_separable_storms_and_constant_fields():
    patches, _, _ = make_storms(60)
    patches[..., 1] = 7.0
    means = average_over_patch(patches, VARIABLES)
    event = means["REFL_COM_curr"] > 30
    regression = fit_logistic_regression(means, event)
    assert np.isfinite(tabulate_coefficients(regression, means.columns)["coefficient"]).all()
    assert ((predict_logistic_regression(regression, means) > 0.5) == event).mean() > 0.9
