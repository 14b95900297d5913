"""Measure time and memory of the job `score_networks` for many made-up storms.

`python -m benchmark.many_storms make FOLDER` writes predictions of two periods as the workflow
does, and `score` runs the job on them in a separate process. It prints the seconds and the peak
memory of the process in MiB as JSON.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from benchmark.measure import call_module
from benchmark.scaling import STORMS_PER_RUN, TRAINING_SHARE
from benchmark.simulated_forecasts import Storms, make_storms, with_skill
from scripts.score_networks import score_networks
from stormcnn.logs import peak_memory_mib
from stormcnn.models.prediction_files import write_predictions
from stormcnn.verification.tables import Tables

ENSEMBLE = 10
"""Runs per day."""

STORMS_PER_DAY = ENSEMBLE * STORMS_PER_RUN

PERIODS = {
    "training": (np.timedelta64(0, "D"), TRAINING_SHARE),
    "test": (np.timedelta64(4000, "D"), 1 - TRAINING_SHARE),
    "held-out": (np.timedelta64(3000, "D"), 0.15),
}
"""Beginning of each period, and its share of the storms."""

SIZES = ((1_000_000, 1), (1_000_000, 3), (4_000_000, 1), (4_000_000, 3))
"""Numbers of storms of both periods, and of networks."""

RESAMPLES = 40
THREADS = 2
"""Threads of the rule `score_networks`."""


def describe(made_up: Storms, start: np.timedelta64, draw: np.random.Generator) -> xr.Dataset:
    """Return the peaks and coordinates of storms of `ENSEMBLE` runs a day from `start` on."""
    number = np.arange(made_up.event.size)
    run, patch = np.divmod(number, STORMS_PER_RUN)
    run_date = made_up.run_date + start
    hour = draw.integers(12, 36, number.size)
    dates = np.datetime_as_string(run_date[patch == 0], "D")
    members = [f"d{member:02d}" for member in range(1, ENSEMBLE + 1)]
    files = [
        f"NCARSTORM_{date.replace('-', '')}-0000_{members[i % ENSEMBLE]}_model_patches.nc"
        for i, date in enumerate(dates)
    ]
    coordinates = {
        "run_date": run_date.astype("datetime64[ns]"),
        "valid_time": (run_date + hour.astype("timedelta64[h]")).astype("datetime64[ns]"),
        "forecast_hour": hour.astype(np.float64),
        "ensemble_member": np.array(members, object)[run % ENSEMBLE],
        "track_id": number.astype(np.int32),
        "track_step": np.zeros(number.size, np.int32),
        "longitude": draw.uniform(-125, -66, number.size).astype(np.float32),
        "latitude": draw.uniform(24, 50, number.size).astype(np.float32),
        "run_file": np.array(files, object)[run],
        "patch": patch.astype(np.int32),
    }
    return xr.Dataset(
        {"peak": ("storm", np.where(made_up.event, 0.006, 0.004).astype(np.float32))},
        {name: ("storm", values) for name, values in coordinates.items()},
        {"title": "Made-up storms"},
    )


def make(folder: Path, storms: int, networks: int) -> None:
    """Write the predictions of networks for both periods, and for the held-out storms."""
    draw = np.random.default_rng(0)
    forecaster = with_skill(0.3)
    for period, (start, share) in PERIODS.items():
        days = round(share * storms / STORMS_PER_DAY)
        made_up = make_storms(draw, days, storms=STORMS_PER_DAY)
        described = describe(made_up, start, draw)
        for number in range(networks):
            probability = forecaster.forecast(made_up, draw).astype(np.float32)
            path, model = folder / f"{period}-{number}.nc", f"network{number}"
            write_predictions(path, probability, described, 0.005, {}, model, seed=0)


def score(folder: Path) -> dict[str, float]:
    """Run the job, and return its time without start-up and the peak memory of the process."""
    of = {period: sorted(map(str, folder.glob(f"{period}-?.nc"))) for period in PERIODS}
    names = (*Tables._fields, "recalibration")
    start = time.perf_counter()
    score_networks(
        training=of["training"],
        test=of["test"],
        opponent_training=[],
        opponent_test=[],
        own_scaling=[],
        members=[],
        held_out=of["held-out"],
        reference="network0",
        matched={},
        verification={"resamples": RESAMPLES},
        threads=THREADS,
        recalibration={"methods": ["intercept"], "block": "day", "confidence": 0.95},
        calibrated=[path.replace("test", "calibrated") for path in of["test"]],
        output={name: str(folder / f"{name}.csv") for name in names},
    )
    seconds = time.perf_counter() - start
    return {"seconds": round(seconds, 1), "peak_mib": round(peak_memory_mib())}


def measure(folder: Path) -> dict[str, Any]:
    """Return time and memory for each of `SIZES`."""
    sizes = []
    for storms, networks in SIZES:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            call_module("many_storms", "make", place, storms=storms, networks=networks)
            measured = call_module("many_storms", "score", place)
            sizes.append({"storms": storms, "networks": networks, **measured})
            print(storms, networks, measured, flush=True)
    return {"resamples": RESAMPLES, "threads": THREADS, "sizes": sizes}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=["make", "score"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--storms", type=int, default=SIZES[0][0])
    parser.add_argument("--networks", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.stage == "make":
        make(arguments.folder, arguments.storms, arguments.networks)
    else:
        print(json.dumps(score(arguments.folder)))
