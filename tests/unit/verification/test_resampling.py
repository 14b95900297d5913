"""Resampling run dates: exact, reproducible, and honest where storms of a run are alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from stormcnn.verification import scores
from stormcnn.verification.resampling import (
    ForecastByDate,
    centre,
    contingency_by_date,
    holm,
    interval,
    p_value,
    resample_dates,
)


def made_up_storms(dates=12, storms=20, alike=1.0, seed=0, decimals=None):
    """Probability, event and run date; `alike` is how much the true odds vary with the date."""
    draw = np.random.default_rng(seed)
    date = np.repeat(np.arange(dates), storms)
    odds = -1.5 + draw.normal(0, 1.2, date.size)
    event = draw.random(date.size) < 1 / (
        1 + np.exp(-odds - alike * draw.normal(0, 1, dates)[date])
    )
    probability = 1 / (1 + np.exp(-odds))
    return probability if decimals is None else probability.round(decimals), event, date


def scores_of(probability, event, date, resamples=400, seed=0):
    drawn = resample_dates(date, resamples, seed)
    return ForecastByDate(probability, event, drawn.date, 0.05).scores(drawn.weights)


def width(samples):
    low, high = interval(samples, 0.95)
    return high - low


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.integers(0, 8).map(lambda k: k / 8), st.floats(0, 1, width=32)),
            st.booleans(),
            st.integers(0, 4),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_scores_of_a_resample_are_those_of_its_storms(drawn):
    probability, event, run_date = (np.array(column) for column in zip(*drawn, strict=True))
    draws = resample_dates(run_date, 3)
    found = ForecastByDate(probability, event, draws.date, 0.05).scores(draws.weights)
    for row, weights in enumerate(draws.weights):
        expected = scores.all_scores(probability, event, 0.05, weights[draws.date])
        assert {name: values[row] for name, values in found.items()} == pytest.approx(
            expected, abs=1e-11, nan_ok=True
        )


@pytest.mark.parametrize("decimals", [None, 2])
def test_scores_of_a_resample_equal_scikit_learn_to_twelve_digits(decimals):
    probability, event, date = made_up_storms(20, 300, decimals=decimals)
    draws = resample_dates(date, 20)
    found = ForecastByDate(probability.astype("f4"), event, draws.date).scores(draws.weights)
    for row, weights in enumerate(draws.weights):
        given_weights = {"sample_weight": weights[draws.date]}
        p = probability.astype("f4").astype(float)
        held = p.clip(1e-7, 1 - 1e-7)
        for name, value in {
            "auc": metrics.roc_auc_score(event, p, **given_weights),
            "average_precision": metrics.average_precision_score(event, p, **given_weights),
            "brier_score": metrics.brier_score_loss(event, p, **given_weights),
            "log_score": metrics.log_loss(event, held, **given_weights),
        }.items():
            assert found[name][row] == pytest.approx(value, abs=1e-12), name


def test_many_resamples_are_worked_in_pieces_without_changing_them():
    probability, event, date = made_up_storms(30, 200)
    draws = resample_dates(date, 400)
    forecast = ForecastByDate(probability, event, draws.date, 0.05)
    assert len(list(forecast._chunks(draws.weights))) > 2
    whole = forecast.scores(draws.weights)
    part = forecast.scores(draws.weights[390:])
    for name in whole:
        assert whole[name][390:] == pytest.approx(part[name], abs=1e-14)


def test_draws_are_the_same_for_the_same_seed_in_any_order_of_storms():
    date = np.array(["2015-05-01", "2015-05-03", "2015-05-02", "2015-05-01"], "datetime64[D]")
    first, again = resample_dates(date, 50, seed=4), resample_dates(date[::-1], 50, seed=4)
    assert (first.weights == again.weights).all()
    assert (first.date == again.date[::-1]).all()
    assert (first.weights.sum(axis=1) == 3).all()
    assert (first.weights != resample_dates(date, 50, seed=5).weights).any()
    assert first.weights[:2].tolist() == [[1, 1, 1], [2, 0, 1]]


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


def test_interval_of_run_dates_holds_the_truth_where_that_of_storms_does_not():
    truth = scores.brier_score(*made_up_storms(20000, 20, alike=1.5, seed=99)[:2])
    held = {"run dates": 0, "storms": 0}
    for seed in range(60):
        probability, event, date = made_up_storms(25, 20, alike=1.5, seed=seed)
        for by, groups in (("run dates", date), ("storms", np.arange(date.size))):
            samples = scores_of(probability, event, groups, 100)["brier_score"]
            low, high = interval(samples, 0.9)
            held[by] += low <= truth <= high
    assert held["run dates"] >= 48
    assert held["storms"] <= 40


def test_curves_of_a_resample_are_those_of_its_storms():
    probability, event, date = made_up_storms(8, 25, decimals=2)
    draws = resample_dates(date, 10)
    forecast = ForecastByDate(probability, event, draws.date)
    points = np.linspace(0, 1, 21)
    pod = forecast.pod_at_pofd(draws.weights, points)
    pod_there = forecast.pod_at_success_ratio(draws.weights, points)
    tables = contingency_by_date(probability, event, draws, points)
    means, frequencies = forecast.reliability(draws.weights)
    for row, weights in enumerate(draws.weights):
        p, y = (np.repeat(x, weights[draws.date]) for x in (probability, event))
        pofd, hit_rate, _ = metrics.roc_curve(y, p, drop_intermediate=False)
        assert pod[row] == pytest.approx(np.interp(points, pofd, hit_rate))
        counts = scores.contingency(p, y, np.unique(p))
        expected = [counts.pod[counts.success_ratio >= x].max(initial=0) for x in points]
        assert pod_there[row] == pytest.approx(expected)
        assert tables.csi[row] == pytest.approx(scores.contingency(p, y, points).csi, nan_ok=True)
        assert tables.correct_negatives[row].tolist() == [(~y & (p < x)).sum() for x in points]
        within = scores.bin_of(p) == 2
        assert means[row, 2] == pytest.approx(p[within].mean())
        assert frequencies[row, 2] == pytest.approx(y[within].mean())


def test_interval_takes_the_percentiles():
    low, high = interval(np.column_stack([np.arange(101), -np.arange(101)]), 0.9)
    assert low.tolist() == pytest.approx([5, -95])
    assert high.tolist() == pytest.approx([95, -5])


def test_value_that_many_resamples_lack_has_no_interval():
    samples = np.arange(100.0)
    samples[:5] = np.nan
    assert np.isfinite(interval(samples, 0.95)).all()
    samples[5] = np.nan
    assert np.isnan(interval(samples, 0.95)).all()
    assert np.isnan(interval(np.empty((0, 3)), 0.95)).all()


def test_p_value_counts_the_resamples_on_the_other_side_of_zero():
    assert p_value([1, 2, 3, -1, 4, 5, 6, 7, 8]) == pytest.approx(2 * (1 + 1) / 10)
    assert p_value(-np.arange(1, 1000)) == pytest.approx(2 / 1000)
    assert p_value(np.zeros(99)) == 1
    assert p_value([1, 2, np.nan, 4, 5, 6, 7, 8, 9]) == pytest.approx(2 * (1 + 1) / 10)
    assert np.isnan(p_value([]))


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
        small += p_value(first["brier_score"] - second["brier_score"]) <= 0.1
    assert 2 <= small <= 17  # 8 expected


def test_holm_worked_by_hand():
    corrected = holm([0.01, 0.04, np.nan, 0.03, 0.005])
    assert corrected == pytest.approx([0.03, 0.06, np.nan, 0.06, 0.02], nan_ok=True)
    assert holm([0.6, 0.7]).tolist() == [1, 1]


def test_reliability_of_a_reliable_forecast_is_not_told_from_zero():
    holds_zero = {"murphy_reliability": 0, "corp_miscalibration": 0}
    for seed in range(30):
        probability, event, date = made_up_storms(30, 40, alike=0, seed=seed)
        values = scores.all_scores(probability, event, 0.05)
        samples = scores_of(probability, event, date, 100)
        for score in holds_zero:
            assert interval(samples[score], 0.95)[0] > 0
            low, _ = interval(centre(score, values[score], samples[score]), 0.95)
            holds_zero[score] += low <= 0
    assert holds_zero["murphy_reliability"] >= 27
    assert holds_zero["corp_miscalibration"] >= 20


def test_only_scores_that_fit_noise_are_reflected():
    samples = np.array([1.0, 2.0])
    assert centre("murphy_reliability", 1.0, samples).tolist() == [1, 0]
    assert centre("brier_score", 1.0, samples) is samples
