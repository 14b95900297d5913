"""Cases are the storms that were named, and others over the range of probability."""

import numpy as np
import pytest

from stormcnn.errors import UserError
from stormcnn.sampling.cases import choose_cases

PROBABILITY = np.array([0.1, 0.9, 0.5, 0.52, 0.0, 0.3])


def test_cases_spread_over_the_range_of_probability():
    assert choose_cases(PROBABILITY, 3).tolist() == [4, 2, 1]


def test_named_storms_come_first_and_are_not_chosen_twice():
    assert choose_cases(PROBABILITY, 3, [2, 2]).tolist() == [2, 4, 3, 1]


def test_more_cases_than_storms_are_all_storms():
    assert sorted(choose_cases(PROBABILITY, 20)) == list(range(6))


def test_only_named_storms():
    assert choose_cases(PROBABILITY, 0, [5]).tolist() == [5]


@pytest.mark.parametrize("storm", [6, -1])
def test_storm_that_does_not_exist_is_named(storm):
    with pytest.raises(UserError, match=f"no storm {storm}; the test period has 6 storms"):
        choose_cases(PROBABILITY, 1, [storm])
