"""Scores agree with numbers worked by hand, with other libraries, and with their own identities."""

import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scores.categorical import BinaryContingencyManager
from scores.probability import isotonic_fit
from sklearn import metrics

from stormcnn.errors import UserError
from stormcnn.verification import scores

PROBABILITY = np.array([0.9, 0.7, 0.4, 0.4, 0.1])
EVENT = np.array([1, 0, 1, 0, 0])

BY_HAND = {
    "auc": 4.5 / 6,
    "brier_score": (0.01 + 0.49 + 0.36 + 0.16 + 0.01) / 5,
    "brier_score_climatology": 0.4 * 0.6,
    "brier_skill_score": 1 - 0.206 / 0.24,
    "brier_score_climatology_training": (2 * 0.81 + 3 * 0.01) / 5,
    "brier_skill_score_training": 1 - 0.206 / 0.33,
    "log_score": -np.log(0.9 * 0.3 * 0.4 * 0.6 * 0.9) / 5,
    "average_precision": 0.5 * 1 + 0.5 * 2 / 4,
    "corp_miscalibration": 0.206 - 2 / 15,  # 0.4, 0.4 and 0.7 are recalibrated to 1/3
    "corp_discrimination": 0.24 - 2 / 15,
    "corp_uncertainty": 0.24,
    "murphy_reliability": (0.01 + 0.49 + 2 * 0.01 + 0.01) / 5,
    "murphy_resolution": (0.36 + 0.16 + 2 * 0.01 + 0.16) / 5,
    "murphy_uncertainty": 0.24,
    "murphy_within_bin_variance": 0,
    "murphy_within_bin_covariance": 0,
    "critical_success_index_best": 0.5,  # at 0.9 and again at 0.4
    "best_threshold": 0.9,
    "spiegelhalter_z": 0.16 / np.sqrt(0.168),
    "mean_probability": 0.5,
    "event_frequency": 0.4,
}

some_cases = settings(deadline=None, max_examples=25)
probabilities = st.one_of(
    st.floats(0, 1), st.floats(0, 1, width=32), st.integers(0, 20).map(lambda k: k / 20)
)
storms = st.lists(
    st.tuples(probabilities, st.booleans(), st.integers(0, 3)), min_size=1, max_size=40
).filter(lambda drawn: any(weight for _, _, weight in drawn))


def arrays(drawn):
    probability, event, weight = (np.array(column) for column in zip(*drawn, strict=True))
    return probability, event, weight


def made_up_forecast(size=3000, slope=1.0, seed=0):
    """Storms with true chances, forecast with their log odds times `slope`: 1 is calibrated."""
    draw = np.random.default_rng(seed)
    odds = draw.normal(-2, 1.5, size)
    event = draw.random(size) < 1 / (1 + np.exp(-odds))
    return 1 / (1 + np.exp(-slope * odds)), event


@pytest.mark.parametrize("score", BY_HAND)
def test_score_worked_by_hand(score):
    given_scores = scores.all_scores(PROBABILITY, EVENT, training_climatology=0.1)
    assert given_scores[score] == pytest.approx(BY_HAND[score], abs=1e-15)


def test_every_score_is_worked_by_hand():
    assert list(scores.all_scores(PROBABILITY, EVENT, 0.1)) == list(BY_HAND)


@given(storms)
@some_cases
def test_weights_count_storms(drawn):
    probability, event, weight = arrays(drawn)
    weighted = scores.all_scores(probability, event, 0.05, weight)
    repeated = scores.all_scores(np.repeat(probability, weight), np.repeat(event, weight), 0.05)
    assert weighted == pytest.approx(repeated, abs=1e-9, nan_ok=True)


@given(storms)
@some_cases
def test_decompositions_add_up_to_the_brier_score(drawn):
    probability, event, weight = arrays(drawn)
    brier = scores.brier_score(probability, event, weight)
    murphy = scores.murphy_decomposition(probability, event, weight)
    assert (
        murphy.reliability
        - murphy.resolution
        + murphy.uncertainty
        + murphy.within_bin_variance
        - murphy.within_bin_covariance
    ) == pytest.approx(brier, abs=1e-14)
    corp = scores.corp_decomposition(probability, event, weight)
    assert corp.miscalibration - corp.discrimination + corp.uncertainty == pytest.approx(
        brier, abs=1e-14
    )
    assert min(corp) >= -1e-15


@given(storms)
@some_cases
def test_auc_is_the_share_of_pairs_in_the_right_order(drawn):
    probability, event, _ = arrays(drawn)
    pairs = np.sign(probability[event][:, None] - probability[~event])
    expected = (pairs.mean() + 1) / 2 if pairs.size else np.nan
    assert scores.auc(probability, event) == pytest.approx(expected, nan_ok=True)


@given(storms, st.lists(probabilities, min_size=1))
@some_cases
def test_contingency_tables_count_storms_at_and_above_the_threshold(drawn, thresholds):
    probability, event, _ = arrays(drawn)
    table = scores.contingency(probability, event, thresholds)
    for k, threshold in enumerate(thresholds):
        forecast = probability >= threshold
        assert table.hits[k] == (forecast & event).sum()
        assert table.misses[k] == (~forecast & event).sum()
        assert table.false_alarms[k] == (forecast & ~event).sum()
        assert table.correct_negatives[k] == (~forecast & ~event).sum()


def test_contingency_scores_are_those_of_the_scores_package():
    probability, event = made_up_forecast(200)
    thresholds = [0, 0.1, 0.2, 0.3, 1]
    table = scores.contingency(probability, event, thresholds)
    for k, threshold in enumerate(thresholds):
        manager = BinaryContingencyManager(
            xr.DataArray((probability >= threshold).astype(float)),
            xr.DataArray(event.astype(float)),
        )
        for ours, theirs in {
            "pod": "probability_of_detection",
            "pofd": "probability_of_false_detection",
            "success_ratio": "success_ratio",
            "csi": "critical_success_index",
            "frequency_bias": "frequency_bias",
            "peirce_skill_score": "peirce_skill_score",
            "heidke_skill_score": "heidke_skill_score",
            "equitable_threat_score": "equitable_threat_score",
        }.items():
            expected = float(getattr(manager, theirs)())
            expected = expected if np.isfinite(expected) else np.nan
            assert getattr(table, ours)[k] == pytest.approx(expected, abs=1e-12, nan_ok=True)
        if 0 < threshold < 1:
            assert table.symmetric_extremal_dependence_index[k] == pytest.approx(
                float(manager.symmetric_extremal_dependence_index())
            )
        else:
            assert np.isnan(table.symmetric_extremal_dependence_index[k])


def test_threshold_equal_to_a_probability_forecasts_the_event():
    table = scores.contingency([0.5], [1], [0.5, np.nextafter(0.5, 1)])
    assert table.hits.tolist() == [1, 0]


@given(storms)
@some_cases
def test_best_threshold_gives_the_best_critical_success_index(drawn):
    probability, event, _ = arrays(drawn)
    best, threshold = scores.best_critical_success_index(probability, event)
    if event.any():
        csi = {
            value: ((probability >= value) & event).sum() / ((probability >= value) | event).sum()
            for value in probability
        }
        assert best == pytest.approx(max(csi.values()))
        assert threshold == max(value for value in csi if csi[value] == best)
    else:
        assert np.isnan([best, threshold]).all()


def test_corp_agrees_with_the_isotonic_fit_of_the_scores_package():
    probability, event = made_up_forecast(500, slope=1.5)
    probability = probability.round(2)
    fit = isotonic_fit(probability, event.astype(float))
    recalibrated = np.interp(probability, fit["fcst_sorted"], fit["regression_values"])
    corp = scores.corp_decomposition(probability, event)
    best = ((recalibrated - event) ** 2).mean()
    assert corp.miscalibration == pytest.approx(((probability - event) ** 2).mean() - best)


def test_brier_score_of_single_precision_probabilities_is_summed_in_double_precision():
    probability, event = made_up_forecast(3000)
    single = probability.astype("float32")
    exact = np.mean([(float(p) - y) ** 2 for p, y in zip(single, event, strict=True)])
    assert scores.brier_score(single, event) == pytest.approx(exact, rel=1e-14)


def test_delong_agrees_with_the_covariance_of_placements():
    first, event = made_up_forecast(300)
    second = np.clip(first + np.random.default_rng(1).normal(0, 0.05, 300), 0, 1)
    wins = [
        (np.sign(p[event][:, None] - p[~event]) + 1) / 2 for p in (first.round(2), second.round(2))
    ]
    covariance = np.cov([w.mean(1) for w in wins]) / event.sum()
    covariance += np.cov([w.mean(0) for w in wins]) / (~event).sum()
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    test = scores.delong_test(first.round(2), second.round(2), event)
    assert test.difference == pytest.approx(
        scores.auc(first.round(2), event) - scores.auc(second.round(2), event)
    )
    assert test.standard_error == pytest.approx(np.sqrt(variance))


def test_delong_p_value_is_two_sided_and_normal():
    first, event = made_up_forecast(300)
    noisy = np.clip(first + np.random.default_rng(1).normal(0, 0.2, 300), 0, 1)
    for test in (scores.delong_test(first, noisy, event), scores.delong_test(noisy, first, event)):
        z = abs(test.difference) / test.standard_error
        assert test.p_value == pytest.approx(math.erfc(z / math.sqrt(2)), rel=1e-9)


def test_delong_finds_no_difference_between_forecasts_of_one_ranking():
    first, event = made_up_forecast(300)
    assert scores.delong_test(first, first**3, event) == (0, 0, 1)
    assert np.isnan(scores.delong_test([0.1, 0.2, 0.3], [0.1, 0.2, 0.4], [0, 0, 1])).all()


def test_calibrated_forecast_passes_and_others_fail_in_their_direction():
    def z(slope):
        return scores.spiegelhalter_z(*made_up_forecast(20000, slope))

    assert abs(z(slope=1)) < 2
    assert z(slope=1.4) > 5
    assert z(slope=0.7) < -5


def test_spiegelhalter_z_of_calibrated_forecasts_is_standard_normal():
    z = [scores.spiegelhalter_z(*made_up_forecast(500, seed=seed)) for seed in range(400)]
    assert np.mean(z) == pytest.approx(0, abs=0.15)
    assert np.std(z) == pytest.approx(1, abs=0.12)


def test_recalibration_gains_what_the_forecast_lost_to_the_truth():
    truth, event = made_up_forecast(20000)
    stretched, _ = made_up_forecast(20000, slope=1.6)
    lost = np.mean((stretched - truth) ** 2)
    assert scores.corp_decomposition(stretched, event).miscalibration == pytest.approx(
        lost, rel=0.15
    )
    assert scores.corp_decomposition(truth, event).miscalibration < lost / 5


@pytest.mark.parametrize("event", [np.zeros(4), np.ones(4)])
def test_single_class_has_no_auc_and_no_skill(event):
    found = scores.all_scores([0.0, 0.2, 0.2, 1.0], event, 0.05)
    assert np.isnan([found["auc"], found["brier_skill_score"]]).all()
    assert np.isnan(found["average_precision"]) == (not event.any())
    assert np.isfinite(
        [found["brier_score"], found["log_score"], found["corp_miscalibration"]]
    ).all()


def test_certain_probabilities_have_finite_scores():
    found = scores.all_scores([0.0, 1.0, 1.0, 0.0], [0, 1, 0, 0], 0.05)
    assert found["log_score"] == pytest.approx(-np.log(1e-7) / 4, rel=1e-6)
    assert found["brier_score"] == 0.25
    assert np.isnan(found["spiegelhalter_z"])


def test_forecast_without_discrimination_and_perfect_forecast():
    event = np.array([0, 1, 0, 0])
    assert scores.auc(np.full(4, 0.25), event) == 0.5
    assert scores.brier_skill_score(np.full(4, 0.25), event) == 0
    assert scores.auc(event, event) == 1
    assert scores.brier_skill_score(event, event) == 1


def test_bins_hold_their_lower_edge():
    edges = np.arange(11) / 10
    assert scores.bin_of(edges).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    assert scores.bin_of(np.nextafter(edges[1:-1], 0)).tolist() == list(range(9))


@pytest.mark.parametrize(
    ("probability", "event", "weight", "sentence"),
    [
        ([0.1, np.nan], [0, 1], None, "1 of 2 probabilities .* storm 1: nan"),
        ([0.1, 1.5], [0, 1], None, "1 of 2 probabilities .* storm 1: 1.5"),
        ([-0.1], [0], None, "outside 0 to 1"),
        ([0.1, 0.2], [0, 2], None, "neither 0 nor 1; .* storm 1"),
        ([0.1, 0.2], [0], None, r"shapes \(2,\), \(1,\)"),
        ([0.1], [0], [-1], "weight"),
        ([0.1], [0], [0], "no storm to score"),
        ([], [], None, "no storm to score"),
    ],
)
def test_bad_values_are_named_in_the_error(probability, event, weight, sentence):
    with pytest.raises(UserError, match=sentence):
        scores.brier_score(probability, event, weight)


def test_log_score_is_that_of_scikit_learn():
    p, y = np.array([1e-7, 0.2, 0.9, 1 - 1e-7]), np.array([0, 1, 1, 0])
    w = np.array([1, 2, 0, 3])
    theirs = metrics.log_loss(y, p, sample_weight=w)
    assert scores.log_score(p, y, w) == pytest.approx(theirs, rel=1e-12)
    assert scores.log_losses([0.2], [1]) == pytest.approx(-np.log(0.2))
