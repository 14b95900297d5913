"""Scores agree with values worked out by hand and with other libraries."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_scores import reference_scores
from scores.probability import isotonic_fit
from sklearn import metrics

from stormcnn.errors import UserError
from stormcnn.verification import scores
from stormcnn.verification.score_registry import SCORES
from stormcnn.verification.storm_totals import ForecastByBlock, total_storms

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


def weighted_scores(probability, event, weight=None, training_climatology=0.05):
    """Scores of storms of which each counts `weight` times."""
    weight = np.ones(len(event)) if weight is None else weight
    forecast = ForecastByBlock(probability, event, np.arange(len(event)), training_climatology)
    return {name: value[0] for name, value in forecast.scores(weight[np.newaxis]).items()}


def made_up_forecast(size=3000, slope=1.0, seed=0):
    """True probabilities whose log odds are multiplied by `slope` (1: calibrated), and events."""
    draw = np.random.default_rng(seed)
    odds = draw.normal(-2, 1.5, size)
    event = draw.random(size) < 1 / (1 + np.exp(-odds))
    return 1 / (1 + np.exp(-slope * odds)), event


@pytest.mark.parametrize("score", BY_HAND)
def test_score_equals_the_value_worked_out_by_hand(score):
    totals = total_storms(PROBABILITY, EVENT, training_climatology=0.1)
    assert SCORES[score].function(totals) == pytest.approx([BY_HAND[score]], abs=1e-15)


@pytest.mark.slow
@given(storms)
@some_cases
def test_scores_equal_their_definitions(drawn):
    probability, event, weight = arrays(drawn)
    expected = reference_scores(probability, event, 0.05, weight)
    found = weighted_scores(probability, event, weight)
    assert [found[name] for name in expected] == pytest.approx(
        list(expected.values()), abs=1e-9, nan_ok=True
    )


@pytest.mark.slow
@given(storms)
@some_cases
def test_weights_count_storms(drawn):
    probability, event, weight = arrays(drawn)
    repeated = weighted_scores(np.repeat(probability, weight), np.repeat(event, weight))
    weighted = weighted_scores(probability, event, weight)
    # Logistic regressions are fitted by Newton's method, the last step of which is below 1e-5.
    for name in ("calibration_intercept", "calibration_slope"):
        assert weighted.pop(name) == pytest.approx(repeated.pop(name), abs=1e-6, nan_ok=True)
    # Spiegelhalter's Z has no bound, so rounding errors may exceed any absolute one.
    assert weighted == pytest.approx(repeated, rel=1e-9, abs=1e-9, nan_ok=True)


def test_weights_count_storms_of_similar_probability():
    # Groups of similar probabilities would give slopes of 0.965 and 0.986 instead of 0.894.
    probability, event = np.array([0.5, 0.52, 0.1, 0.3, 0.51, 0.2]), np.array([1, 0, 0, 1, 0, 0])
    weight = np.array([1, 3, 2, 1, 0, 3])
    repeated = weighted_scores(np.repeat(probability, weight), np.repeat(event, weight))
    weighted = weighted_scores(probability, event, weight)
    for name in ("calibration_intercept", "calibration_slope"):
        assert weighted[name] == pytest.approx(repeated[name], abs=1e-9)


@pytest.mark.parametrize(("slope", "error"), [(0.6, 0.08), (1.0, 0.047), (1.6, 0.03)])
def test_groups_of_similar_probability_hardly_change_the_fit(slope, error):
    # `error` is the standard error of the calibration slope.
    probability, event = made_up_forecast(3000, slope)
    weight = np.random.default_rng(1).poisson(1, event.size)
    exact = total_storms(np.repeat(probability, weight), np.repeat(event, weight))
    grouped = weighted_scores(probability, event, weight)
    for score in (scores.calibration_intercept, scores.calibration_slope):
        assert grouped[score.__name__] == pytest.approx(score(exact)[0], abs=0.2 * error)


@given(storms)
@some_cases
def test_decompositions_add_up_to_the_brier_score(drawn):
    found = weighted_scores(*arrays(drawn))
    murphy = (
        found["murphy_reliability"]
        - found["murphy_resolution"]
        + found["murphy_uncertainty"]
        + found["murphy_within_bin_variance"]
        - found["murphy_within_bin_covariance"]
    )
    corp = found["corp_miscalibration"] - found["corp_discrimination"] + found["corp_uncertainty"]
    assert murphy == pytest.approx(found["brier_score"], abs=1e-14)
    assert corp == pytest.approx(found["brier_score"], abs=1e-14)
    assert min(found["corp_miscalibration"], found["corp_discrimination"]) >= -1e-15


def test_corp_agrees_with_the_isotonic_fit_of_the_scores_package():
    probability, event = made_up_forecast(500, slope=1.5)
    probability = probability.round(2)
    fit = isotonic_fit(xr.DataArray(probability), xr.DataArray(event.astype(float)))
    recalibrated = np.interp(probability, fit["fcst_sorted"], fit["regression_values"])
    best = ((recalibrated - event) ** 2).mean()
    found = weighted_scores(probability, event)["corp_miscalibration"]
    assert found == pytest.approx(((probability - event) ** 2).mean() - best)


def test_single_precision_probabilities_are_summed_in_double_precision():
    probability, event = made_up_forecast(3000)
    single = probability.astype("float32")
    exact = np.mean([(float(p) - y) ** 2 for p, y in zip(single, event, strict=True)])
    assert scores.brier_score(total_storms(single, event)) == pytest.approx([exact], rel=1e-14)


def test_spiegelhalter_z_tells_overconfidence_from_underconfidence():
    def z(slope):
        return scores.spiegelhalter_z(total_storms(*made_up_forecast(20000, slope)))[0]

    assert abs(z(slope=1)) < 2
    assert z(slope=1.4) > 5
    assert z(slope=0.7) < -5


@pytest.mark.slow
def test_spiegelhalter_z_of_calibrated_forecasts_is_standard_normal():
    z = [
        scores.spiegelhalter_z(total_storms(*made_up_forecast(500, seed=seed)))[0]
        for seed in range(400)
    ]
    # Three standard errors of the mean and of the standard deviation of 400 values.
    assert np.mean(z) == pytest.approx(0, abs=3 / np.sqrt(400))
    assert np.std(z) == pytest.approx(1, abs=3 / np.sqrt(800))


def test_recalibration_gains_what_the_forecast_lost_to_the_truth():
    truth, event = made_up_forecast(20000)
    stretched, _ = made_up_forecast(20000, slope=1.6)
    lost = np.mean((stretched - truth) ** 2)
    miscalibration = [
        scores.corp_miscalibration(total_storms(p, event))[0] for p in (stretched, truth)
    ]
    assert miscalibration[0] == pytest.approx(lost, rel=0.15)
    assert miscalibration[1] < lost / 5


@pytest.mark.parametrize("event", [np.zeros(4), np.ones(4)])
def test_single_class_has_no_auc_and_no_skill(event):
    found = weighted_scores([0.0, 0.2, 0.2, 1.0], event)
    assert np.isnan([found["auc"], found["brier_skill_score"]]).all()
    assert np.isnan(found["average_precision"]) == (not event.any())
    assert np.isfinite(
        [found["brier_score"], found["log_score"], found["corp_miscalibration"]]
    ).all()


def test_certain_probabilities_have_finite_scores():
    found = weighted_scores([0.0, 1.0, 1.0, 0.0], np.array([0, 1, 0, 0]))
    assert found["log_score"] == pytest.approx(-np.log(1e-7) / 4, rel=1e-6)
    assert found["brier_score"] == 0.25
    assert np.isnan(found["spiegelhalter_z"])


def test_constant_forecast_has_no_skill_and_perfect_forecast_has_all():
    event = np.array([0, 1, 0, 0])
    constant, perfect = weighted_scores(np.full(4, 0.25), event), weighted_scores(event, event)
    assert (constant["auc"], constant["brier_skill_score"]) == (0.5, 0)
    assert (perfect["auc"], perfect["brier_skill_score"]) == (1, 1)


def test_bins_contain_their_lower_edge():
    edges = np.arange(11) / 10
    assert scores.bin_of(edges).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    assert scores.bin_of(np.nextafter(edges[1:-1], 0)).tolist() == list(range(9))


@pytest.mark.parametrize(
    ("probability", "event", "named"),
    [
        ([0.1, np.nan], [0, 1], ["1 of 2", "storm 1", "nan"]),
        ([0.1, 1.5], [0, 1], ["1 of 2", "storm 1", "1.5"]),
        ([-0.1], [0], ["storm 0", "-0.1"]),
        ([0.1, 0.2], [0, 2], ["events", "storm 1", "2.0"]),
        ([0.1, 0.2], [0], ["(2,)", "(1,)"]),
        ([[0.1]], [[0]], ["(1, 1)"]),
        ([], [], ["no storms"]),
    ],
)
def test_bad_value_is_named(probability, event, named):
    with pytest.raises(UserError) as error:
        scores.check_forecast(probability, event)
    assert all(word in str(error.value) for word in named)


def test_log_losses_average_to_the_log_loss_of_scikit_learn():
    p, y = np.array([1e-7, 0.2, 0.9, 1 - 1e-7]), np.array([0, 1, 1, 0])
    assert scores.log_losses(p, y).mean() == pytest.approx(metrics.log_loss(y, p), rel=1e-12)
