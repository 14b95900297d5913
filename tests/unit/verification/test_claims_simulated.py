"""Verdicts on made-up forecasts with known faults are seldom wrong; the benchmark measures how
often. The data sets are few, but a rule that is wrong fails."""

import pytest

from benchmark.claims import (
    FALSE_ALARM,
    NONE,
    RIGHT,
    UNKNOWN,
    WRONG,
    Setting,
    count_outcomes,
    judge_data_set,
)
from stormcnn.vocabulary import LEAST_BLOCKS


def simulate(part, days, data_sets):
    return count_outcomes(judge_data_set(Setting(days), part, k) for k in range(data_sets))


def found(counted, question, outcome):
    return sum(cases.get(outcome, 0) for cases in counted[question].values())


@pytest.fixture(scope="module")
def single_models():
    return simulate("single models", days=36, data_sets=10)


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
    counted = simulate("single models", days=LEAST_BLOCKS - 1, data_sets=1)
    assert found(counted, "bias", UNKNOWN) == 5
    assert found(counted, "slope", UNKNOWN) == 5
    assert found(counted, "skill", UNKNOWN) == 3


def test_equal_networks_are_seldom_told_apart():
    counted = simulate("networks", days=12, data_sets=8)
    for question in ("difference", "difference in other scores"):
        assert counted[question]["three equal networks"].get(FALSE_ALARM, 0) <= 2
        assert counted[question]["a better network"].get(WRONG, 0) == 0


def test_groups_of_seeds_of_one_method_are_seldom_told_apart():
    # Without the seeds two thirds of the groups of the unsteady method differ.
    counted = simulate("methods", days=12, data_sets=4)
    assert found(counted, "difference", FALSE_ALARM) <= 1


def test_bias_and_width_of_event_counts_are_found():
    counted = simulate("counts", days=36, data_sets=3)
    assert found(counted, "bias of event counts", WRONG) == 0
    assert found(counted, "bias of event counts", RIGHT) >= 3
    assert found(counted, "width of event counts", WRONG) == 0
    assert counted["width of event counts"]["reliable"].get(FALSE_ALARM, 0) <= 1


def test_recalibration_that_helps_is_found():
    counted = simulate("recalibrations", days=36, data_sets=4)["recalibration"]
    assert set(counted["calibrated, so it can only get worse"]) <= {NONE, RIGHT}
    assert counted["over-forecasts"].get(WRONG, 0) == 0
    assert counted["too sharp"] == {RIGHT: 4}
