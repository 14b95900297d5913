"""Opponents write the probabilities of each seed, of both periods and of the held-out end."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from scripts.predict_boosted_trees import predict_boosted_trees
from scripts.predict_logistic_regression import predict_logistic_regression
from scripts.predict_threshold_rule import predict_threshold_rule
from stormcnn.errors import UserError
from stormcnn.io import read_netcdf, write_netcdf

ROOT = Path(__file__).parents[3]
EVENT = {"target": "RVORT1_MAX_future", "region": "storm", "threshold": 0.005}
TABLES = {
    predict_boosted_trees: ["trees"],
    predict_threshold_rule: ["rule", "statistics"],
    predict_logistic_regression: ["coefficients"],
}


def write_features(path, start, storms=200, strength=0.0025, seed=0):
    """Write features of storms, 10 a day, whose peak depends on the wind."""
    draw = np.random.default_rng(seed)
    wind = draw.normal(size=storms)
    day = np.datetime64(start) + np.arange(storms) // 10
    data = xr.Dataset(
        {
            "peak": ("storm", (0.003 + strength * wind).astype("f4"), {"units": "s-1"}),
            "features": (
                ("storm", "feature"),
                np.stack([wind, draw.normal(size=storms)], axis=1).astype("f4"),
            ),
        },
        coords={
            "run_date": ("storm", day.astype("datetime64[ns]")),
            "patch": ("storm", np.arange(storms, dtype=np.int32)),
            "feature": ["U10_curr_patch_mean", "latitude"],
        },
        attrs={"title": "Made-up storms"},
    )
    write_netcdf(data, path)
    return str(path)


def run(script, folder, seeds=(3, 4), held_out="2014-05-17T00:00", **changed):
    """Run a script and return the predictions by name and seed."""
    features = {
        "training": write_features(folder / "training.nc", "2014-05-01", **changed),
        "test": write_features(folder / "test.nc", "2015-05-01", seed=1),
    }
    seeds = list(seeds) if script is predict_boosted_trees else [seeds[0]]
    output = {
        "training": [f"{folder}/seed-{seed}-training.nc" for seed in seeds],
        "test": [f"{folder}/seed-{seed}.nc" for seed in seeds],
        "held_out": [f"{folder}/held-out.nc"],
    }
    script(
        features=features,
        model=script.__name__.removeprefix("predict_"),
        seeds=seeds,
        event=EVENT,
        held_out=held_out,
        output=output,
        **{name: f"{folder}/{name}.csv" for name in TABLES[script]},
    )
    return {name: [read_netcdf(path) for path in paths] for name, paths in output.items()}


@pytest.mark.slow
@pytest.mark.parametrize("script", TABLES)
def test_each_period_has_a_probability_of_each_storm(script, tmp_path):
    predicted = run(script, tmp_path)
    for name, storms in {"training": 200, "test": 200, "held_out": 40}.items():
        for number, data in enumerate(predicted[name]):
            assert data.sizes["storm"] == storms
            assert int(data.attrs["seed"]) == 3 + number
            assert data.attrs["model"] == script.__name__.removeprefix("predict_")
            assert data["probability"].dtype == "float32"
            assert data["label"].values.mean() > 0.1
    wind = read_netcdf(tmp_path / "test.nc")["features"][:, 0]
    event = predicted["test"][0]["label"] == 1
    probability = predicted["test"][0]["probability"]
    assert wind[event].min() > wind[~event].max()
    assert probability[event].mean() > 0.6 > 0.2 > probability[~event].mean()
    for name in TABLES[script]:
        assert len(pd.read_csv(tmp_path / f"{name}.csv")) > 0


def test_held_out_storms_are_predicted_without_their_events(tmp_path):
    """With the events of the held-out days inverted, their probabilities stay the same."""
    (tmp_path / "inverted").mkdir()
    first = run(predict_threshold_rule, tmp_path)["held_out"][0]
    features = write_features(tmp_path / "inverted/training.nc", "2014-05-01")
    data = read_netcdf(features)
    data["peak"][160:] = 0.006 - data["peak"][160:]
    write_netcdf(data, features)
    predict_threshold_rule(
        features={"training": features, "test": str(tmp_path / "test.nc")},
        model="threshold_rule",
        seeds=[3],
        event=EVENT,
        held_out="2014-05-17T00:00",
        rule=f"{tmp_path}/inverted/rule.csv",
        statistics=f"{tmp_path}/inverted/statistics.csv",
        output={
            name: [f"{tmp_path}/inverted/{name}-predicted.nc"]
            for name in ("training", "test", "held_out")
        },
    )
    second = read_netcdf(tmp_path / "inverted/held_out-predicted.nc")
    assert (first["label"] != second["label"]).any()
    np.testing.assert_array_equal(first["probability"], second["probability"])


@pytest.mark.slow
@pytest.mark.parametrize("script", TABLES)
def test_short_training_period_has_no_held_out_storms(script, tmp_path):
    assert run(script, tmp_path, held_out=None)["held_out"][0].sizes["storm"] == 0


@pytest.mark.parametrize("script", TABLES)
def test_too_few_events_are_refused(script, tmp_path):
    with pytest.raises(UserError, match=r"event\.threshold"):
        run(script, tmp_path, strength=0.0001)


@pytest.mark.slow
def test_opponents_do_not_import_tensorflow():
    """TensorFlow alone would take longer to import than the fits."""
    names = [f"scripts.{script.__name__}" for script in TABLES]
    code = (
        f"import sys, {', '.join([*names, 'scripts.compute_features'])}\n"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
