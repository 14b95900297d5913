"""Strata divide storms by forecast hour, month and region."""

import numpy as np
import pandas as pd

from stormcnn.verification.strata import is_inside, strata
from stormcnn.vocabulary import US_REGIONS


def made_up_storms():
    draw = np.random.default_rng(0)
    run_date = np.datetime64("2015-04-20T00", "h") + 4 * 24 * np.repeat(np.arange(20), 60)
    hour = draw.integers(12, 36, run_date.size)
    return {
        "valid_time": run_date + hour,
        "forecast_hour": hour,
        "longitude": draw.uniform(-115, -75, run_date.size),
        "latitude": draw.uniform(28, 48, run_date.size),
    }


def test_storms_without_position_or_time_have_fewer_strata():
    storms = made_up_storms()
    del storms["latitude"], storms["valid_time"]
    assert all(name.startswith("forecast_hour=") for name, _ in strata(storms))


def test_strata_are_hours_months_and_regions():
    storms = made_up_storms()
    found = dict(strata(storms))
    assert list(found) == [
        "forecast_hour=12-17",
        "forecast_hour=18-23",
        "forecast_hour=24-29",
        "forecast_hour=30-35",
        "month=4",
        "month=5",
        "month=6",
        "month=7",
        "region=mountain_west",
        "region=great_plains",
        "region=midwest_northeast",
        "region=southeast",
    ]
    for kind in ("forecast_hour", "month", "region"):
        masks = [mask for name, mask in found.items() if name.startswith(kind)]
        assert (np.sum(masks, axis=0) == 1).all()
    evening = found["forecast_hour=18-23"]
    assert set(storms["forecast_hour"][evening]) == {18, 19, 20, 21, 22, 23}
    assert (pd.DatetimeIndex(storms["valid_time"][found["month=5"]]).month == 5).all()


def test_places_abroad_and_at_sea_are_in_no_region():
    places = {"Mexico City": (-99.1, 19.4), "Calgary": (-114.1, 51.0), "Bermuda": (-64.8, 32.3),
              "Paris": (2.3, 48.9), "Hawaii": (-155.5, 19.6)}  # fmt: skip
    for longitude, latitude in places.values():
        assert not any(is_inside(box, [longitude], [latitude])[0] for box in US_REGIONS.values())


def test_region_of_known_places():
    places = np.array([(-105.5, 39.7), (-97.5, 35.5), (-87.6, 41.9), (-87, 33)])
    for turn in (0, 360):
        inside = [is_inside(box, places[:, 0] + turn, places[:, 1]) for box in US_REGIONS.values()]
        assert np.array_equal(inside, np.eye(4, dtype=bool))
    on_edges = [is_inside(box, [-105, -90, -90], [40, 37, 36.9]) for box in US_REGIONS.values()]
    assert np.argmax(on_edges, axis=0).tolist() == [1, 2, 3]
    assert np.sum(on_edges, axis=0).tolist() == [1, 1, 1]


def test_own_regions_may_overlap_and_need_not_contain_all_storms():
    storms = made_up_storms()
    regions = {
        "west": {"longitude": (-120, -95), "latitude": (30, 40)},
        "all": {"longitude": (-180, 180), "latitude": (-90, 90)},
        "elsewhere": {"longitude": (0, 10), "latitude": (0, 10)},
    }
    found = {name: inside for name, inside in strata(storms, regions) if "region" in name}
    assert list(found) == ["region=west", "region=all"]
    assert found["region=all"].all()
    assert 0 < found["region=west"].sum() < found["region=west"].size
    assert (storms["longitude"][found["region=west"]] < -95).all()
