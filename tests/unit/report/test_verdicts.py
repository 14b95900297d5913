from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from report_files import (
    HOSTILE,
    TITLES,
    calibration_rows,
    difference_row,
    rates_tried,
    score_rows,
)

from stormcnn.report.series import FORECASTS, VARIANT_NAMES
from stormcnn.report.verdicts import (
    choose_recalibrations,
    describe_calibration,
    describe_counts,
    describe_rate_choice,
    describe_skill,
    judge_differences,
    judge_own_scaling,
)


@pytest.mark.parametrize(
    ("columns", "verdict", "evidence"),
    [
        ({}, "better", ["+0.020", "95 %", "+0.004 to +0.036", "p = 0.012"]),
        (
            {"difference": -0.02, "low": -0.036, "high": -0.004},
            "worse",
            ["−0.020", "−0.036 to −0.004", "p = 0.012"],
        ),
        ({"low": -0.001}, "none", ["+0.020", "−0.001 to +0.036"]),
        ({"p_holm": 0.05}, "none", ["+0.020", "p = 0.050"]),
        ({"low": np.nan, "high": np.nan, "p_holm": np.nan}, "none", ["+0.020", "interval"]),
        ({"p_holm": np.nan}, "better", ["+0.020", "+0.004 to +0.036"]),
        ({"difference": np.nan}, "none", ["undefined"]),
    ],
)
def test_difference_is_claimed_only_if_interval_and_p_value_support_it(columns, verdict, evidence):
    (claim,) = judge_differences(difference_row(**columns), TITLES, 0.95)
    assert claim.verdict == verdict
    for text in ("Spatial dropout", "Baseline", "Brier skill score", *evidence):
        assert text in claim.text
    if np.isnan(columns.get("p_holm", 0.012)):
        assert "p = " not in claim.text


def test_monte_carlo_mean_is_compared_with_its_own_network():
    row = difference_row(
        forecast="mc_mean", reference="dropout", reference_forecast="single", low=-0.01
    )
    (claim,) = judge_differences(row, TITLES, 0.9)
    assert claim.verdict == "none"
    assert f"Spatial dropout ({FORECASTS['mc_mean']}) and Spatial dropout:" in claim.text
    assert "90 % interval" in claim.text


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [
        (0.4, 0.3, 0.5, "is more skilful than climatology"),
        (0.1, -0.1, 0.2, "no clear skill"),
        (-0.2, -0.3, -0.1, "is less skilful than climatology"),
        (0.1, np.nan, np.nan, "interval cannot be computed"),
        (np.nan, np.nan, np.nan, "no defined skill"),
    ],
)
def test_skill_is_claimed_only_if_the_interval_supports_it(value, low, high, verdict):
    scores = score_rows(value=value, low=low, high=high)
    (sentence,) = describe_skill(scores, {"baseline": "Baseline"})
    assert sentence.startswith("Baseline ")
    assert verdict in sentence


@pytest.mark.parametrize(
    ("low", "p", "z", "verdict"),
    [
        (0.0, 0.4, 1, "is calibrated"),
        (0.001, 0.4, 1, "is not calibrated ("),
        (0.0, 0.02, 1, "is not calibrated: it is overconfident"),
        (0.001, 0.02, -1, "is not calibrated: it is underconfident"),
        (np.nan, 0.4, 1, "cannot be checked"),
    ],
)
def test_forecast_is_calibrated_only_if_interval_and_p_value_support_it(low, p, z, verdict):
    (sentence,) = describe_calibration(calibration_rows(low=low, p=p, z=z), TITLES, 0.95)
    assert sentence.startswith(f"Baseline {verdict}")
    if not np.isnan(low):
        assert f"0.00200 ({low:.5f} to 0.00400)" in sentence
        assert f"p = {p:.3f}" in sentence


def recalibrated_rows():
    """Return scores of two seeds, with the logistic recalibration better in training."""
    losses = {"isotonic": 0.12, "logistic": 0.11}
    return pd.concat(
        [
            calibration_rows(forecast="seed_mean", seed="all", low=0.001, p=0.01),
            *(
                calibration_rows(forecast=method, seed=seed, low=0.001 * (method == "isotonic"))
                for method in losses
                for seed in (0, 1)
            ),
            *(
                score_rows(forecast=method, seed=0, period="train")[:1].assign(
                    score="log_score", value=loss
                )
                for method, loss in losses.items()
            ),
        ]
    )


def test_recalibration_chosen_in_the_training_period_is_judged():
    scores = recalibrated_rows()
    assert choose_recalibrations(scores) == {"baseline": "logistic"}
    (sentence,) = describe_calibration(scores, TITLES, 0.95)
    original, recalibrated = sentence.split(" After logistic recalibration")
    assert "is not calibrated: it is overconfident" in original
    assert "seed 0" in recalibrated
    assert "it is calibrated" in recalibrated


def test_scaling_by_own_statistics_is_judged_separately():
    own = difference_row(
        forecast="own_scaling", reference="dropout", reference_forecast="single", p_holm=0.012
    )
    differences = pd.concat([difference_row(reference_forecast="single"), own])
    (claim,) = judge_own_scaling(differences, TITLES, 0.95)
    assert claim.verdict == "better"
    assert VARIANT_NAMES["own_scaling"] in claim.text
    assert judge_own_scaling(difference_row(), TITLES, 0.95) == []


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.5, 0.7, "too narrow"), (0.92, 1.0, "too wide"), (0.8, 0.95, "consistent")],
)
def test_intervals_of_event_counts_are_judged_by_their_coverage(low, high, verdict):
    rows = score_rows("dropout", "mc_mean").head(1)
    rows = rows.assign(score="count_coverage_90", value=0.9, low=low, high=high)
    (sentence,) = describe_counts(rows, TITLES)
    assert verdict in sentence
    assert f"{100 * low:.0f} % to {100 * high:.0f} %" in sentence


def test_event_counts_without_interval_are_not_judged():
    rows = score_rows("dropout", "mc_mean").head(1)
    rows = rows.assign(score="count_coverage_90", low=np.nan, high=np.nan)
    assert describe_counts(rows, TITLES) == []
    assert describe_counts(None, TITLES) == []


@pytest.mark.parametrize(
    ("current", "advice"),
    [
        (0.1, "need not be changed"),
        (0.2, "0.2, gives probabilities that are as good"),
        (0.4, f"0.4, should be changed: {HOSTILE}"),
        (0.3, "not among them"),
    ],
)
def test_choice_of_a_rate_advises_on_the_current_rate(current, advice):
    first, second = describe_rate_choice(rates_tried(current))
    assert "3 dropout rates" in first
    assert "0.1 was chosen: lowest log score" in first
    assert advice in second
