"""The window of monitoring must be long enough for an alarm."""

from config_helpers import assert_refused

from stormcnn.vocabulary import LEAST_BLOCKS


def test_window_in_which_no_alarm_is_possible_is_refused():
    changes = {"monitoring": {"window": LEAST_BLOCKS - 1}}
    assert_refused(changes, "monitoring.window", f">= {LEAST_BLOCKS}")
