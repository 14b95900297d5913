"""Many storms are scored in slices, from files, and in little memory."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from made_up_predictions import forecast, made_up_storms, verify_made_up

from stormcnn.errors import UserError
from stormcnn.io import write_netcdf
from stormcnn.verification.block_tests import calibration_sums
from stormcnn.verification.contingency import contingency
from stormcnn.verification.decisions import judge_decisions
from stormcnn.verification.forecasts import Forecast, read_forecasts
from stormcnn.verification.logistic_fit import fit_slope
from stormcnn.verification.storm_slices import STORMS_AT_ONCE
from stormcnn.verification.storm_totals import ForecastByBlock
from stormcnn.vocabulary import SINGLE

pytestmark = pytest.mark.slow

COPIES = STORMS_AT_ONCE // 1000 + 2


def write(folder, networks):
    """Write predictions as the workflow does, and return their paths by network."""
    paths = {}
    for (model, seed), arrays in networks.items():
        path = folder / f"{model}-{seed}-{len(arrays)}.nc"
        columns = {name: ("storm", values) for name, values in arrays.items()}
        names = [name for name in columns if name not in ("label", "probability", "mc_mean")]
        dataset = xr.Dataset(columns, attrs={"model": model, "seed": seed}).set_coords(names)
        write_netcdf(dataset, path)
        paths[model, seed] = path
    return paths


@pytest.fixture(scope="module")
def networks():
    odds, storms = made_up_storms()
    storms["run_date"] = storms["run_date"].astype("datetime64[ns]")
    storms["valid_time"] = storms["valid_time"].astype("datetime64[ns]")
    storms["run_file"] = np.array([f"{date}.nc" for date in storms["run_date"]], object)
    return {
        (model, seed): forecast(odds, storms, noise, seed=10 * seed)
        for model, noise in (("baseline", 0.6), ("dropout", 0.1))
        for seed in range(3)
    }


@pytest.mark.parametrize("kept", [STORMS_AT_ONCE, 1199])
def test_files_give_the_same_tables_as_arrays(networks, tmp_path, monkeypatch, kept):
    monkeypatch.setattr("stormcnn.verification.forecasts.STORMS_AT_ONCE", kept)
    members = {
        ("dropout", seed): {**networks["dropout", seed], "mc_mean": np.full(1200, 0.1)}
        for seed in range(3)
    }
    tables = verify_made_up(networks, monte_carlo=members, threads=2)
    of_files = verify_made_up(
        write(tmp_path, networks), monte_carlo=write(tmp_path, members), threads=2
    )
    for table, of_file in zip(tables, of_files, strict=True):
        pd.testing.assert_frame_equal(table, of_file, check_exact=True)


def test_files_of_few_storms_are_read_once(networks, tmp_path):
    paths = write(tmp_path, networks)
    forecasts, _ = read_forecasts([(SINGLE, "probability", paths)])
    for path in paths.values():
        path.unlink()
    for (model, seed), arrays in networks.items():
        probability = forecasts[Forecast(model, SINGLE, str(seed))].read()
        np.testing.assert_array_equal(probability, arrays["probability"])


def test_files_give_the_same_decisions_as_arrays(networks, tmp_path):
    settings = {"monte_carlo": {}, "recalibrations": {}, "cost_loss": [0.1], "resamples": 20}
    settings |= {"confidence": 0.8, "block": "day"}
    held_out = {("baseline", 0): networks["baseline", 1]}
    tables = judge_decisions(networks, networks, held_out, **settings)
    paths = write(tmp_path, networks)
    of_files = judge_decisions(paths, paths, {("baseline", 0): paths["baseline", 1]}, **settings)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, of_files[name], check_exact=True)


def test_damaged_file_is_named(networks, tmp_path):
    paths = write(tmp_path, networks)
    damaged = paths["dropout", 1]
    damaged.write_bytes(damaged.read_bytes()[:-2000])
    with pytest.raises(UserError, match=damaged.name):
        verify_made_up(paths)


def test_file_of_other_storms_is_named(networks, tmp_path):
    other = networks["dropout", 1]["run_file"].copy()
    other[700] = "other.nc"
    paths = write(
        tmp_path, networks | {("dropout", 1): networks["dropout", 1] | {"run_file": other}}
    )
    with pytest.raises(UserError, match=r"dropout, seed 1.*run_file of storm 700 is other\.nc"):
        verify_made_up(paths)


def test_scores_of_several_slices_are_those_of_one():
    odds, storms = made_up_storms(20, 50)
    probability, event = forecast(odds, storms)["probability"], storms["label"]
    block = np.arange(1000) // 50
    weights = np.random.default_rng(0).integers(0, 3, (4, 20))
    one = ForecastByBlock(probability, event, block, 0.1)
    many = ForecastByBlock(*(np.tile(x, COPIES) for x in (probability, event, block)), 0.1)
    for name, expected in one.scores(weights).items():
        factor = np.sqrt(COPIES) if name == "spiegelhalter_z" else 1
        assert many.scores(weights)[name] == pytest.approx(factor * expected, rel=1e-11), name
    assert many.values() == pytest.approx(
        one.values() | {"spiegelhalter_z": np.sqrt(COPIES) * one.values()["spiegelhalter_z"]},
        rel=1e-11,
    )
    tables = [
        contingency(np.tile(probability, copies), np.tile(event, copies), [0.3, 0.1])
        for copies in (1, COPIES)
    ]
    np.testing.assert_array_equal(tables[0].hits * COPIES, tables[1].hits)
    np.testing.assert_array_equal(tables[0].false_alarms * COPIES, tables[1].false_alarms)


def test_sums_of_several_slices_are_those_of_one():
    odds, storms = made_up_storms(20, 50)
    probability, event = forecast(odds, storms)["probability"], storms["label"]
    block = np.arange(1000) // 50
    one = calibration_sums(probability, event, block, 20)
    many = calibration_sums(*(np.tile(x, COPIES) for x in (probability, event, block)), 20)
    for name, sums in one.items():
        np.testing.assert_allclose(many[name], COPIES * sums, rtol=1e-9)


def test_slope_of_several_slices_of_bins_is_that_of_one():
    x = np.linspace(-4, 4, 11)
    storms = np.tile(np.arange(100.0, 111), (2**15, 1))
    events = storms / (1 + np.exp(-x / 2 + 1))
    assert fit_slope(x, storms, events) == pytest.approx(0.5)


def peak_bytes(folder, storms, networks):
    """Return the memory of `verify` for files of that many storms."""
    odds, shared = made_up_storms(20, storms // 20)
    shared["run_date"] = shared["run_date"].astype("datetime64[ns]")
    shared["valid_time"] = shared["valid_time"].astype("datetime64[ns]")
    shared["run_file"] = np.array([f"{date}.nc" for date in shared["run_date"]], object)
    paths = write(
        folder, {(f"model{k}", 0): forecast(odds, shared, 0.5, seed=k) for k in range(networks)}
    )
    del odds, shared
    tracemalloc.start()
    verify_made_up(paths, reference="model0", resamples=2, training_climatology=0.1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_grows_little_with_storms_and_not_with_networks(tmp_path):
    fewer, more = (peak_bytes(tmp_path, storms, 1) for storms in (100_000, 200_000))
    assert (more - fewer) / 100_000 < 160
    assert peak_bytes(tmp_path, 100_000, 2) < fewer + 4 * 100_000
