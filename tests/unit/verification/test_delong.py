"""The test of DeLong agrees with its definition."""

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from stormcnn.verification.delong import delong_test


def made_up_forecasts(noise):
    draw = np.random.default_rng(1)
    odds = draw.normal(-2, 1.5, 300)
    event = draw.random(300) < 1 / (1 + np.exp(-odds))
    first = 1 / (1 + np.exp(-odds))
    return first, np.clip(first + draw.normal(0, noise, 300), 0, 1), event


@pytest.mark.parametrize("noise", [0.05, 0.2])
def test_p_value_is_that_of_the_covariance_of_placements(noise):
    first, second, event = made_up_forecasts(noise)
    first, second = first.round(2), second.round(2)
    wins = [(np.sign(p[event][:, None] - p[~event]) + 1) / 2 for p in (first, second)]
    covariance = np.cov([w.mean(1) for w in wins]) / event.sum()
    covariance += np.cov([w.mean(0) for w in wins]) / (~event).sum()
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    difference = roc_auc_score(event, first) - roc_auc_score(event, second)
    expected = math.erfc(abs(difference) / math.sqrt(2 * variance))
    assert delong_test(first, second, event) == pytest.approx(expected, rel=1e-9)
    assert delong_test(second, first, event) == pytest.approx(expected, rel=1e-9)


def test_forecasts_of_one_ranking_do_not_differ():
    first, _, event = made_up_forecasts(noise=0.2)
    assert delong_test(first, first**3, event) == 1


def test_single_event_gives_no_test():
    assert math.isnan(delong_test([0.1, 0.2, 0.3], [0.1, 0.2, 0.4], [0, 0, 1]))
