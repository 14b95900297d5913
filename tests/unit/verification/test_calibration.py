"""Recalibrations are fitted to held-out storms, and used only if they help other blocks."""

import gc
import json
import tracemalloc

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from stormcnn.errors import UserError
from stormcnn.verification.calibration import (
    METHODS,
    fit_recalibration,
    judge_held_out,
    judge_recalibrations,
    recalibrate_predictions,
    recalibration_table,
    used_recalibration,
)
from stormcnn.verification.recalibration import Recalibration
from stormcnn.verification.scores import brier_score, log_losses, murphy_reliability
from stormcnn.verification.storm_totals import total_storms

DATES, STORMS = 30, 200


def storms(slope=1.0, shift=0.0, dates=DATES, count=STORMS, seed=0):
    """Return probability, event, run date and true probability of each storm.

    The forecast log odds are `slope` times the true ones plus `shift`.
    """
    draw = np.random.default_rng(seed)
    odds = draw.normal(-2, 1.5, dates * count)
    chance = 1 / (1 + np.exp(-odds))
    date = np.repeat(np.arange(dates), count)
    run_date = np.datetime64("2012-05-01", "ns") + date * np.timedelta64(1, "D")
    probability = 1 / (1 + np.exp(-slope * odds - shift))
    return probability, draw.random(odds.size) < chance, run_date, chance


def predictions(**settings):
    probability, event, run_date, _ = storms(**settings)
    return xr.Dataset(
        {
            "probability": ("storm", probability.astype("float32")),
            "label": ("storm", event.astype("int8")),
        },
        coords={"run_date": ("storm", run_date)},
        attrs={"title": "Predictions"},
    )


def judge(*methods, **settings):
    """Return what is found out about recalibrations of made-up storms, by method."""
    probability, event, run_date, _ = storms(**settings)
    judged = judge_recalibrations(methods, probability, event, run_date, confidence=0.95)
    return {one.method: one for one in judged}


# Fits


@pytest.mark.parametrize("method", ["logistic", "isotonic"])
@pytest.mark.parametrize("slope", [0.5, 2.0])
def test_over_and_underconfidence_are_corrected(method, slope):
    probability, event, _, _ = storms(slope)
    others, outcome, _, chance = storms(slope, seed=1)
    corrected = fit_recalibration(method, probability, event).apply(others)
    assert np.abs(corrected - chance).mean() < np.abs(others - chance).mean() / 5
    before, after = (total_storms(p, outcome) for p in (others, corrected))
    assert murphy_reliability(after) < murphy_reliability(before) / 5
    assert brier_score(after) < brier_score(before)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shift", [-1.0, 0.5])
def test_shift_of_the_log_odds_is_corrected(method, shift):
    probability, event, _, _ = storms(shift=shift)
    function = fit_recalibration(method, probability, event)
    others, _, _, chance = storms(shift=shift, seed=1)
    # With 6000 storms, of which 18 % are events, the standard error of the shift is 0.04.
    assert np.abs(function.apply(others) - chance).mean() < 0.02
    if method == "intercept":
        assert function.intercept == pytest.approx(-shift, abs=0.12)
        assert function.slope == 1


def test_logistic_recalibration_undoes_a_slope():
    probability, event, _, _ = storms(2.0)
    function = fit_recalibration("logistic", probability, event)
    odds = [np.log(p / (1 - p)) for p in function.apply([0.2, 0.8])]
    # The slope of 2 is undone, and there is no shift: 0.2 and 0.8 lie at -ln 4 and ln 4.
    np.testing.assert_allclose(odds, [-np.log(4) / 2, np.log(4) / 2], atol=0.12)


def test_isotonic_gives_the_frequencies_of_pooled_neighbors():
    function = fit_recalibration("isotonic", [0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1])
    np.testing.assert_allclose(function.apply([0.0, 0.1, 0.2, 0.3, 0.9]), [0, 0, 0.5, 0.5, 1])


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    others=st.lists(st.floats(0, 1), min_size=2, max_size=20).map(np.sort),
)
def test_recalibration_is_monotone_and_gives_probabilities(method, seed, others):
    draw = np.random.default_rng(seed)
    chance = draw.random(40)
    corrected = fit_recalibration(method, chance, draw.random(40) < chance).apply(others)
    assert ((corrected >= 0) & (corrected <= 1)).all()
    assert (np.diff(corrected) >= -1e-12).all()


@pytest.mark.parametrize("method", METHODS)
def test_single_class_gives_its_frequency(method):
    for event in (0, 1):
        corrected = fit_recalibration(method, [0.2, 0.4], [event, event]).apply([0.1, 0.9])
        np.testing.assert_allclose(corrected, event, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_certain_probabilities_and_ties_are_recalibrated(method):
    corrected = fit_recalibration(method, [0, 0, 0, 1, 1, 1], [0, 0, 1, 0, 1, 1]).apply([0, 1])
    expected = [0, 1] if method == "intercept" else [1 / 3, 2 / 3]
    np.testing.assert_allclose(corrected, expected, atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_function_is_the_same_after_it_was_stored(method):
    probability, event, _, _ = storms(0.7)
    function = fit_recalibration(method, probability, event)
    stored = Recalibration.from_json(json.loads(json.dumps(function.as_json(), allow_nan=False)))
    np.testing.assert_array_equal(stored.apply(probability), function.apply(probability))


def test_missing_probability_is_named():
    with pytest.raises(UserError, match=r"storm 1.*nan"):
        fit_recalibration("logistic", [0.2, np.nan], [0, 1])


# Whether they help


def test_bias_is_corrected_and_the_gain_is_that_of_other_blocks():
    one = judge("intercept", shift=0.5)["intercept"]
    assert one.used
    assert one.low > 0
    assert one.p_value < 0.05
    probability, event, run_date, _ = storms(shift=0.5)
    own = run_date == run_date[0]
    function = fit_recalibration("intercept", probability[~own], event[~own])
    gain = log_losses(probability[own], event[own]) - log_losses(
        function.apply(probability[own]), event[own]
    )
    # All blocks gain about as much as the first.
    assert one.log_score_gain == pytest.approx(gain.mean(), abs=0.02)
    assert (one.blocks, one.storms, one.events) == (DATES, DATES * STORMS, event.sum())


def test_interval_of_the_gain_is_that_of_student():
    one = judge("intercept", shift=0.1, dates=12)["intercept"]
    half = (one.high - one.low) / 2
    assert one.log_score_gain == pytest.approx((one.high + one.low) / 2)
    assert (one.p_value < 0.05) == (abs(one.log_score_gain) > half)


def test_events_of_a_block_do_not_change_its_own_recalibration():
    """A block in which everything is an event cannot be foreseen by fits to other blocks."""
    probability, event, run_date, _ = storms(dates=12)
    own = run_date == run_date[0]
    (one,) = judge_recalibrations(["intercept"], probability, event | own, run_date, 0.95)
    assert one.log_score_gain < 0
    assert not one.used


@pytest.mark.slow
def test_calibrated_forecasts_are_seldom_recalibrated():
    judged = [judge("intercept", dates=12, count=40, seed=seed) for seed in range(100)]
    # One of 40 would be used by chance if the gain was 0 on average; it is less.
    assert sum(one["intercept"].used for one in judged) <= 5


def test_forecasts_that_are_sharper_for_new_storms_are_not_sharpened():
    """In sample the slope is 1.5, so that a fit there sharpens; out of sample it is 0.7."""
    in_sample, event, _, _ = storms(1 / 1.5, seed=2)
    assert fit_recalibration("logistic", in_sample, event).slope == pytest.approx(1.5, abs=0.1)
    judged = judge("logistic", slope=1 / 0.7)
    assert judged["logistic"].function.slope == pytest.approx(0.7, abs=0.05)
    assert judged["logistic"].used
    test = predictions(slope=1 / 0.7, seed=3)
    shown = recalibrate_predictions(test, judged.values())["probability_calibrated"]
    flattened = np.abs(shown - 0.5) < np.abs(test["probability"] - 0.5)
    assert flattened[test["probability"].values > 0.6].all()


@pytest.mark.slow
def test_method_with_the_largest_gain_is_used():
    judged = judge(*METHODS, slope=2.0, shift=0.5)
    gains = {method: one.log_score_gain for method, one in judged.items()}
    assert max(gains, key=gains.get) == "logistic"
    assert [method for method, one in judged.items() if one.used] == ["logistic"]


@pytest.mark.slow
def test_p_values_are_multiplied_by_the_number_of_methods():
    for seed in range(200):
        alone = judge("intercept", shift=0.15, dates=12, seed=seed)["intercept"]
        if 0.02 < alone.p_value < 0.05 and alone.log_score_gain > 0:
            break
    together = judge(*METHODS, shift=0.15, dates=12, seed=seed)
    assert alone.used
    assert together["intercept"].p_value == alone.p_value
    assert not any(one.used for one in together.values())


@pytest.mark.parametrize(("dates", "shift"), [(9, 1.0), (0, 0.0)])
def test_fewer_than_ten_blocks_are_not_used_and_logged(dates, shift, caplog):
    judged = judge("intercept", "logistic", shift=shift, dates=dates)
    assert not any(one.used for one in judged.values())
    assert [one.function for one in judged.values()] == [None, None]
    assert f"{dates} blocks" in caplog.text


def test_too_few_events_are_not_used(caplog):
    probability, event, run_date, _ = storms(shift=1.0)
    few = event & (np.cumsum(event) < 10)
    (one,) = judge_recalibrations(["intercept"], probability, few, run_date, 0.95)
    assert not one.used
    assert "9 are events" in caplog.text


# Tables and predictions


def test_original_probability_is_shown_if_nothing_helps():
    held_out, test = predictions(), predictions(dates=9, seed=1)
    judged = judge_held_out(held_out, ["intercept"], "day", 0.95)
    assert used_recalibration(judged) is None
    calibrated = recalibrate_predictions(test, judged)
    np.testing.assert_array_equal(calibrated["probability_calibrated"], test["probability"])
    assert calibrated["probability_calibrated"].attrs["method"] == "none"
    assert (calibrated["probability_intercept"] != test["probability"]).any()


@pytest.mark.slow
def test_recalibrated_predictions_contain_each_method():
    held_out, test = predictions(slope=2.0), predictions(slope=2.0, dates=9, seed=1)
    judged = judge_held_out(held_out, ["logistic", "isotonic"], "day", 0.95)
    calibrated = recalibrate_predictions(test, judged)
    for one in judged:
        values = calibrated[f"probability_{one.method}"]
        assert values.dtype == "float32"
        np.testing.assert_allclose(values, one.function.apply(test["probability"]), rtol=1e-6)
        if one.used:
            assert calibrated["probability_calibrated"].attrs["method"] == one.method
            np.testing.assert_array_equal(calibrated["probability_calibrated"], values)


def test_table_has_a_row_per_model_and_method():
    held_out = predictions(shift=0.5)
    judged = judge_held_out(held_out, ["intercept", "isotonic"], "day", 0.95)
    table = recalibration_table({"l2": judged, "dropout": judged})
    assert list(table["model"]) == ["l2", "l2", "dropout", "dropout"]
    assert list(table["method"]) == 2 * ["intercept", "isotonic"]
    assert table["intercept"].notna().tolist() == 2 * [True, False]
    assert table["used"].tolist() == 2 * [True, False]
    assert set(table["blocks"]) == {DATES}
    assert list(recalibration_table({})) == list(table)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_fits_leave_no_array_to_the_garbage_collection(method):
    probability, event, _, _ = storms(count=2000)
    fit_recalibration(method, probability, event)  # what the first call keeps is not an array
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(5):
            fit_recalibration(method, probability, event)
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert left < probability.nbytes
