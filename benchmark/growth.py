"""Measure how time and memory of each stage grow with the number of storms and run files.

`python -m benchmark.growth STAGE FOLDER` measures one stage in a separate process. It prints the
seconds without start-up and the peak memory of the process in MiB as JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.measure import call_module, ratio
from benchmark.workflow import NETWORKS
from stormcnn.config.archive_dates import demo_file_name
from stormcnn.demo.writing import write_runs
from stormcnn.logs import peak_memory_mib
from stormcnn.models.fields import hold_fields
from stormcnn.models.recipes import LESSON
from stormcnn.storms.patches import open_patches
from stormcnn.storms.preparing import prepare_batch
from stormcnn.storms.run_files import as_run

RECIPE = replace(LESSON, epochs=2)
MEMBERS = 10
STAGES = ("prepare", "train", "predict", "sample", "score")
# The part of a training job that uses fields, with a value of `training.memory_mb`.
JOBS = {"job_in_memory": None, "job_from_disk": 0}
# Number of run files, and of storms in each.
BY_STORMS = [(10, 10), (10, 100), (20, 500), (100, 1000)]
BY_RUNS = [(1, 12), (10, 12), (100, 12), (1000, 12)]
HELD, TEN_TIMES = (20, 1000), (200, 1000)
PAIRS = 5


def make_runs(folder: Path, runs: int, storms: int) -> None:
    """Write made-up run files of consecutive days."""
    dates = [datetime(2010, 1, 1) + timedelta(day) for day in range(runs)]
    paths = [folder / demo_file_name(date) for date in dates]
    write_runs(paths, storms, seed=1, workers=2)


def prepare(folder: Path) -> Path:
    """Prepare all run files as one batch and return the path of the patches."""
    runs = [as_run(path, "year") for path in sorted(folder.glob("NCARSTORM_*.nc"))]
    prepared = folder / "patches.nc"
    prepare_batch(
        runs,
        prepared,
        folder / "statistics.csv",
        folder / "inventory.csv",
        predictors=["REFL_COM_curr", "U10_curr", "V10_curr"],
        target="RVORT1_MAX_future",
        region="storm",
    )
    return prepared


def measured(stage: str, folder: Path) -> Callable[[], object]:
    """Return a function that performs a stage on the files in a folder."""
    patches = [folder / "patches.nc"]
    if stage == "prepare":
        return lambda: prepare(folder)
    if stage == "score":
        from stormcnn.verification.blocks import block_of
        from stormcnn.verification.resampling import resample_blocks
        from stormcnn.verification.storm_totals import ForecastByBlock

        storms = open_patches(patches).storms
        event = storms["peak"].values > np.quantile(storms["peak"], 0.95)
        noise = np.random.default_rng(0).normal(size=event.size)
        probability = 1 / (1 + np.exp(3 - 2 * event - noise))

        def score() -> None:
            draws = resample_blocks(block_of(storms["run_date"].values, "day"), 1000, 0)
            ForecastByBlock(probability, event, draws.block).scores(draws.weights)

        return score
    from stormcnn.models import backend
    from stormcnn.models.architecture import build_network
    from stormcnn.models.prediction import predict_probability
    from stormcnn.models.training import fit_network
    from stormcnn.sampling.sampler import MemberSampler

    backend.prepare(threads=1, seed=0)
    architecture = NETWORKS["dropout"]
    network = build_network(architecture, (32, 32), [24.0, 0.0, 0.0], [15.0, 5.0, 5.0])
    fields = open_patches(patches).fields
    if stage == "train" or stage in JOBS:
        event = np.arange(len(fields)) % 20 == 0
        # A new folder, or training would resume from the checkpoint of an earlier call.
        checkpoint = Path(tempfile.mkdtemp(dir=folder), "unfinished.npz")
        if stage == "train":
            held = hold_fields(fields, memory_mb=None)
            return lambda: fit_network(network, held, event, RECIPE, 0, checkpoint)

        def job() -> None:
            held = hold_fields(fields, JOBS[stage])
            fit_network(network, held, event, RECIPE, 0, checkpoint)
            predict_probability(network, held)

        return job
    if stage == "predict":
        return lambda: predict_probability(network, fields)
    sampler = MemberSampler(network, MEMBERS, seed=0)
    return lambda: [None for _ in sampler.batches(fields)]


def measure(folder: Path) -> dict[str, Any]:
    """Measure time and memory of each stage for several numbers of storms and of run files."""

    def one_stage(stage: str, place: str) -> dict[str, Any]:
        start = time.perf_counter()
        result: dict[str, Any] = call_module("growth", stage, place)
        return result | {"start_up": round(time.perf_counter() - start - result["seconds"], 2)}

    def one(runs: int, storms: int, stages: Sequence[str]) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            call_module("growth", "make", place, runs=runs, storms=storms)
            results = {stage: one_stage(stage, place) for stage in stages}
            results["prepare"] |= {
                f"{kind}_bytes_per_storm": sum(
                    file.stat().st_size for file in Path(place).glob(name)
                )
                / (runs * storms)
                for kind, name in (("run_file", "NCARSTORM_*.nc"), ("patches", "patches.nc"))
            }
        print(runs, storms, results, flush=True)
        return results

    return {
        "members": MEMBERS,
        "storms": {str(runs * storms): one(runs, storms, STAGES) for runs, storms in BY_STORMS},
        "runs": {str(runs): one(runs, storms, STAGES[:1]) for runs, storms in BY_RUNS},
    }


def measure_bounded(folder: Path) -> dict[str, Any]:
    """Compare training from disk and in memory, and from disk with ten times the storms."""
    taken: dict[str, list[dict[str, float]]] = {stage: [] for stage in JOBS}
    most: dict[str, float] = {}
    for runs, storms in (HELD, TEN_TIMES):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            call_module("growth", "make", place, runs=runs, storms=storms)
            call_module("growth", "prepare", place)
            if (runs, storms) == HELD:
                for _ in range(PAIRS):
                    for stage, results in taken.items():
                        results.append(call_module("growth", stage, place))
                peak = {
                    stage: max(result["peak_mib"] for result in results)
                    for stage, results in taken.items()
                }
                most[str(runs * storms)] = peak["job_from_disk"]
            else:
                larger = call_module("growth", "job_from_disk", place)
                most[str(runs * storms)] = larger["peak_mib"]
    in_memory, from_disk = ([result["seconds"] for result in taken[stage]] for stage in JOBS)
    return {
        "time_vs_memory": ratio(from_disk, in_memory),
        "time_of_ten_times": round(larger["seconds"] / statistics.median(from_disk), 2),
        "peak_mib": most,
        "peak_mib_in_memory": peak["job_in_memory"],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=["make", *STAGES, *JOBS])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--storms", type=int, default=100)
    arguments = parser.parse_args()
    if arguments.stage == "make":
        make_runs(arguments.folder, arguments.runs, arguments.storms)
    else:
        work = measured(arguments.stage, arguments.folder)
        start = time.perf_counter()
        work()
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": round(seconds, 3), "peak_mib": round(peak_memory_mib())}))
