"""Cost-loss ratios lie between 0 and 1, and there may be none."""

from __future__ import annotations

import pytest
from config_helpers import assert_refused, load


@pytest.mark.parametrize("ratios", [[], [0.3], [0.001, 0.999]])
def test_ratios_between_zero_and_one_are_accepted(ratios):
    assert load({"decisions": {"cost_loss": ratios}})["decisions"]["cost_loss"] == ratios


@pytest.mark.parametrize("ratios", [[0], [1], [-0.1], [0.2, 0.2], 0.2, None])
def test_other_ratios_are_refused(ratios):
    assert_refused({"decisions": {"cost_loss": ratios}}, "decisions.cost_loss")
