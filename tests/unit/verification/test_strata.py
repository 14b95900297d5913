"""Strata divide storms by forecast hour, month and region."""

import numpy as np
import pandas as pd

from stormcnn.verification.strata import region_of, strata


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


def test_region_of_known_places():
    denver_west, oklahoma, chicago, alabama = (
        (-105.5, 39.7),
        (-97.5, 35.5),
        (-87.6, 41.9),
        (-87, 33),
    )
    places = np.array([denver_west, oklahoma, chicago, alabama])
    expected = ["mountain_west", "great_plains", "midwest_northeast", "southeast"]
    assert region_of(*places.T).tolist() == expected
    assert region_of(places[:, 0] + 360, places[:, 1]).tolist() == expected
    assert region_of([-105, -90, -90], [40, 37, 36.9]).tolist() == expected[1:]
