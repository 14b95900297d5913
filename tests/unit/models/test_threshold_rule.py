"""The threshold rule takes the statistic that tells events best, and gives its frequencies."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from stormcnn.models.threshold_rule import (
    area_under_curve,
    fit_threshold_rule,
    predict_threshold_rule,
    tabulate_rule,
    tabulate_statistics,
)


def make_storms(number, sign=1.0, seed=0):
    """Return statistics of which `wind` decides, events and true probabilities."""
    draw = np.random.default_rng(seed)
    wind = draw.normal(size=number)
    features = pd.DataFrame({"area": draw.integers(1, 5, number), "wind": sign * wind})
    truth = 1 / (1 + np.exp(2 - 2 * wind))
    return features.astype("f4"), draw.random(number) < truth, truth


def test_area_under_the_curve_is_that_of_an_independent_implementation():
    features, event, _ = make_storms(500)
    for name, auc in area_under_curve(features, event).items():
        assert auc == pytest.approx(roc_auc_score(event, features[name]))


@pytest.mark.parametrize("sign", [1, -1])
def test_rule_recovers_the_probability_in_both_directions(sign):
    rule = fit_threshold_rule(*make_storms(5000, sign)[:2])
    assert rule.statistic == "wind"
    others, _, truth = make_storms(2000, sign, seed=1)
    probability = predict_threshold_rule(rule, others)
    assert probability.dtype == "float32"
    assert np.abs(probability - truth).mean() < 0.03
    assert np.corrcoef(others["wind"], probability)[0, 1] * sign > 0.8


def test_no_outcome_is_impossible():
    features, _, _ = make_storms(100)
    event = features["wind"] > 0
    rule = fit_threshold_rule(features, event.to_numpy())
    probability = predict_threshold_rule(rule, features)
    assert probability.min() == pytest.approx(1 / 102)
    assert probability.max() == pytest.approx(101 / 102)


def test_constant_statistics_give_the_event_frequency():
    features = pd.DataFrame({"wind": np.full(40, 3.0)})
    rule = fit_threshold_rule(features, np.arange(40) % 4 == 0)
    np.testing.assert_allclose(predict_threshold_rule(rule, features), 0.25, rtol=1e-6)


def test_tables_describe_the_rule():
    features, event, _ = make_storms(500)
    rule = fit_threshold_rule(features, event)
    table = tabulate_rule(rule)
    probability = np.interp(features["wind"], table["value"], table["probability"])
    np.testing.assert_allclose(predict_threshold_rule(rule, features), probability, rtol=1e-5)
    statistics = tabulate_statistics(rule)
    assert statistics["statistic"].tolist() == ["wind", "area"]
    assert statistics["auc"].min() >= 0.5
