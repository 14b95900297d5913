"""Events are storms whose peak exceeds the threshold, and training needs enough of them."""

import numpy as np
import pytest

from stormcnn.errors import UserError
from stormcnn.storms.events import check_any_storm, check_enough_storms, exceeds


def test_event_is_a_peak_above_the_threshold_not_at_it():
    peak = np.array([0.00499, 0.005, 0.00501], np.float32)
    assert exceeds(peak, 0.005).tolist() == [False, False, True]


@pytest.mark.parametrize(("events", "others"), [(9, 100), (100, 9), (0, 18)])
def test_too_few_storms_of_a_class_are_counted_in_the_error(events, others):
    event = np.array([True] * events + [False] * others)
    with pytest.raises(
        UserError, match=rf"(?s)(?=.*event\.threshold)(?=.*\b{events}\b)(?=.*\b{others}\b)"
    ):
        check_enough_storms(event, 0.005)


def test_ten_of_each_class_are_enough():
    check_enough_storms(np.arange(20) < 10, 0.005)


def test_period_without_storms_is_refused():
    check_any_storm(1)
    with pytest.raises(UserError, match=r"split\.test_start"):
        check_any_storm(0)
