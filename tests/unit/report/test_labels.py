from __future__ import annotations

import pytest

from stormcnn.report.labels import describe_event, stratum_name


@pytest.mark.parametrize(
    ("stratum", "name"),
    [
        ("month=5", "May"),
        ("forecast_hour=12-17", "Hours 12 to 17"),
        ("region=great_plains", "Great Plains"),
    ],
)
def test_strata_have_names(stratum, name):
    assert stratum_name(stratum) == name


def test_event_is_described_by_target_region_and_threshold():
    text = describe_event(target="RVORT1_MAX_future", region="patch", threshold=0.005)
    assert all(word in text for word in ("RVORT1_MAX_future", "patch", "0.005"))
