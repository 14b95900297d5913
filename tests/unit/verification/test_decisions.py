"""Thresholds are chosen on other storms than those that they are judged by, for each aim."""

import numpy as np
import pandas as pd
import pytest

from stormcnn.verification.calibration import Judged
from stormcnn.verification.contingency import contingency
from stormcnn.verification.decisions import (
    LIMITS,
    aims_for,
    choose_threshold,
    choose_thresholds,
    judge_decisions,
)
from stormcnn.verification.economic_value import COST_LOSS_RATIOS
from stormcnn.verification.recalibration import Recalibration

RATIOS = (0.02, 0.1, 0.5)
AIMS = aims_for(RATIOS)
KNOWN = ([0.9, 0.8, 0.6, 0.5, 0.3, 0.2, 0.1, 0.05], [1, 1, 0, 1, 0, 0, 0, 0])


def storms(number=2000, seed=0, bias=0.0, days=25):
    """Return predictions of storms on some days; the odds are too high by exp(`bias`)."""
    draw = np.random.default_rng(seed)
    odds = draw.normal(-2.5, 1.5, number)
    event = draw.random(number) < 1 / (1 + np.exp(-odds))
    day = np.datetime64("2015-05-01") + np.arange(number) * days // number
    return {
        "probability": 1 / (1 + np.exp(-(odds + bias + draw.normal(0, 0.5, number)))),
        "label": event.astype(int),
        "run_date": day.astype("datetime64[ns]"),
    }


def judge(held_out=None, models=("baseline",), seeds=(0,), recalibrations=None, **options):
    networks = [(model, seed) for model in models for seed in seeds]
    test = storms(seed=1)
    draw = np.random.default_rng(2)
    predictions = {
        network: test | {"probability": (test["probability"] * draw.uniform(0.9, 1, 2000))}
        for network in networks
    }
    return judge_decisions(
        predictions,
        {network: storms(seed=3, bias=1.0) for network in networks},
        held_out or {},
        monte_carlo={},
        recalibrations=recalibrations or {},
        **({"cost_loss": RATIOS, "resamples": 200, "confidence": 0.95, "block": "day"} | options),
    )


@pytest.mark.parametrize(
    ("aim", "threshold"),
    [
        ("largest_csi", 0.5),  # 3 / 4, but 2 / 3 at 0.8
        ("unbiased", 0.6),  # 3 warnings, 3 events
        ("cost_loss=0.02", 0.5),
        ("cost_loss=0.5", 0.5),  # expense 4 / 2 as at 0.8: 2 / 2 + 1
    ],
)
def test_chosen_threshold_is_that_found_by_hand(aim, threshold):
    # Of several equally good thresholds, the highest is taken.
    expected = 0.8 if aim == "cost_loss=0.5" else threshold
    assert choose_threshold(*KNOWN, AIMS[aim]) == expected


@pytest.mark.parametrize("aim", AIMS)
def test_no_other_threshold_is_better(aim):
    known = storms()
    table_of = AIMS[aim].quality
    chosen = choose_threshold(known["probability"], known["label"], AIMS[aim])
    others = np.linspace(0, 1, 1001)
    quality = table_of(contingency(known["probability"], known["label"], [chosen, *others]))
    assert quality[0] >= np.nanmax(quality) - 1e-12


def test_events_everywhere_are_worth_acting_always_and_nowhere_never():
    event = np.arange(40) % 2
    useless = np.where(np.arange(40) < 20, 0.4, 0.6)
    assert choose_threshold(useless, event, AIMS["cost_loss=0.02"]) == 0
    assert choose_threshold(1 - event * 1.0, event, AIMS["cost_loss=0.5"]) in (0, np.inf)
    rare = np.arange(40) == 3
    assert choose_threshold(1.0 - rare, rare, AIMS["cost_loss=0.5"]) == np.inf


def test_thresholds_are_those_of_held_out_storms_if_there_are_any():
    held_out = storms(seed=4, bias=-1.0)
    decisions = judge({("baseline", 9): held_out})["decisions"]
    assert (decisions["chosen_on"] == "held_out").all()
    for aim, rows in decisions.groupby("aim"):
        expected = choose_threshold(held_out["probability"], held_out["label"], AIMS[aim])
        assert rows["threshold"].unique() == [expected]


def test_without_enough_held_out_storms_the_fitted_ones_are_named():
    few = {name: values[:5] for name, values in storms().items()}
    decisions = judge({("baseline", 0): few})["decisions"]
    assert (decisions["chosen_on"] == "training").all()
    known = storms(seed=3, bias=1.0)
    expected = choose_threshold(known["probability"], known["label"], AIMS["unbiased"])
    assert decisions.set_index("aim").loc["unbiased", "threshold"].iloc[0] == expected


def test_events_of_the_test_period_do_not_change_thresholds():
    held_out = {("baseline", 0): storms(seed=4)}
    one, other = (
        judge_decisions(
            {("baseline", 0): storms(seed=seed)},
            {("baseline", 0): storms(seed=3)},
            held_out,
            monte_carlo={},
            recalibrations={},
            cost_loss=RATIOS,
            resamples=200,
            confidence=0.95,
            block="day",
        )["decisions"]
        for seed in (1, 2)
    )
    pd.testing.assert_series_equal(one["threshold"], other["threshold"])
    assert (one["value"] != other["value"]).any()


def test_scores_are_those_of_the_warnings():
    held_out = storms(seed=4)
    decisions = judge({("baseline", 0): held_out})["decisions"].set_index(["aim", "score"])
    test = storms(seed=1)
    probability = test["probability"] * np.random.default_rng(2).uniform(0.9, 1, 2000)
    warned = probability >= decisions.loc[("cost_loss=0.1", "pod"), "threshold"]
    event = test["label"] == 1
    hits, warnings, events = (warned & event).sum(), warned.sum(), event.sum()
    never, always, perfect = events, 0.1 * event.size, 0.1 * events
    expense = 0.1 * warnings + events - hits
    expected = {
        "pod": hits / events,
        "false_alarm_ratio": 1 - hits / warnings,
        "csi": hits / (warnings + events - hits),
        "frequency_bias": warnings / events,
        "economic_value": (min(never, always) - expense) / (min(never, always) - perfect),
    }
    for score, value in expected.items():
        row = decisions.loc[("cost_loss=0.1", score)]
        assert row["value"] == pytest.approx(value)
        assert row["low"] < row["value"] < row["high"]
        assert LIMITS[score][0] <= row["low"] < row["high"] <= LIMITS[score][1]
    assert ("largest_csi", "economic_value") not in decisions.index


def test_interval_of_a_mean_over_seeds_includes_the_choice_of_seeds():
    def judged(shift):
        odds = np.array([-shift, 0, shift])
        test = storms(seed=1)
        log_odds = np.log(test["probability"] / (1 - test["probability"]))
        tables = judge_decisions(
            {
                ("baseline", k): test | {"probability": 1 / (1 + np.exp(-log_odds - s))}
                for k, s in enumerate(odds)
            },
            {},
            {("baseline", 0): storms(seed=4)},
            monte_carlo={},
            recalibrations={},
            cost_loss=RATIOS,
            resamples=400,
            confidence=0.95,
            block="day",
        )
        rows = tables["decisions"].query("seed == 'mean' and score == 'frequency_bias'")
        return (rows["high"] - rows["low"]).mean()

    assert judged(1.0) > 2 * judged(0.0)


def test_recalibration_moves_the_threshold_with_the_probability():
    function = Recalibration("intercept", -1.0, 1.0)
    judged = {"baseline": [Judged("intercept", function, 25, 2000, 200)]}
    held_out = {("baseline", 0): storms(seed=4)}
    decisions = judge(held_out, recalibrations=judged)["decisions"].set_index(["aim", "score"])
    own, moved = (decisions[decisions["forecast"] == kind] for kind in ("single", "intercept"))
    np.testing.assert_allclose(moved["threshold"], function.apply(own["threshold"]), rtol=1e-6)
    np.testing.assert_allclose(moved["value"], own["value"])


def test_value_of_a_calibrated_forecast_is_positive_and_between_its_ends():
    table = judge()["economic_value"]
    assert table["cost_loss"].tolist() == COST_LOSS_RATIOS.tolist()
    middle = table[table["cost_loss"].between(0.05, 0.5)]
    assert (middle["value"] > 0).all()
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()


def test_a_single_block_gives_no_intervals():
    test = storms(days=1)
    tables = judge_decisions(
        {("baseline", 0): test},
        {("baseline", 0): test},
        {},
        monte_carlo={},
        recalibrations={},
        cost_loss=RATIOS,
        resamples=200,
        confidence=0.95,
        block="day",
    )
    for table in tables.values():
        assert table["low"].isna().all()
        assert table["value"].notna().any()


def test_thresholds_of_all_aims_are_those_of_each():
    known = storms(500)
    probability, event = known["probability"], known["label"]
    chosen = choose_thresholds(probability, event, RATIOS)
    assert chosen == {name: choose_threshold(probability, event, aim) for name, aim in AIMS.items()}
    few = np.flatnonzero(event)[:9]
    assert choose_thresholds(probability[few], event[few], RATIOS) == {}


def test_never_acting_has_no_threshold():
    # Any warning costs more than it saves if the probabilities are turned around.
    event = np.repeat([1, 0], [10, 990])
    chosen = choose_thresholds(np.where(event == 1, 0.1, 0.9), event, [0.5])
    assert chosen["cost_loss=0.5"] is None
