"""Statistics and event counts of MC members are exact and independent of how storms are split."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from stormcnn.sampling.members import (
    QUANTILES,
    EventCounts,
    binary_entropy,
    describe_storms,
    storm_uniforms,
    summarize_members,
)

RUN_DATES = np.array(["2015-04-01", "2015-04-02", "2015-05-11"], dtype="datetime64[ns]")


def some_storms(storms: int, members: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    run = rng.integers(0, len(RUN_DATES), storms)
    return {
        "probability": rng.beta(0.5, 3, (storms, members)).astype(np.float32),
        "event": rng.integers(0, 2, storms),
        "run_date": RUN_DATES[run],
        "run_file": np.array([f"run-{number}.nc" for number in run], dtype=object),
        "patch": np.arange(storms),
    }


def counts_of(storms: dict[str, np.ndarray], order: np.ndarray, chunk: int) -> xr.Dataset:
    counts = EventCounts(RUN_DATES, storms["probability"].shape[1], seed=3)
    for start in range(0, order.size, chunk):
        counts.add(**{name: v[order[start : start + chunk]] for name, v in storms.items()})
    return counts.dataset()


def test_summary_of_two_members_by_hand():
    summary = summarize_members([[0.25, 0.75], [0.0, 1.0]])
    np.testing.assert_allclose(summary["mc_mean"], [0.5, 0.5])
    np.testing.assert_allclose(summary["mc_std"], [0.5 / np.sqrt(2), 1 / np.sqrt(2)])
    one_member = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    np.testing.assert_allclose(summary["mc_entropy"], [one_member, 0])
    np.testing.assert_allclose(summary["mc_quantile"][0], 0.25 + 0.5 * np.array(QUANTILES))


def test_entropy_is_zero_for_a_certain_event_and_largest_for_a_probability_of_one_half():
    np.testing.assert_allclose(binary_entropy([0, 0.5, 1]), [0, np.log(2), 0])


@settings(max_examples=25, deadline=None)
@given(
    arrays.arrays(np.float32, st.tuples(st.integers(2, 12), st.integers(2, 70)),
                  elements=st.floats(0, 1, width=32)),
    st.data(),
)  # fmt: skip
def test_summary_of_a_storm_is_bit_identical_however_storms_are_split(probability, data):
    cut = data.draw(st.integers(1, len(probability) - 1))
    whole = summarize_members(probability)
    parts = [summarize_members(probability[:cut]), summarize_members(probability[cut:])]
    for name, values in whole.items():
        np.testing.assert_array_equal(values, np.concatenate([part[name] for part in parts]))


def test_summary_does_not_depend_on_the_memory_layout():
    probability = some_storms(40, 77)["probability"]
    for name, values in summarize_members(np.asfortranarray(probability)).items():
        np.testing.assert_array_equal(values, summarize_members(probability)[name])


def test_equal_members_have_exactly_no_spread():
    summary = summarize_members(np.repeat([[0.1], [0.7]], 49, axis=1))
    np.testing.assert_array_equal(summary["mc_std"], 0)
    np.testing.assert_array_equal(summary["mc_mean"], [0.1, 0.7])


def test_one_member_has_no_spread():
    summary = summarize_members([[0.2], [0.6]])
    assert np.isnan(summary["mc_std"]).all()
    np.testing.assert_array_equal(summary["mc_mean"], [0.2, 0.6])


def test_batch_without_storms_has_an_empty_summary_and_empty_counts():
    none, some = (summarize_members(np.full((storms, 5), 0.5)) for storms in (0, 3))
    for name, values in some.items():
        np.testing.assert_array_equal(np.concatenate([none[name], values]), values)
    assert EventCounts([], members=5, seed=0).dataset().sizes == {"run": 0, "mc_member": 5}


def test_random_numbers_of_a_storm_do_not_depend_on_other_storms_or_members():
    files, patches = np.array(["a.nc", "a.nc", "b.nc"]), np.array([0, 1, 0])
    uniforms = storm_uniforms(files, patches, members=6, seed=1)
    reordered = storm_uniforms(files[::-1], patches[::-1], members=9, seed=1)
    np.testing.assert_array_equal(reordered[::-1, :6], uniforms)
    others = storm_uniforms(files, patches, members=6, seed=2)
    assert np.unique(np.concatenate([uniforms, others])).size == 36


def test_random_numbers_of_neighboring_storms_are_uniform_and_independent():
    uniforms = storm_uniforms(np.full(2000, "a.nc"), np.arange(2000), members=20, seed=0)
    assert stats.kstest(uniforms.ravel(), "uniform").pvalue > 0.01
    assert abs(np.corrcoef(uniforms[:-1].ravel(), uniforms[1:].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(uniforms[:, :-1].ravel(), uniforms[:, 1:].ravel())[0, 1]) < 0.02


def test_counts_of_certain_events_are_exact():
    counts = EventCounts(RUN_DATES[:1], members=200, seed=0)
    dates, files = np.repeat(RUN_DATES[:1], 5), np.repeat("run-0.nc", 5)
    probability = np.repeat([[1.0], [1.0], [0.0], [1.0], [0.0]], 200, axis=1)
    counts.add(probability, [1, 1, 0, 0, 0], dates, files, np.arange(5))
    result = counts.dataset()
    assert (result["count"] == 3).all()
    assert (result["expected"] == 3).all()
    assert result["observed"].item() == 2


def test_counts_can_be_selected_and_stacked_by_mc_member():
    storms = some_storms(40, 5)
    counts = counts_of(storms, np.arange(40), chunk=40)
    assert counts["mc_member"].dtype == np.int32
    assert counts["mc_member"].values.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(counts.sel(mc_member=3)["count"], counts["count"][:, 3])
    assert counts.stack(forecast=("run", "mc_member")).sizes == {"forecast": 3 * 5}


def test_expected_and_observed_events_are_summed_by_run_date():
    storms = some_storms(60, 4)
    counts = counts_of(storms, np.arange(60), chunk=60)
    np.testing.assert_array_equal(counts["run_date"], RUN_DATES)
    for index, date in enumerate(RUN_DATES):
        here = storms["run_date"] == date
        expected = storms["probability"][here].sum(axis=0)
        np.testing.assert_allclose(counts["expected"][index], expected, rtol=1e-6)
        assert counts["observed"][index] == storms["event"][here].sum()


def test_influence_of_members_is_the_derivative_of_the_brier_score_of_their_mean():
    storms = some_storms(60, 4)
    counts = counts_of(storms, np.arange(60), chunk=7)
    probability, event = storms["probability"].astype(float), storms["event"]

    def brier_score(weights):
        return np.mean((np.average(probability, axis=1, weights=weights) - event) ** 2)

    influence = counts["brier_influence"].sum("run").values
    np.testing.assert_allclose(influence.sum(), 0, atol=1e-5)
    for member in range(4):
        more = np.ones(4)
        more[member] += 1e-6
        derivative = (brier_score(more) - brier_score(np.ones(4))) / 1e-6
        assert influence[member] / 60 == pytest.approx(derivative * 4 / 2, rel=1e-3)


def test_counts_have_the_mean_and_variance_of_independent_storms():
    storms = some_storms(120, 1)
    members = 4000
    storms["probability"] = np.repeat(storms["probability"], members, axis=1)
    counts = counts_of(storms, np.arange(120), chunk=120)
    chance = storms["probability"][:, 0].astype(float)
    for index, date in enumerate(RUN_DATES):
        here = chance[storms["run_date"] == date]
        variance = (here * (1 - here)).sum()
        departure = counts["count"][index].mean().item() - here.sum()
        assert abs(departure) < 4 * np.sqrt(variance / members)
        assert counts["count"][index].var().item() == pytest.approx(variance, rel=0.1)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(chunk=st.integers(1, 50))
def test_counts_added_in_parts_equal_those_added_at_once(chunk):
    storms = some_storms(50, 7)
    whole = counts_of(storms, np.arange(50), chunk=50)
    xr.testing.assert_identical(counts_of(storms, np.arange(50), chunk), whole)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(30)))
def test_counts_do_not_depend_on_the_order_of_storms(order):
    storms = some_storms(30, 7)
    whole = counts_of(storms, np.arange(30), chunk=30)
    reordered = counts_of(storms, np.array(order), chunk=11)
    xr.testing.assert_identical(reordered[["count", "observed"]], whole[["count", "observed"]])
    for name in ("expected", "brier_influence"):
        np.testing.assert_allclose(reordered[name], whole[name], rtol=1e-5, atol=1e-6)


def test_unknown_run_date_is_named():
    counts = EventCounts(RUN_DATES[:2], members=3, seed=0)
    with pytest.raises(ValueError, match="2015-05-11"):
        counts.add(np.full((1, 3), 0.5), [0], RUN_DATES[2:], ["run-2.nc"], [0])


def test_wrong_number_of_members_is_refused():
    counts = EventCounts(RUN_DATES, members=3, seed=0)
    with pytest.raises(ValueError, match=r"3.*\(1, 2\)"):
        counts.add(np.full((1, 2), 0.5), [0], RUN_DATES[:1], ["run-0.nc"], [0])


def test_storms_are_described_with_and_without_dropout():
    probability = some_storms(4, 10)["probability"]
    forecast = xr.Dataset(
        {"probability": ("storm", probability[:, 0]), "label": ("storm", [0, 1, 0, 0])},
        coords={"patch": ("storm", np.arange(4))},
    )
    described = describe_storms(forecast, summarize_members(probability))
    assert described["mc_quantile"].dims == ("storm", "quantile")
    np.testing.assert_array_equal(described["quantile"], QUANTILES)
    np.testing.assert_allclose(described["mc_mean"], probability.mean(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(described["probability"], probability[:, 0])
    np.testing.assert_array_equal(described["patch"], np.arange(4))
