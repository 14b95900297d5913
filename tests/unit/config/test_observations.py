"""Settings of observed events."""

import pytest
from config_helpers import assert_refused, load


def test_there_are_no_reports_by_default():
    assert load()["observations"] == {
        "reports": [],
        "kinds": None,
        "least_magnitude": {},
        "distance_km": 40,
        "minutes": 30,
        "window": None,
    }


def test_magnitudes_are_merged_by_kind():
    first = {"observations": {"least_magnitude": {"hail": 1, "wind": 50}}}
    second = {"observations": {"least_magnitude": {"wind": None}}}
    assert load(first, second)["observations"]["least_magnitude"] == {"hail": 1}


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"kinds": ["flood"]}, "kinds"),
        ({"kinds": []}, "kinds"),
        ({"distance_km": 0}, "distance_km"),
        ({"minutes": -1}, "minutes"),
        ({"window": [60, 0]}, "window"),
        ({"reports": ["https://example.org/hail.csv"]}, "reports"),
        ({"kinds": ["wind"], "least_magnitude": {"hail": 1}}, "least_magnitude"),
    ],
)
def test_impossible_settings_are_refused(settings, key):
    assert_refused({"observations": settings}, f"observations.{key}")
