"""Intervals and p-values from resampled run dates are exact, reproducible, and cover the truth."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from stormcnn.verification.resampling import holm, interval, p_value, reflect, resample_blocks
from stormcnn.verification.score_registry import SCORES
from stormcnn.verification.storm_totals import ForecastByBlock


def made_up_storms(dates=12, storms=20, alike=1.0, seed=0):
    """Return probability, event and run date; the log odds of a date vary by `alike`."""
    draw = np.random.default_rng(seed)
    date = np.repeat(np.arange(dates), storms)
    odds = -1.5 + draw.normal(0, 1.2, date.size)
    event = draw.random(date.size) < 1 / (
        1 + np.exp(-odds - alike * draw.normal(0, 1, dates)[date])
    )
    return 1 / (1 + np.exp(-odds)), event, date


def scores_of(probability, event, date, resamples=400, seed=0):
    drawn = resample_blocks(date, resamples, seed)
    return ForecastByBlock(probability, event, drawn.block, 0.05).scores(drawn.weights)


def percentiles(samples, confidence=0.95):
    """Return the interval of so many blocks that no correction is needed."""
    return interval(np.mean(samples, axis=0), samples, confidence, 10**6)


def width(samples):
    low, high = percentiles(samples)
    return high - low


def test_draws_are_the_same_for_the_same_seed_in_any_order_of_storms():
    date = np.array(["2015-05-01", "2015-05-03", "2015-05-02", "2015-05-01"], "datetime64[D]")
    first, again = resample_blocks(date, 50, seed=4), resample_blocks(date[::-1], 50, seed=4)
    assert (first.weights == again.weights).all()
    assert (first.block == again.block[::-1]).all()
    assert (first.weights.sum(axis=1) == 3).all()
    assert (first.weights != resample_blocks(date, 50, seed=5).weights).any()
    assert first.weights[:2].tolist() == [[1, 1, 1], [2, 0, 1]]


@pytest.mark.slow
def test_one_storm_a_date_gives_the_interval_of_independent_storms():
    probability, event, _ = made_up_storms(1, 2000)
    errors = (probability - event) ** 2
    found = scores_of(probability, event, np.arange(2000), resamples=1000)
    expected = 2 * 1.96 * errors.std() / np.sqrt(2000)
    assert width(found["brier_score"]) == pytest.approx(expected, rel=0.08)
    draw = np.random.default_rng(1)
    picks = draw.integers(0, 2000, (200, 2000))
    areas = [metrics.roc_auc_score(event[pick], probability[pick]) for pick in picks]
    assert width(found["auc"]) == pytest.approx(width(areas), rel=0.15)


def test_copies_of_a_storm_within_its_date_add_no_certainty():
    probability, event, _ = made_up_storms(40, 1)
    once = scores_of(probability, event, np.arange(40))
    copied = scores_of(*(np.repeat(x, 7) for x in (probability, event, np.arange(40))))
    for name in set(once) - {"spiegelhalter_z"}:
        assert copied[name] == pytest.approx(once[name], abs=1e-12, nan_ok=True), name


@pytest.mark.slow
def test_interval_of_run_dates_holds_the_truth_where_that_of_storms_does_not():
    probability, event, _ = made_up_storms(20000, 20, alike=1.5, seed=99)
    truth = ((probability - event) ** 2).mean()
    covered = {"run dates": 0, "storms": 0}
    for seed in range(60):
        probability, event, date = made_up_storms(25, 20, alike=1.5, seed=seed)
        for by, groups in (("run dates", date), ("storms", np.arange(date.size))):
            samples = scores_of(probability, event, groups, 100)["brier_score"]
            low, high = percentiles(samples, 0.9)
            covered[by] += low <= truth <= high
    assert covered["run dates"] >= 48
    assert covered["storms"] <= 40


def test_interval_takes_the_percentiles():
    samples = np.column_stack([np.arange(101), -np.arange(101)])
    low, high = interval([50, -50], samples, 0.9, 10**6)
    assert low.tolist() == pytest.approx([5, -95], abs=0.01)
    assert high.tolist() == pytest.approx([95, -5], abs=0.01)


def test_distance_of_the_percentiles_grows_by_the_t_distribution():
    samples = np.arange(101.0)
    _, many = interval(40, samples, 0.95, 10**6)
    _, few = interval(40, samples, 0.95, 10)
    expected = np.sqrt(10 / 9) * stats.t.ppf(0.975, 9) / stats.norm.ppf(0.975)
    assert (few - 40) / (many - 40) == pytest.approx(expected, rel=1e-4)
    assert np.isnan(interval(40, samples, 0.95, 1)).all()


def test_interval_needs_as_many_resamples_as_have_the_percentiles_among_them():
    assert np.isfinite(interval(0, np.arange(39), 0.95, 20)).all()
    assert np.isnan(interval(0, np.arange(38), 0.95, 20)).all()


def test_value_that_many_resamples_lack_has_no_interval():
    samples = np.arange(100.0)
    samples[:5] = np.nan
    assert np.isfinite(interval(50, samples, 0.95, 20)).all()
    samples[5] = np.nan
    assert np.isnan(interval(50, samples, 0.95, 20)).all()
    assert np.isnan(interval(np.zeros(3), np.empty((0, 3)), 0.95, 20)).all()


def test_p_value_counts_the_resamples_on_the_other_side_of_zero():
    many = 10**6
    assert p_value(4, [1, 2, 3, -1, 4, 5, 6, 7, 8], many) == pytest.approx(2 * (1 + 1) / 10)
    assert p_value(-500, -np.arange(1, 1000), many) == pytest.approx(2 / 1000)
    assert p_value(0, np.zeros(99), many) == 1
    assert p_value(5, [1, 2, np.nan, 4, 5, 6, 7, 8, 9], many) == pytest.approx(2 * (1 + 1) / 10)
    assert np.isnan(p_value(0, [], many))
    assert np.isnan(p_value(1, [1, 2], 1))
    assert np.isnan(p_value(np.nan, [1, 2], many))


@pytest.mark.parametrize("blocks", [3, 10, 40])
@pytest.mark.parametrize("value", [-1.7, 1.2, 2.2, 3.0])
def test_p_value_is_small_if_and_only_if_the_interval_excludes_zero(blocks, value):
    samples = value + np.random.default_rng(0).gamma(3, 0.6, 999) - 1.8
    p = p_value(value, samples, blocks)
    for confidence in np.linspace(0.5, 0.99, 30):
        low, high = interval(value, samples, confidence, blocks)
        if abs(p - (1 - confidence)) > 0.004:
            assert (p < 1 - confidence) == (low > 0 or high < 0)


@pytest.mark.slow
def test_p_values_of_equal_models_are_rarely_small():
    small = 0
    for seed in range(80):
        draw = np.random.default_rng(seed)
        odds = draw.normal(-1.5, 1.2, 600)
        event = draw.random(600) < 1 / (1 + np.exp(-odds))
        date = np.repeat(np.arange(30), 20)
        first, second = (
            scores_of(1 / (1 + np.exp(-odds - draw.normal(0, 0.5, 600))), event, date, 99)
            for _ in range(2)
        )
        resampled = first["brier_score"] - second["brier_score"]
        small += p_value(resampled.mean(), resampled, 30) <= 0.1
    assert 2 <= small <= 17  # 8 expected


def test_holm_worked_by_hand():
    corrected = holm([0.01, 0.04, np.nan, 0.03, 0.005])
    assert corrected == pytest.approx([0.03, 0.06, np.nan, 0.06, 0.02], nan_ok=True)
    assert holm([0.6, 0.7]).tolist() == [1, 1]


@pytest.mark.slow
def test_interval_of_the_reliability_of_a_reliable_forecast_contains_zero():
    contains_zero = {"murphy_reliability": 0, "corp_miscalibration": 0}
    for seed in range(30):
        probability, event, date = made_up_storms(30, 40, alike=0, seed=seed)
        draws = resample_blocks(date, 100)
        forecast = ForecastByBlock(probability, event, draws.block)
        values, samples = forecast.values(), forecast.scores(draws.weights)
        for score in contains_zero:
            assert percentiles(samples[score])[0] > 0
            low, _ = interval(
                values[score], reflect(values[score], samples[score]), 0.95, draws.blocks.size
            )
            contains_zero[score] += low <= 0
    assert contains_zero["murphy_reliability"] >= 27
    assert contains_zero["corp_miscalibration"] >= 20
    assert all(SCORES[score].departure for score in contains_zero)
