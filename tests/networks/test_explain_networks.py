"""The jobs that explain networks, from network files to tables and figures."""

import keras
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from report_files import fields, predicted

from scripts.explain_networks import explain_networks
from scripts.score_explanations import score_explanations
from stormcnn.io import write_netcdf
from stormcnn.models.architecture import build_network
from stormcnn.models.network_files import save_network
from stormcnn.report.explanation_figures import attribution_figure, importance_figure

ARCHITECTURE = {
    "filters": [2],
    "kernel_size": 3,
    "activation": "relu",
    "pooling": "average",
    "spatial_dropout": 0.2,
}
SEEDS = [0, 5]


def explain(folder, variables, masks=True, members=0, **permutation):
    """Explain two untrained networks of some predictors; return the paths of all results."""
    stored = fields().sel(variable=variables)
    if not masks:
        stored = stored.drop_vars("masks")
    patches = [folder / "1.nc", folder / "2.nc"]
    write_netcdf(stored.isel(storm=slice(None, 12)), patches[0])
    write_netcdf(stored.isel(storm=slice(12, None)), patches[1])
    write_netcdf(predicted("dropout").assign_attrs(title="Storms"), folder / "predictions.nc")
    networks = [folder / f"{seed}.keras" for seed in SEEDS]
    count = len(variables)
    for seed, path in zip(SEEDS, networks, strict=True):
        keras.utils.set_random_seed(seed)
        network = build_network(ARCHITECTURE, (8, 8), [1.0] * count, [4.0] * count)
        save_network(network, path, {})
    explained = [folder / f"seed-{seed}.nc" for seed in SEEDS]
    permuted = [folder / f"seed-{seed}-permuted.nc" for seed in SEEDS]
    settings = {"storms": 3, "steps": 4, "members": members}
    explain_networks(
        networks=networks,
        patches=patches,
        predictions=folder / "predictions.nc",
        model="dropout",
        seeds=SEEDS,
        cases={"count": 2, "storms": [5]},
        explanation=settings | {"permutation": {"repetitions": 2, "storms": None} | permutation},
        block="day",
        memory_mb=None,
        threads=1,
        explained=explained,
        permuted=permuted,
    )
    score_explanations(
        explained=explained,
        permuted=permuted,
        truth=[],
        models=["dropout"],
        verification={"block": "day", "resamples": 200, "confidence": 0.95},
        permutation=folder / "permutation.csv",
        checks=folder / "checks.csv",
        storms=[folder / "storms.nc"],
    )
    return explained, permuted


VARIABLES = ["REFL_COM_curr", "U10_curr", "V10_curr"]


def test_results_of_all_seeds_have_the_same_storms_and_permutations(tmp_path):
    explained, permuted = explain(tmp_path, VARIABLES, members=2, storms=20)
    first, second = (xr.load_dataset(path) for path in explained)
    assert first.sizes["storm"] == 6
    assert first["case"].values.tolist() == [1, 1, 1, 0, 0, 0]
    assert first["index"].values[0] == 5
    assert (first["index"].values == second["index"].values).all()
    assert first.attrs["members"] == 2
    assert not (first["attribution"].values == second["attribution"].values).all()
    one, other = (xr.load_dataset(path) for path in permuted)
    assert one["probability"].dims == ("permuted", "repetition", "storm")
    assert one.sizes["repetition"] == 2
    assert one.sizes["storm"] == 20
    assert (one["is_permuted"].values == other["is_permuted"].values).all()
    table = pd.read_csv(tmp_path / "permutation.csv")
    assert set(table["seed"]) == {"0", "5", "mean"}
    assert set(table["storms"]) == {20}
    tests = pd.read_csv(tmp_path / "checks.csv")
    assert set(tests["check"]) == {"completeness", "random_weights", "seeds", "members"}
    storms = xr.load_dataset(tmp_path / "storms.nc")
    expected = (first["attribution"].values + second["attribution"].values) / 2
    np.testing.assert_allclose(storms["attribution"].values, expected, atol=1e-6)
    assert storms["flattened"].values.tolist() == ["REFL_COM_curr", "U10_curr+V10_curr"]


@pytest.mark.parametrize("variables", [["REFL_COM_curr"], ["REFL_COM_curr", "V10_curr"]])
def test_predictors_without_wind_and_without_masks_are_explained_and_drawn(tmp_path, variables):
    explain(tmp_path, variables, masks=False)
    table = pd.read_csv(tmp_path / "permutation.csv")
    assert table.loc[table["pass"] == "single", "predictors"].unique().tolist() == variables
    storms = xr.load_dataset(tmp_path / "storms.nc")
    assert storms["flattened"].values.tolist() == variables
    figure = attribution_figure(storms)
    assert len(figure.axes) >= storms["case"].values.sum() * (1 + len(variables))
    assert importance_figure(table, {"dropout": "Dropout"}, "brier_skill_score").axes
