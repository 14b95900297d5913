"""Recalibration corrects over- and underconfidence, and does not use a storm's own run."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from stormcnn.errors import UserError
from stormcnn.verification.calibration import (
    METHODS,
    calibrate_predictions,
    cross_recalibrate,
    recalibrate,
)
from stormcnn.verification.scores import brier_score, log_losses, murphy_reliability
from stormcnn.verification.storm_totals import total_storms

DATES, STORMS = 30, 200


def storms(slope, dates=DATES, seed=0):
    """Return probability (true log odds times `slope`), event, run date and true probability."""
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
def test_over_and_underconfidence_are_corrected(method, slope):
    probability, event, _, _ = storms(slope)
    others, outcome, _, chance = storms(slope, seed=1)
    corrected = recalibrate(method, probability, event, others)
    assert np.abs(corrected - chance).mean() < np.abs(others - chance).mean() / 5
    before, after = (total_storms(p, outcome) for p in (others, corrected))
    assert murphy_reliability(after) < murphy_reliability(before) / 5
    assert brier_score(after) < brier_score(before)


def test_logistic_recalibration_undoes_a_slope():
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
@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    others=st.lists(st.floats(0, 1), min_size=2, max_size=20).map(np.sort),
)
def test_recalibration_is_monotone_and_gives_probabilities(method, seed, others):
    draw = np.random.default_rng(seed)
    chance = draw.random(40)
    corrected = recalibrate(method, chance, draw.random(40) < chance, others)
    assert ((corrected >= 0) & (corrected <= 1)).all()
    rising = np.diff(corrected) >= -1e-12
    assert rising.all() or (method == "logistic" and (np.diff(corrected) <= 1e-12).all())


@pytest.mark.parametrize("method", METHODS)
def test_cross_recalibration_does_not_use_the_events_of_the_own_run(method):
    probability, event, run_date, _ = storms(2.0, dates=7)
    own = run_date == run_date[0]
    whole = cross_recalibrate(method, probability, event, run_date)
    changed = cross_recalibrate(method, probability, np.where(own, ~event, event), run_date)
    np.testing.assert_array_equal(whole[own], changed[own])
    assert (whole[~own] != changed[~own]).any()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dates", [1, 2])
def test_single_run_date_is_not_recalibrated(method, dates):
    probability, event, run_date, _ = storms(2.0, dates=dates)
    corrected = cross_recalibrate(method, probability, event, run_date)
    assert (corrected == probability).all() == (dates == 1)


@pytest.mark.parametrize("method", METHODS)
def test_single_class_gives_its_frequency(method):
    assert recalibrate(method, [0.2, 0.4], [0, 0], [0.1, 0.9]).tolist() == [0, 0]
    assert recalibrate(method, [0.2, 0.4], [1, 1], [0.1, 0.9]).tolist() == [1, 1]


@pytest.mark.parametrize("method", METHODS)
def test_certain_probabilities_and_ties_are_recalibrated(method):
    corrected = recalibrate(method, [0, 0, 0, 1, 1, 1], [0, 0, 1, 0, 1, 1], [0, 1])
    np.testing.assert_allclose(corrected, [1 / 3, 2 / 3], atol=1e-3)


def test_missing_probability_is_named():
    with pytest.raises(UserError, match=r"storm 1.*nan"):
        recalibrate("logistic", [0.2, np.nan], [0, 1], [0.5])


def test_recalibration_with_the_lower_log_score_is_chosen():
    training, test = predictions(2.0), predictions(2.0, dates=9, seed=1)
    crossed, calibrated = calibrate_predictions(training, test)
    event = training["label"].values
    losses = {m: log_losses(crossed[f"probability_{m}"], event).mean() for m in METHODS}
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


def test_training_period_of_one_run_date_warns_and_uses_logistic_recalibration(caplog):
    _, calibrated = calibrate_predictions(predictions(2.0, dates=1), predictions(2.0, dates=2))
    assert calibrated["probability_calibrated"].attrs["method"] == "logistic"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
