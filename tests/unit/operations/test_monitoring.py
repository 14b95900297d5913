"""Monitoring of the champion: quiet nights give few alarms, and changes are noticed soon."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm

from stormcnn.operations.monitoring import (
    Skill,
    distances,
    monitor,
    reference_quantiles,
    score_windows,
)
from stormcnn.operations.run_summaries import (
    PERCENTILES,
    bin_columns,
    count_by_log_odds,
    quantile_columns,
    summarize_runs,
)

STORMS = 500
PREDICTORS = ("REFL", "U10", "V10")
# Of each predictor: mean, standard deviation of its grid points, and those of the mean of a day and
# of the logarithm of the scale of a day, about as in the made-up storms.
CLIMATE = {"REFL": (23.5, 14.5, 2.5, 0.06), "U10": (0, 4, 2.7, 0.1), "V10": (1, 4, 3.1, 0.11)}
SKILL = Skill(
    climatology=0.05,
    at_promotion=-1.0,
    after="2000-01-01",
    window=30,
    confidence=0.95,
    resamples=200,
)


def nights(draw, number, first="2020-01-01", *, added=0.0, wind=1.0, odds=1.0, overfit=0.0):
    """Return summaries of runs with 500 storms each, one a day.

    Reflectivity is increased by `added`, wind multiplied by `wind`, and the odds of events by
    `odds`, while probabilities stay the same. `overfit` is the log odds by which a network gives
    higher probabilities to events that it was trained on.
    """
    dates = np.datetime64(first) + np.arange(number)
    table = {
        "run_date": np.char.add(dates.astype(str), "T00:00"),
        "storms": np.full(number, STORMS),
    }
    normal = norm.ppf(np.array(PERCENTILES) / 100)
    for name, (mean, scale, between, log_scale) in CLIMATE.items():
        factor = wind if name != "REFL" else 1.0
        center = mean + between * draw.normal(size=(number, 1)) + (added if name == "REFL" else 0)
        spread = scale * np.exp(log_scale * draw.normal(size=(number, 1)))
        quantiles = factor * (center + spread * normal)
        table |= dict(zip(quantile_columns(name), quantiles.T, strict=True))
        table[f"{name}_outside"] = np.zeros(number)
    # Days differ in how favorable they are.
    log_odds = draw.normal(-4, 1.2, (number, STORMS)) + 0.6 * draw.normal(size=(number, 1))
    event = draw.random((number, STORMS)) < expit(log_odds + np.log(odds))
    probability = expit(log_odds + overfit * (event - 0.05))
    return pd.DataFrame(table).join(
        summaries(probability, event).drop(columns=["run_date", "storms"])
    )


def summaries(probability, event):
    """Return the columns of probabilities and events, both (runs, storms), with one run a day."""
    dates = np.datetime64("2020-01-01") + np.arange(len(probability))
    counts = [count_by_log_odds(*night) for night in zip(probability, event, strict=True)]
    quantiles = np.quantile(probability, np.array(PERCENTILES) / 100, axis=1)
    table = {
        "run_date": np.char.add(dates.astype(str), "T00:00"),
        "storms": np.full(len(event), event.shape[1]),
        "events": event.sum(axis=1),
        "probability": probability.mean(axis=1),
        "brier_score": np.mean((probability - event) ** 2, axis=1),
        **dict(zip(quantile_columns("probability"), quantiles, strict=True)),
    }
    return pd.DataFrame(table).join(pd.DataFrame(counts))


def new_alarms(rows):
    """Return the indices of rows with an alarm that the row before does not have."""
    before = ["", *rows["alarms"].iloc[:-1]]
    return [
        index
        for index, (now, earlier) in enumerate(zip(rows["alarms"], before, strict=True))
        if set(now.split(";")) - {""} - set(earlier.split(";"))
    ]


def quiet_year(draw, overfit=0.0):
    """Return the monitoring of a network in a year after 100 nights of training.

    The network was chosen by the first 12 nights of the year.
    """
    training = nights(draw, 100, "2019-01-01", overfit=overfit)
    chosen = SKILL._replace(after="2020-01-12T00:00")
    return monitor(training, nights(draw, 365), PREDICTORS, "day", chosen)


@pytest.mark.slow
def test_ten_years_of_quiet_nights_have_at_most_20_false_alarms():
    draw = np.random.default_rng(1)
    assert sum(len(new_alarms(quiet_year(draw))) for _ in range(10)) <= 20


def test_network_that_knows_its_training_storms_by_heart_gives_no_alarm():
    rows = quiet_year(np.random.default_rng(1), overfit=8.0)
    assert (rows["alarms"] != "").mean() < 0.03


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "within", "named"),
    [
        ({"added": 10.0}, 3, "REFL"),
        ({"wind": 1.5}, 3, "10"),
        ({"odds": 3.0}, 7, "bias"),
    ],
)
def test_changes_are_noticed_soon(change, within, named):
    for seed in range(5):
        draw = np.random.default_rng(seed)
        training = nights(draw, 100, "2019-01-01")
        recent = pd.concat([nights(draw, 20), nights(draw, within, "2020-01-21", **change)])
        rows = monitor(training, recent, PREDICTORS, "day", SKILL._replace(after="2020-01-12"))
        assert rows["alarms"].iloc[19] == ""
        assert named in rows["alarms"].iloc[-1], (seed, rows["drift"].tolist())


@pytest.mark.slow
def test_skill_that_is_lost_gives_an_alarm_only_with_enough_blocks_and_events():
    draw = np.random.default_rng(0)
    training, recent = nights(draw, 100, "2019-01-01"), nights(draw, 20)
    better = SKILL._replace(at_promotion=0.9, after="2020-01-05T00:00")
    rows = monitor(training, recent, PREDICTORS, "day", better)
    assert rows["window_blocks"].tolist() == [0] * 5 + list(range(1, 16))
    assert rows["alarms"].tolist() == [""] * 14 + ["skill"] * 6
    few = monitor(training, recent.assign(events=1), PREDICTORS, "day", better)
    assert not few["alarms"].str.contains("skill").any()
    as_before = monitor(training, recent, PREDICTORS, "day", better._replace(at_promotion=0.0))
    assert (as_before["alarms"] == "").all()


def test_skill_and_calibration_of_a_window_are_those_of_its_storms():
    draw = np.random.default_rng(0)
    probability = draw.beta(1, 9, (12, 40))
    event = draw.random((12, 40)) < probability
    recent = summaries(probability, event)
    skill = SKILL._replace(climatology=0.1, window=10)
    latest = score_windows(recent, "day", skill).iloc[-1]
    p, y = probability[2:].ravel(), event[2:].ravel()
    expected = 1 - np.mean((p - y) ** 2) / np.mean((0.1 - y) ** 2)
    assert latest["skill"] == pytest.approx(expected)
    assert latest["skill_low"] < expected < latest["skill_high"]
    assert latest["window_events"] == y.sum()
    # Log odds are grouped, so the coefficients are approximate.
    bias = brentq(lambda a: expit(a + logit(p)).sum() - y.sum(), -5, 5)
    assert latest["calibration_intercept"] == pytest.approx(bias, abs=0.02)


def test_distance_of_distributions_is_that_of_their_shift():
    draw = np.random.default_rng(0)
    training = nights(draw, 40, "2019-01-01")
    reference = reference_quantiles(training, ["REFL"])
    shifted = pd.DataFrame(
        [dict(zip(quantile_columns("REFL"), reference["REFL"] + 4, strict=True))]
    )
    assert distances(shifted, reference)["REFL_distance"].item() == pytest.approx(4.0)


def test_too_few_blocks_of_training_judge_no_drift():
    draw = np.random.default_rng(0)
    training, recent = nights(draw, 29, "2019-01-01"), nights(draw, 10, added=40)
    rows = monitor(training, recent, PREDICTORS, "day", SKILL)
    assert rows["drift"].isna().all()
    assert (rows["alarms"] == "").all()


def test_runs_of_one_day_are_one_block():
    draw = np.random.default_rng(0)
    training, recent = nights(draw, 40, "2019-01-01"), nights(draw, 12)
    hourly = recent.assign(run_date=[f"2020-01-01T{hour:02d}:00" for hour in range(12)])
    rows = monitor(training, hourly, PREDICTORS, "day", SKILL)
    assert set(rows["window_blocks"]) == {1}
    assert rows["drift"].nunique() == 1


def test_summary_of_a_run_has_its_scores_and_the_distribution_of_its_grid_points():
    draw = np.random.default_rng(0)
    fields = draw.normal(size=(6, 8, 8, 2)).astype(np.float32)
    run_date = np.array(["2020-01-02T00:00"] * 3 + ["2020-01-01T12:00"] * 3, "datetime64[ns]")
    probability, event = np.array([0.1, 0.2, 0.9, 0.5, 0.5, 0.5]), np.array([0, 0, 1, 0, 1, 0])
    rows = summarize_runs(
        run_date, probability, event, fields, ["U", "V"], {"U": (-1, 1), "V": (-9, 9)}
    )
    assert rows["run_date"].tolist() == ["2020-01-01T12:00", "2020-01-02T00:00"]
    later = rows.iloc[1]
    assert (later["storms"], later["events"]) == (3, 1)
    assert later["brier_score"] == pytest.approx((0.01 + 0.04 + 0.01) / 3)
    assert later["U_q50"] == pytest.approx(np.median(fields[:3, ..., 0]))
    assert later["V_q95"] == pytest.approx(np.quantile(fields[:3, ..., 1], 0.95))
    assert later["U_outside"] == pytest.approx(np.mean(np.abs(fields[:3, ..., 0]) > 1))
    assert later["V_outside"] == 0
    assert rows[bin_columns("storms")].to_numpy().sum(axis=1).tolist() == [3, 3]
    assert rows[bin_columns("events")].to_numpy().sum(axis=1).tolist() == [1, 1]
