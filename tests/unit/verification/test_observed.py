"""The same forecasts judged by the event of the NWP model and by the observed event."""

import numpy as np
import pytest
import xarray as xr
from made_up_predictions import forecast, made_up_storms, row_of

from stormcnn.errors import UserError
from stormcnn.verification.observed import NWP, OBSERVED, compare_truths, is_day, verify_both
from stormcnn.verification.tables import Tables, verify

SETTINGS = {"reference": "baseline", "resamples": 200}


def as_dataset(arrays):
    dataset = xr.Dataset({name: ("storm", values) for name, values in arrays.items()})
    return dataset.set_coords([name for name in arrays if name not in ("label", "probability")])


def observe(storms, observed, frequency=0.1):
    """Return observations of storms."""
    coordinates = as_dataset(storms).drop_vars("label").coords
    return xr.Dataset(
        {"observed": ("storm", observed)}, coordinates, {"training_frequency": frequency}
    )


@pytest.fixture(scope="module")
def made_up():
    """Storms, of which half of the events are reported, and whose last quarter is unknown."""
    odds, storms = made_up_storms(dates=16)
    storms |= {"run_file": np.full(odds.size, "run.nc")}
    draw = np.random.default_rng(3).random(odds.size)
    observed = (draw < np.where(storms["label"] == 1, 0.5, 0.05)).astype("int8")
    observed[odds.size * 3 // 4 :] = -1
    predictions = {
        ("baseline", 0): as_dataset(forecast(odds, storms, noise=1)),
        ("l2", 0): as_dataset(forecast(odds, storms, noise=0.5)),
    }
    return storms, predictions, observe(storms, observed)


@pytest.fixture(scope="module")
def tables(made_up):
    _, predictions, observations = made_up
    return verify_both(
        predictions,
        observations,
        monte_carlo={},
        recalibrated={("l2", 0): predictions["l2", 0].rename(probability="probability_logistic")},
        training_climatology=0.2,
        **SETTINGS,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("truth", "climatology"), [(NWP, 0.2), (OBSERVED, 0.1)])
def test_both_truths_are_judged_as_any_event_is(made_up, tables, truth, climatology):
    _, predictions, observations = made_up
    observed = observations["observed"].values
    known = observed >= 0
    expected = verify(
        {
            network: {name: values.values[known] for name, values in of_network.variables.items()}
            | ({"label": observed[known]} if truth == OBSERVED else {})
            for network, of_network in predictions.items()
        },
        training_climatology=climatology,
        **SETTINGS,
    )
    for name in Tables._fields:
        found = tables[name][tables[name]["truth"] == truth].drop(columns="truth")
        own = found[found["forecast"] == "single"].reset_index(drop=True)
        assert own.equals(getattr(expected, name)), name


def test_recalibrated_forecasts_are_judged_by_both_truths(tables):
    found = tables["scores"].query("forecast == 'logistic' and score == 'auc'")
    assert list(found["truth"]) == [NWP, OBSERVED]
    assert found["value"].nunique() == 2


@pytest.mark.slow
def test_skill_is_unknown_without_reports_of_the_training_period(made_up):
    _, predictions, observations = made_up
    found = verify_both(
        predictions,
        observations.assign_attrs(training_frequency=np.nan),
        monte_carlo={},
        recalibrated={},
        training_climatology=0.2,
        **SETTINGS,
    )["scores"]
    skill = found[(found["score"] == "brier_skill_score_training") & (found["stratum"] == "all")]
    assert skill.set_index("truth")["value"].isna().to_dict() == {NWP: False, OBSERVED: True}


@pytest.mark.slow
@pytest.mark.parametrize(("events", "enough"), [(9, False), (10, True)])
def test_at_least_ten_observed_events_are_needed(made_up, events, enough):
    storms, predictions, _ = made_up
    observed = np.zeros(storms["label"].size, "int8")
    observed[: 60 * events : 60] = 1
    found = verify_both(
        predictions,
        observe(storms, observed),
        monte_carlo={},
        recalibrated={},
        training_climatology=0.2,
        **SETTINGS,
    )
    assert {name: len(table) > 0 for name, table in found.items()} == dict.fromkeys(
        Tables._fields, enough
    )


def test_observations_of_other_storms_are_refused(made_up):
    _, predictions, observations = made_up
    shifted = observations.assign_coords(patch=observations["patch"] + 1)
    for other in (shifted, observations.isel(storm=slice(1, None))):
        with pytest.raises(UserError, match=r"observations\.nc"):
            compare_truths(predictions, other)


def test_combinations_of_the_two_events_are_counted_by_day_and_night():
    noon, midnight = np.datetime64("2015-05-01T18", "ns"), np.datetime64("2015-05-01T06", "ns")
    storms = {
        "label": np.array([1, 1, 0, 0, 0, 1], "i1"),
        "valid_time": np.array([noon, midnight, noon, noon, midnight, noon]),
        "longitude": np.full(6, -90.0),
        "run_file": np.full(6, "run.nc"),
        "patch": np.arange(6),
    }
    probability = np.array([0.9, 0.5, 0.3, 0.2, 0.1, 0.7], "f4")
    predictions = {("baseline", 0): as_dataset(storms | {"probability": probability})}
    table = compare_truths(predictions, observe(storms, np.array([1, 0, 1, 0, 0, -1], "i1")))

    def cell(part, nwp, observed):
        return row_of(table, part=part, nwp_event=nwp, observed_event=observed)

    counts = {
        part: [cell(part, *events)["storms"] for events in ((1, 1), (1, 0), (0, 1), (0, 0))]
        for part in ("all", "day", "night")
    }
    assert counts == {"all": [1, 1, 1, 2], "day": [1, 0, 1, 1], "night": [0, 1, 0, 1]}
    assert cell("all", 0, 0)["mean_probability"] == pytest.approx(0.15)
    assert np.isnan(cell("night", 1, 1)["mean_probability"])


def test_day_is_that_of_the_sun():
    times = np.array(["2015-05-01T11:59", "2015-05-01T12:00", "2015-05-02T00:00"], "datetime64[m]")
    np.testing.assert_array_equal(is_day(times, np.full(3, -90)), [False, True, False])
