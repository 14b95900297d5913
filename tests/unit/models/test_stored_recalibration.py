"""The file of a network gets the recalibration and the thresholds of its held-out storms."""

import zipfile

import numpy as np
import xarray as xr

from scripts.recalibrate_networks import recalibrate_networks
from stormcnn.forecast.network_metadata import read_recalibration_settings, read_thresholds
from stormcnn.io import write_netcdf
from stormcnn.verification.decisions import choose_thresholds
from stormcnn.verification.recalibration import Recalibration

CONTENT = {"config.json": b"{}", "model.weights.h5": b"weights"}


def test_thresholds_are_chosen_on_the_recalibrated_held_out_storms(tmp_path):
    draw = np.random.default_rng(0)
    odds = draw.normal(-1, 1.5, 3000)
    event = draw.random(3000) < 1 / (1 + np.exp(-odds))
    days = np.datetime64("2015-05-01", "ns") + np.arange(3000) // 100 * np.timedelta64(1, "D")
    held_out = xr.Dataset(
        {
            "probability": ("storm", 1 / (1 + np.exp(-(odds + 2)))),
            "label": ("storm", event.astype("int8")),
        },
        {"run_date": ("storm", days)},
        {"model": "dropout", "seed": "0"},
    )
    write_netcdf(held_out, tmp_path / "held-out.nc")
    with zipfile.ZipFile(tmp_path / "trained.keras", "w") as archive:
        for name, content in CONTENT.items():
            archive.writestr(name, content)
    networks = [str(tmp_path / f"{seed}.keras") for seed in range(2)]
    recalibrate_networks(
        models=["dropout", "other"],
        trained=[str(tmp_path / "trained.keras")] * 2,
        held_out=[str(tmp_path / "held-out.nc")],
        recalibration={"methods": ["intercept"], "block": "day", "confidence": 0.95},
        cost_loss=[0.2],
        networks=networks,
    )
    function = Recalibration.from_json(read_recalibration_settings(networks[0]))
    assert function.intercept < -1
    thresholds = read_thresholds(networks[0])
    probability = function.apply(held_out["probability"].values)
    assert thresholds == choose_thresholds(probability, event, [0.2])
    assert 0.1 < thresholds["cost_loss=0.2"] < 0.3
    # Nothing was held out from the other model.
    assert read_thresholds(networks[1]) == {}
    with zipfile.ZipFile(networks[0]) as archive:
        assert {name: archive.read(name) for name in CONTENT} == CONTENT
