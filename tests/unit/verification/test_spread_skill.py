"""Spread-skill diagrams hold every storm, and their bins average to the scores."""

from __future__ import annotations

import numpy as np
import pytest
from sampled_members import sampled


def test_every_storm_is_in_a_bin_and_bins_average_to_the_scores():
    draw = np.random.default_rng(0)
    members, truth = draw.random((1000, 10)), draw.random(1000)
    data = sampled(members, draw.random(1000) < truth, truth)
    values, table = data.values(), data.tables(truth=data.truth).spread_skill
    assert set(table["kind"]) == {"epistemic", "total"}
    squared_error = (members.mean(axis=1) - truth) ** 2
    for kind, prefix, noise in (("epistemic", "", 0), ("total", "total_", truth * (1 - truth))):
        bins = table[table["kind"] == kind]
        assert bins["storms"].tolist() == [100] * 10
        assert (bins["error"] ** 2).mean() == pytest.approx(values["brier_score"])
        assert bins["observed_frequency"].mean() == pytest.approx(data.event.mean())
        assert (bins["error_truth"] ** 2).mean() == pytest.approx((squared_error + noise).mean())
        for column, suffix in (("error", ""), ("error_truth", "_truth")):
            departure = (bins[column] - bins["spread"]).abs().mean()
            name = f"{prefix}spread_skill_reliability{suffix}"
            assert values[name] == pytest.approx(departure), name


def test_bins_worked_out_by_hand():
    members = [[0.1, 0.1], [0.2, 0.2], [0.2, 0.6], [0.2, 0.6]]
    table = sampled(members, [0, 1, 0, 1], runs=1).tables().spread_skill
    bins = table[table["kind"] == "epistemic"]
    np.testing.assert_array_equal(bins["storms"], [2, 2])
    np.testing.assert_allclose(bins["spread"], [0, np.sqrt(1.5 * 0.08)], atol=1e-12)
    np.testing.assert_allclose(
        bins["error"] ** 2, [(0.1**2 + 0.8**2) / 2, (0.4**2 + 0.6**2) / 2], atol=1e-12
    )
    np.testing.assert_allclose(bins["forecast_mean"], [0.15, 0.4])
    np.testing.assert_allclose(bins["observed_frequency"], [0.5, 0.5])


def test_single_member_has_no_diagram_of_its_spread():
    draw = np.random.default_rng(0)
    data = sampled(draw.random((40, 1)), draw.integers(0, 2, 40))
    assert set(data.tables().spread_skill["kind"]) == {"total"}
