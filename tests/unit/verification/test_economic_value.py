"""Economic value follows the cost-loss formula, and agrees with that of `scores`."""

import numpy as np
import pytest
import xarray as xr
from scores.plotdata import relative_economic_value as independent_value

from stormcnn.verification.contingency import Contingency, contingency
from stormcnn.verification.economic_value import COST_LOSS_RATIOS, relative_economic_value


def table(hits, misses, false_alarms, correct_negatives):
    return Contingency(
        *(np.array([n], float) for n in (hits, misses, false_alarms, correct_negatives))
    )


@pytest.mark.parametrize(
    ("counts", "cost_loss", "value"),
    [
        # 100 storms, 8 events; loss 1. Never acting costs 8, always acting 10 and 5.
        ((6, 2, 4, 88), 0.1, (8 - (10 * 0.1 + 2)) / (8 - 0.8)),
        ((6, 2, 4, 88), 0.05, (5 - (10 * 0.05 + 2)) / (5 - 0.4)),
        ((6, 2, 4, 88), 0.8, (8 - (10 * 0.8 + 2)) / (8 - 6.4)),  # acting costs more
        ((8, 0, 0, 92), 0.3, 1),  # perfect
        ((0, 8, 0, 92), 0.3, 0),  # never acting, which is cheaper than always acting
        ((8, 0, 92, 0), 0.05, 0),  # always acting, which is cheaper than never acting
    ],
)
def test_value_is_that_computed_by_hand(counts, cost_loss, value):
    assert relative_economic_value(table(*counts), cost_loss) == pytest.approx(value)


@pytest.mark.parametrize("counts", [(0, 0, 4, 96), (70, 30, 0, 0), (0, 0, 0, 0)])
def test_value_is_undefined_without_events_or_other_storms(counts):
    assert np.isnan(relative_economic_value(table(*counts), 0.1))


def test_curve_agrees_with_an_independent_implementation():
    draw = np.random.default_rng(0)
    probability = draw.beta(0.3, 3, 3000)
    event = draw.random(3000) < probability
    # By threshold and ratio; whoever trusts the probability acts at the ratio.
    ratios = COST_LOSS_RATIOS.tolist()
    expected = independent_value(
        xr.DataArray(probability, dims="storm"),
        xr.DataArray(event.astype(float), dims="storm"),
        cost_loss_ratios=ratios,
        probability_thresholds=ratios,
    ).transpose("probability_threshold", "cost_loss_ratio")
    found = relative_economic_value(contingency(probability, event, ratios), COST_LOSS_RATIOS)
    np.testing.assert_allclose(found, np.diagonal(expected), rtol=1e-9, atol=1e-12)
