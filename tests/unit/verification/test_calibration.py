"""Recalibration mends over- and underconfidence, and never learns from a storm's own run."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from stormcnn.errors import UserError
from stormcnn.verification import scores
from stormcnn.verification.calibration import (
    METHODS,
    calibrate_predictions,
    cross_recalibrate,
    recalibrate,
)

DATES, STORMS = 30, 200


def storms(slope, dates=DATES, seed=0):
    """Probability that stretches the true log odds by `slope`, event, run date, true chance."""
    draw = np.random.default_rng(seed)
    odds = draw.normal(-2, 1.5, dates * STORMS)
    chance = 1 / (1 + np.exp(-odds))
    date = np.repeat(np.arange(dates), STORMS)
    run_date = np.datetime64("2012-05-01", "ns") + date * np.timedelta64(1, "D")
    return 1 / (1 + np.exp(-slope * odds)), draw.random(odds.size) < chance, run_date, chance


def predictions(slope, dates=DATES, seed=0):
    probability, event, run_date, _ = storms(slope, dates, seed)
    return xr.Dataset(
        {
            "probability": ("storm", probability.astype("float32")),
            "label": ("storm", event.astype("int8")),
        },
        coords={"run_date": ("storm", run_date)},
        attrs={"title": "Predictions"},
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("slope", [0.5, 2.0])
def test_wrong_certainty_is_mended(method, slope):
    probability, event, _, _ = storms(slope)
    others, outcome, _, chance = storms(slope, seed=1)
    corrected = recalibrate(method, probability, event, others)
    assert np.abs(corrected - chance).mean() < np.abs(others - chance).mean() / 5
    before, after = (scores.murphy_decomposition(p, outcome) for p in (others, corrected))
    assert after.reliability < before.reliability / 5
    assert scores.brier_score(corrected, outcome) < scores.brier_score(others, outcome)


def test_logistic_finds_the_line_between_the_log_odds():
    probability, event, _, _ = storms(2.0)
    odds = [np.log(p / (1 - p)) for p in recalibrate("logistic", probability, event, [0.2, 0.8])]
    # The slope of 2 is undone, and there is no shift: 0.2 and 0.8 lie at -ln 4 and ln 4.
    np.testing.assert_allclose(odds, [-np.log(4) / 2, np.log(4) / 2], atol=0.12)


def test_isotonic_gives_the_frequencies_of_pooled_neighbours():
    corrected = recalibrate(
        "isotonic", [0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1], [0.0, 0.1, 0.2, 0.3, 0.9]
    )
    np.testing.assert_allclose(corrected, [0, 0, 0.5, 0.5, 1])


@pytest.mark.parametrize("method", METHODS)
@given(
    seed=st.integers(0, 2**32 - 1),
    others=st.lists(st.floats(0, 1), min_size=2, max_size=20).map(np.sort),
)
def test_order_of_storms_is_kept_and_probabilities_stay_such(method, seed, others):
    draw = np.random.default_rng(seed)
    chance = draw.random(40)
    corrected = recalibrate(method, chance, draw.random(40) < chance, others)
    assert ((corrected >= 0) & (corrected <= 1)).all()
    rising = np.diff(corrected) >= -1e-12
    assert rising.all() or (method == "logistic" and (np.diff(corrected) <= 1e-12).all())


@pytest.mark.parametrize("method", METHODS)
def test_cross_fitting_does_not_see_the_outcomes_of_the_run_itself(method):
    probability, event, run_date, _ = storms(2.0, dates=7)
    own = run_date == run_date[0]
    whole = cross_recalibrate(method, probability, event, run_date)
    changed = cross_recalibrate(method, probability, np.where(own, ~event, event), run_date)
    np.testing.assert_array_equal(whole[own], changed[own])
    assert (whole[~own] != changed[~own]).any()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dates", [1, 2])
def test_few_run_dates_make_fewer_folds_and_a_single_one_is_left_as_it_is(method, dates):
    probability, event, run_date, _ = storms(2.0, dates=dates)
    corrected = cross_recalibrate(method, probability, event, run_date)
    assert (corrected == probability).all() == (dates == 1)


@pytest.mark.parametrize("method", METHODS)
def test_single_class_gives_its_frequency(method):
    assert recalibrate(method, [0.2, 0.4], [0, 0], [0.1, 0.9]).tolist() == [0, 0]
    assert recalibrate(method, [0.2, 0.4], [1, 1], [0.1, 0.9]).tolist() == [1, 1]


@pytest.mark.parametrize("method", METHODS)
def test_certain_probabilities_and_ties_are_fine(method):
    corrected = recalibrate(method, [0, 0, 0, 1, 1, 1], [0, 0, 1, 0, 1, 1], [0, 1])
    np.testing.assert_allclose(corrected, [1 / 3, 2 / 3], atol=1e-3)


def test_missing_probability_is_refused():
    with pytest.raises(UserError, match="storm 1: nan"):
        recalibrate("logistic", [0.2, np.nan], [0, 1], [0.5])


def test_both_recalibrations_are_offered_and_the_better_one_is_chosen():
    training, test = predictions(2.0), predictions(2.0, dates=9, seed=1)
    crossed, calibrated = calibrate_predictions(training, test)
    event = training["label"].values
    losses = {m: scores.log_score(crossed[f"probability_{m}"], event) for m in METHODS}
    chosen = min(losses, key=losses.get)
    for data in (crossed, calibrated):
        assert data["probability_calibrated"].attrs["method"] == chosen
        assert data["probability_calibrated"].dtype == "float32"
        np.testing.assert_array_equal(data["probability_calibrated"], data[f"probability_{chosen}"])
    for method in METHODS:
        expected = recalibrate(
            method, training["probability"], training["label"], test["probability"]
        )
        np.testing.assert_allclose(calibrated[f"probability_{method}"], expected, rtol=1e-6)
    xr.testing.assert_identical(calibrated[["probability", "label"]], test)


def test_training_period_of_one_run_date_says_that_nothing_can_be_judged(caplog):
    _, calibrated = calibrate_predictions(predictions(2.0, dates=1), predictions(2.0, dates=2))
    assert calibrated["probability_calibrated"].attrs["method"] == "logistic"
    assert "are of one run date" in caplog.text
