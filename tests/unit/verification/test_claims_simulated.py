"""Verdicts on made-up forecasts with known faults are seldom wrong; the benchmark measures how
often. The data sets are few, but a rule that is wrong fails."""

import pytest

from benchmark.claim_outcomes import (
    FALSE_ALARM,
    NONE,
    RIGHT,
    UNKNOWN,
    WRONG,
    choice_outcome,
    count_outcomes,
)
from benchmark.claims import Setting, judge_data_set
from stormcnn.verification.claim_types import Change, Choice, Claims, Estimate, Need, Skill
from stormcnn.vocabulary import LEAST_BLOCKS

pytestmark = pytest.mark.slow


def simulate(part, days, data_sets):
    return count_outcomes(judge_data_set(Setting(days), part, k) for k in range(data_sets))


def found(counted, question, outcome):
    return sum(cases.get(outcome, 0) for cases in counted[question].values())


@pytest.fixture(scope="module")
def single_models():
    return simulate("single-models", days=36, data_sets=10)


@pytest.mark.parametrize("question", ["bias", "slope"])
def test_calibration_has_few_false_alarms(single_models, question):
    # Three of the five forecasters lack each fault; a rule with 20 % gives 6.
    assert found(single_models, question, FALSE_ALARM) <= 3


@pytest.mark.parametrize("question", ["bias", "slope", "skill"])
def test_directions_are_right(single_models, question):
    assert found(single_models, question, WRONG) == 0
    assert found(single_models, question, RIGHT) >= 7


def test_forecast_as_good_as_climatology_is_seldom_told_from_it(single_models):
    assert single_models["skill"]["as good as climatology"].get(FALSE_ALARM, 0) <= 2


def test_nothing_is_said_of_few_days():
    counted = simulate("single-models", days=LEAST_BLOCKS - 1, data_sets=1)
    assert found(counted, "bias", UNKNOWN) == 5
    assert found(counted, "slope", UNKNOWN) == 5
    assert found(counted, "skill", UNKNOWN) == 3


def test_equal_networks_are_seldom_told_apart():
    counted = simulate("networks", days=12, data_sets=8)
    for question in ("difference", "difference in other scores", "model to use"):
        assert counted[question]["three equal networks"].get(FALSE_ALARM, 0) <= 2
        assert counted[question]["a better network"].get(WRONG, 0) == 0
    useless = counted["model to use"]["three networks as good as climatology"]
    assert useless.get(FALSE_ALARM, 0) <= 2
    assert set(useless) <= {NONE, UNKNOWN, FALSE_ALARM}


def test_groups_of_seeds_of_one_method_are_seldom_told_apart():
    # Without the seeds two thirds of the groups of the unsteady method differ.
    counted = simulate("methods", days=12, data_sets=4)
    assert found(counted, "difference", FALSE_ALARM) <= 1
    assert found(counted, "bias", FALSE_ALARM) <= 1


def test_benefit_of_averaging_is_found_only_if_there_is_one():
    counted = simulate("averaging", days=36, data_sets=2)["MC mean"]
    assert found({"all": counted}, "all", WRONG) == 0
    assert found({"all": counted}, "all", FALSE_ALARM) <= 1
    assert counted["a benefit"].get(RIGHT, 0) >= 1


def test_bias_and_width_of_event_counts_are_found():
    counted = simulate("counts", days=36, data_sets=3)
    assert found(counted, "bias of event counts", WRONG) == 0
    assert found(counted, "bias of event counts", RIGHT) >= 3
    assert found(counted, "width of event counts", WRONG) == 0
    assert counted["width of event counts"]["reliable"].get(FALSE_ALARM, 0) <= 1


def test_recalibration_that_helps_is_found():
    counted = simulate("recalibrations", days=36, data_sets=8)["recalibration"]
    assert set(counted["calibrated, so it can only get worse"]) <= {NONE, RIGHT}
    assert counted["over-forecasts"].get(WRONG, 0) == 0
    assert counted["too sharp"].get(WRONG, 0) == 0
    assert counted["too sharp"].get(RIGHT, 0) >= 3


def test_effect_of_a_recalibration_in_the_test_period_has_the_right_direction():
    counted = simulate("applied-recalibrations", days=36, data_sets=5)
    question = "recalibration in the test period"
    assert found(counted, question, WRONG) == 0
    assert found(counted, question, RIGHT) >= 4
    assert counted[question]["as good as before"].get(FALSE_ALARM, 0) <= 1


def choice_among(verdict, chosen, best, skillful=("a", "b")):
    nothing = Estimate(0.0, 0.0, 0.0)
    skill = tuple(
        Skill(name, None, Change.BETTER if name in skillful else Change.NONE, nothing, Need())
        for name in "ab"
    )
    claims = Claims(None, Choice(verdict, tuple(chosen)), (), (), skill, (), (), (), ())
    return choice_outcome(claims, best)


@pytest.mark.parametrize(
    ("verdict", "chosen", "best", "expected"),
    [
        (Change.BETTER, "b", "b", RIGHT),
        (Change.BETTER, "a", "b", WRONG),
        (Change.NONE, "a", "b", WRONG),  # b has skill, but is held to be worse
        (Change.NONE, "ab", "b", NONE),
        (Change.NONE, "ab", "ab", NONE),
        (Change.NONE, "a", "ab", FALSE_ALARM),
        (Change.BETTER, "a", "ab", FALSE_ALARM),
        (Change.NONE, "a", "", FALSE_ALARM),
        (Change.WORSE, "", "", NONE),
        (Change.UNKNOWN, "", "ab", UNKNOWN),
    ],
)
def test_choice_of_a_model_is_compared_with_the_best_ones(verdict, chosen, best, expected):
    assert choice_among(verdict, chosen, best) == expected


def test_best_model_without_shown_skill_is_not_held_to_be_worse():
    assert choice_among(Change.NONE, "a", "b", skillful="a") == NONE
