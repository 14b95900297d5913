"""The simple reference sees the mean of each predictor, and finds what it tells."""

import numpy as np

from stormcnn.models.logistic_regression import (
    describe_fit,
    fit_simple_reference,
    forecast_probability,
    storm_means,
)

VARIABLES = ["REFL_COM_curr", "U10_curr"]


def storms(number, seed=0):
    """Patches of noise around a level of their own, and events that the first level decides."""
    draw = np.random.default_rng(seed)
    level = draw.normal([30, 0], [8, 4], (number, 2))
    patches = level[:, None, None, :] + draw.normal(0, 3, (number, 4, 4, 2))
    chance = 1 / (1 + np.exp(-(level[:, 0] - 40) / 4))
    return patches.astype("f4"), draw.random(number) < chance, chance


def test_means_are_those_of_each_patch():
    data, _, _ = storms(2500)
    found = storm_means(data, VARIABLES)
    assert list(found.columns) == VARIABLES
    expected = data.astype(float).mean((1, 2))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_what_the_means_tell_is_found():
    data, event, _ = storms(4000)
    fit = fit_simple_reference(storm_means(data, VARIABLES), event)
    others, _, chance = storms(4000, seed=1)
    probability = forecast_probability(fit, storm_means(others, VARIABLES))
    assert probability.dtype == "float32"
    assert np.abs(probability - chance).mean() < 0.02


def test_table_of_the_fit_gives_its_probabilities():
    data, event, _ = storms(500)
    means = storm_means(data, VARIABLES)
    fit = fit_simple_reference(means, event)
    table = describe_fit(fit, means.columns)
    assert table["term"].tolist() == ["intercept", *VARIABLES]
    terms = table[1:]
    scaled = (means - terms["mean"].to_numpy()) / terms["standard_deviation"].to_numpy()
    odds = table["coefficient"][0] + scaled @ terms["coefficient"].to_numpy()
    np.testing.assert_allclose(forecast_probability(fit, means), 1 / (1 + np.exp(-odds)), rtol=1e-5)


def test_storms_that_can_be_told_apart_without_error_and_constant_fields_are_fine():
    data, _, _ = storms(60)
    data[..., 1] = 7.0
    means = storm_means(data, VARIABLES)
    event = means["REFL_COM_curr"] > 30
    fit = fit_simple_reference(means, event)
    assert np.isfinite(describe_fit(fit, means.columns)["coefficient"]).all()
    assert ((forecast_probability(fit, means) > 0.5) == event).mean() > 0.9
