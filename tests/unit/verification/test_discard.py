"""The discard test averages over the storms that remain, and finds information in the spread."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_scores import reference_scores
from sampled_members import Sampled, logistic, sampled

from stormcnn.verification.discard import DISCARDED, discard_curves, discard_gain
from stormcnn.verification.resampling import Resamples


def curves_of(uncertainty, error, date=None, weights=None) -> np.ndarray:
    date = np.zeros(len(error), int) if date is None else date
    weights = np.ones((1, date.max() + 1)) if weights is None else weights
    resamples = Resamples(np.unique(date), date, weights)
    return discard_curves(uncertainty, [error], resamples)[:, 0]


def noisy_storms() -> Sampled:
    """Return 3,000 storms with true log odds in the members' mean and noise of 0.7 in each."""
    rng = np.random.default_rng(11)
    logit = rng.normal(-3.0, 1.8, (3000, 1))
    truth = logistic(logit[:, 0] + 0.7 * rng.normal(size=3000))
    members = logistic(logit + 0.7 * rng.normal(size=(3000, 40)))
    return sampled(members, rng.random(3000) < truth, truth, runs=200)


def test_discard_curve_worked_out_by_hand():
    uncertainty = np.arange(20)[::-1]
    error = np.arange(20.0)  # the most uncertain storm has the smallest error
    curve = curves_of(uncertainty, error)[0]
    expected = [error[discarded:].mean() for discarded in range(20)]
    np.testing.assert_allclose(curve, expected)
    reversed_order = curves_of(uncertainty[::-1], error)[0]
    assert discard_gain(curve, reversed_order) == pytest.approx(
        np.trapezoid(curve - reversed_order, dx=0.05)
    )


@settings(max_examples=30)
@given(st.permutations(range(25)), st.lists(st.integers(0, 3), min_size=25, max_size=25))
def test_discard_curve_does_not_depend_on_the_order_of_equally_uncertain_storms(order, ties):
    error = np.random.default_rng(0).random(25)
    uncertainty, order = np.array(ties), np.array(order)
    np.testing.assert_allclose(
        curves_of(uncertainty[order], error[order]), curves_of(uncertainty, error)
    )


def test_discard_curve_of_equal_uncertainty_is_flat():
    rng = np.random.default_rng(0)
    for storms in range(10, 60):
        curve = curves_of(np.zeros(storms), rng.random(storms))[0]
        np.testing.assert_allclose(curve, curve[0])


@pytest.mark.slow
def test_first_point_of_every_curve_is_the_score_of_all_storms():
    data = noisy_storms()
    table = data.tables(truth=data.truth).discard
    probability = data.storms["mc_mean"].to_numpy()
    of_all = reference_scores(probability, data.event, np.nan)
    of_all["brier_score_truth"] = ((probability - data.truth) ** 2).mean()
    assert set(table["order"]) == {
        "spread", "mutual_information", "total", "spread_given_probability", "random"
    }  # fmt: skip
    for row in table[table["fraction"] == 0].itertuples():
        assert row.value == pytest.approx(of_all[row.score]), (row.order, row.score)


def test_run_date_drawn_twice_counts_twice():
    rng = np.random.default_rng(2)
    uncertainty, error, date = rng.random(60), rng.random(60), np.arange(60) % 3
    drawn = np.array([2, 0, 1])
    repeated = np.repeat(np.arange(60), drawn[date])
    np.testing.assert_allclose(
        curves_of(uncertainty, error, date, drawn[np.newaxis]),
        curves_of(uncertainty[repeated], error[repeated]),
    )


def test_grouping_of_many_storms_hardly_changes_the_curve():
    rng = np.random.default_rng(2)
    uncertainty, error = rng.random(5000), rng.random(5000)
    ordered = error[np.argsort(uncertainty)]
    exact = [ordered[: round((1 - share) * 5000)].mean() for share in DISCARDED]
    np.testing.assert_allclose(curves_of(uncertainty, error)[0], exact, atol=5e-4)


def test_order_within_similar_probabilities_keeps_the_event_frequency():
    mean = np.repeat([0.2, 0.7], [90, 10])[:, np.newaxis]
    spread = np.random.default_rng(0).uniform(0.01, 0.1, (100, 1)) * [-1, 1]
    table = sampled(mean + spread, np.repeat([0, 1], [90, 10])).tables().discard
    rows = table[(table["order"] == "spread_given_probability") & (table["fraction"] == 0.5)]
    frequency = rows.set_index("score").loc["event_frequency", "value"]
    assert frequency == pytest.approx(0.1, abs=0.005)


def storms_of_two_kinds(truth_of_large: np.ndarray) -> Sampled:
    """Return storms with large and with small spread; the latter are forecast reliably."""
    rng = np.random.default_rng(9)
    logit = rng.normal(-1, 1, truth_of_large.size)
    large = rng.random(logit.size) < 0.5
    noise = np.where(large, 0.8, 0.1)[:, np.newaxis] * rng.normal(size=(logit.size, 30))
    members = logistic(logit[:, np.newaxis] + noise)
    truth = np.where(large, truth_of_large, members.mean(axis=1))
    return sampled(members, rng.random(logit.size) < truth, truth, runs=40)


@pytest.mark.slow
def test_spread_that_is_large_where_probabilities_are_wrong_gains_over_the_control():
    data = storms_of_two_kinds(np.random.default_rng(1).beta(5, 5, 6000))
    table = data.tables(resamples=200, truth=data.truth).scores.set_index("score")
    for score in ("discard_gain", "discard_gain_given_probability"):
        assert table.loc[score, "low"] > 0, score
        assert table.loc[f"{score}_truth", "low"] > 0, score


def test_noise_on_all_logits_gains_nothing_over_the_control():
    values = noisy_storms().values()
    assert abs(values["discard_gain"]) < 0.02 * values["brier_score"]
    assert abs(values["discard_gain_given_probability"]) < 0.06 * values["brier_score"]


def test_setting_aside_uncertain_storms_lowers_error_frequency_and_skill():
    data = noisy_storms()
    table = data.tables().discard.pivot(
        index="fraction", columns=["order", "score"], values="value"
    )
    total = table["total"]
    assert total["brier_score"].iloc[-1] < 0.1 * total["brier_score"].iloc[0]
    assert total["event_frequency"].iloc[-1] < 0.1 * total["event_frequency"].iloc[0]
    assert total["brier_skill_score"].iloc[10] < 0.4 * total["brier_skill_score"].iloc[0]
    random = table["random"]
    for score in random:
        np.testing.assert_allclose(random[score], random[score].iloc[0])
        np.testing.assert_allclose(table["spread"][score].iloc[0], random[score].iloc[0])
