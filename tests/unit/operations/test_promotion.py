"""A challenger is promoted only if it is significantly better on runs that nobody has seen."""

import math

import numpy as np
import pandas as pd
import pytest

from stormcnn.errors import UserError
from stormcnn.operations.promotion import (
    RECORDED_SCORES,
    Difference,
    Estimate,
    check_same_question,
    check_unseen,
    corrected_confidence,
    judge_challenge,
    judge_first,
    select_estimates,
)
from stormcnn.verification.block_tests import t_test

NAN = math.nan


def test_significantly_lower_brier_score_promotes_the_challenger():
    verdict = judge_challenge(Difference(-0.02, -0.03, -0.01, 0.003), 0.95)
    assert verdict.promote
    for number in ("-0.0200", "95 %", "-0.0300", "-0.0100", "0.003"):
        assert number in verdict.why


@pytest.mark.parametrize(
    ("value", "p_value"), [(0.02, 0.001), (-0.01, 0.2), (-0.01, 0.051), (-0.01, NAN), (0.0, NAN)]
)
def test_champion_stays_unless_the_challenger_is_significantly_better(value, p_value):
    difference = Difference(value, value - 0.02, value + 0.02, p_value)
    assert not judge_challenge(difference, 0.95).promote


@pytest.mark.parametrize(
    ("low", "promoted"), [(0.01, True), (0.0, False), (-0.1, False), (NAN, False)]
)
def test_first_champion_must_be_significantly_better_than_climatology(low, promoted):
    assert judge_first(Estimate(0.2, low, 0.3), 0.95).promote is promoted


def false_promotions(confidence, candidates, trials=600, blocks=12, shared=0.5):
    """Return how often the best of equally good candidates would be promoted.

    Sums of score differences by block vary because networks differ, and `shared` is the part of
    the variance that comes from the champion and is therefore the same for all candidates.
    """
    draw = np.random.default_rng(3)
    own = draw.normal(size=(trials, candidates, blocks)) * np.sqrt(1 - shared)
    sums = own + draw.normal(size=(trials, 1, blocks)) * np.sqrt(shared)
    promoted = 0
    for trial in sums:
        best = trial[trial.mean(axis=1).argmin()]
        difference = Difference(best.mean(), math.nan, math.nan, t_test(best))
        promoted += judge_challenge(difference, confidence, candidates).promote
    return promoted / trials


@pytest.mark.slow
@pytest.mark.parametrize("shared", [0.0, 0.5])
def test_more_candidates_are_not_promoted_more_often_by_chance(shared):
    # Half of 5 %, because only better networks are promoted.
    assert false_promotions(0.95, 1, shared=shared) < 0.04
    for candidates in (3, 12):
        corrected = corrected_confidence(0.95, candidates)
        assert false_promotions(corrected, candidates, shared=shared) < 0.04
    assert false_promotions(0.95, 12, shared=shared) > 0.1


def test_run_that_the_champion_was_trained_on_is_named():
    check_unseen(["2015-05-01T00:00", "2015-06-01T00:00"], "2015-05-01")
    with pytest.raises(UserError, match=r"before 2015-06-01.*2015-05-01T00:00"):
        check_unseen(["2015-06-01T00:00", "2015-05-01T00:00"], "2015-06-01")


@pytest.mark.parametrize(("name", "other"), [("event", {"threshold": 4}), ("predictors", ["V"])])
def test_difference_between_what_two_networks_forecast_is_named(name, other):
    about = {"event": {"threshold": 5}, "predictors": ["U"], "seed": 0}
    check_same_question(about, about | {"seed": 1})
    with pytest.raises(UserError) as refused:
        check_same_question(about, about | {name: other})
    for part in (name, str(about[name]), str(other)):
        assert part in str(refused.value)


def test_missing_bound_is_null_in_json():
    assert Estimate(0.1, NAN, 0.2).as_json() == {"value": 0.1, "low": None, "high": 0.2}


def test_recorded_scores_are_selected_from_a_table():
    scores = [*RECORDED_SCORES, "another"]
    table = pd.DataFrame(
        {"value": range(5), "low": -1, "high": NAN, "storms": 9}, pd.Index(scores, name="score")
    )
    estimates = select_estimates(table)
    assert list(estimates) == list(RECORDED_SCORES)
    assert estimates[RECORDED_SCORES[2]][:2] == (2, -1)
    assert math.isnan(estimates[RECORDED_SCORES[2]].high)
