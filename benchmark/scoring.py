"""Measure the scores of several models and seeds: `python -m benchmark.scoring`.

Prints the seconds and the peak memory (MiB) of `verify` for made-up storms as JSON, without the
start of the process.
"""

from __future__ import annotations

import json
import os
import time

import numpy as np

from benchmark.measure import call_module
from benchmark.simulated_forecasts import FREQUENCY, make_storms, with_skill
from stormcnn.logs import peak_memory_mib
from stormcnn.verification.tables import verify

DAYS, STORMS_PER_DAY = 36, 1244
MODELS = {"baseline": 0.26, "l2": 0.26, "dropout": 0.3}
"""Brier skill score of the networks of each model."""

SEEDS = 5
RESAMPLES = 1000


def score() -> dict[str, float]:
    """Score made-up forecasts with all strata and curves, and return time and peak memory."""
    draw = np.random.default_rng(0)
    storms = make_storms(draw, DAYS, runs=1, storms=STORMS_PER_DAY)
    hour = draw.integers(12, 36, storms.event.size)
    shared = storms.arrays(
        forecast_hour=hour,
        valid_time=storms.run_date + hour.astype("timedelta64[h]"),
        longitude=draw.uniform(-125, -66, hour.size),
        latitude=draw.uniform(24, 50, hour.size),
    )
    networks = {
        (model, seed): shared | {"probability": with_skill(skill).forecast(storms, draw)}
        for model, skill in MODELS.items()
        for seed in range(SEEDS)
    }
    start = time.perf_counter()
    verify(
        networks,
        reference="baseline",
        training_climatology=FREQUENCY,
        resamples=RESAMPLES,
        threads=os.cpu_count() or 1,
    )
    return {
        "seconds": round(time.perf_counter() - start, 1),
        "peak_mib": round(peak_memory_mib()),
        "storms": int(storms.event.size),
        "models": len(MODELS),
        "seeds": SEEDS,
        "resamples": RESAMPLES,
    }


def measure() -> dict[str, float]:
    """Return what `score` measures in a process of its own."""
    return dict(call_module("scoring"))


if __name__ == "__main__":
    print(json.dumps(score()))
