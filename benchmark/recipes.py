"""Compare the training recipes in skill and time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmark.measure import call_module, ratio
from benchmark.workflow import NETWORKS


class Trainings(NamedTuple):
    """Which trainings are made: on which storms, on how many of them, and with how many seeds.

    `data` has the number of runs and of storms per run by the seed of the made-up storms.
    """

    data: dict[int, tuple[int, int]]
    storms: int
    seeds: int


DATA = {1: (100, 500), 7: (200, 250)}
TRAININGS = {
    "compare": Trainings(DATA, 20_000, 10),
    "compare_large": Trainings({1: (100, 1211), 7: (200, 606)}, 76_377, 3),
    "ablate": Trainings(DATA, 20_000, 3),
}
RECIPES = ("lesson", "fast")
RESAMPLES = 10_000


def by_training(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return scores and core-seconds in the order of the seeds, by data, network and recipe."""
    lists: dict[str, Any] = {}
    for row in rows:
        networks = lists.setdefault(str(row["data"]), {})
        values = networks.setdefault(row["network"], {}).setdefault(row["recipe"], {})
        for key in ("brier_skill_score", "core_seconds"):
            values.setdefault(key, []).append(row[key])
    return lists


def mean_interval(samples: Sequence[np.ndarray]) -> dict[str, float]:
    """Return the mean over some settings, with a 90 % interval for other seeds.

    `samples` has the values of each setting by seed. Each resample draws the seeds of each setting
    anew. Deviations are multiplied by the square root of n / (n - 1) for n seeds, because
    resampling reproduces the variance with the divisor n.
    """
    random = np.random.default_rng(0)
    value = float(np.mean([sample.mean() for sample in samples]))
    deviation = np.zeros(RESAMPLES)
    for sample in samples:
        drawn = random.choice(sample, (RESAMPLES, len(sample))).mean(axis=1) - sample.mean()
        deviation += drawn * np.sqrt(len(sample) / (len(sample) - 1)) / len(samples)
    low, high = value + np.quantile(deviation, [0.05, 0.95])
    return {"mean": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def summarize(compared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the difference in skill (fast minus lesson) of each network, and the ratio of times.

    `compared` is what `by_training` returns. The ratio is that of the core-seconds of the three
    networks together, by data and seed.
    """

    def values(data: str, network: str, recipe: str, key: str) -> np.ndarray:
        return np.array(compared[data][network][recipe][key])

    summary: dict[str, Any] = {}
    for network in NETWORKS:
        skill = {
            recipe: [values(data, network, recipe, "brier_skill_score") for data in compared]
            for recipe in RECIPES
        }
        pairs = zip(skill["fast"], skill["lesson"], strict=True)
        summary[network] = {
            "difference": mean_interval([fast - lesson for fast, lesson in pairs]),
            "standard_deviation": {
                recipe: round(float(np.sqrt(np.mean([s.var(ddof=1) for s in samples]))), 4)
                for recipe, samples in skill.items()
            },
        }
    seconds = {
        recipe: np.concatenate(
            [
                np.sum([values(data, name, recipe, "core_seconds") for name in NETWORKS], axis=0)
                for data in compared
            ]
        ).tolist()
        for recipe in RECIPES
    }
    summary["all"] = {"ratio": ratio(seconds["fast"], seconds["lesson"])}
    return summary


def measure(folder: Path) -> dict[str, Any]:
    """Compare and ablate the recipes, with storms that are made in `folder`."""
    compared, ablated = train(folder, "compare"), train(folder, "ablate")
    return {"fast": summarize(compared), "compared": compared, "ablated": ablated}


def measure_large(folder: Path) -> dict[str, Any]:
    """Compare the recipes at the lesson's size, with storms that are made in `folder`."""
    compared = train(folder, "compare_large")
    return {"fast_large": summarize(compared), "compared_large": compared}


def train(folder: Path, what: str) -> dict[str, Any]:
    """Make the storms and the trainings of one of `TRAININGS`; return them `by_training`."""
    for seed, (runs, storms) in TRAININGS[what].data.items():
        made = folder / what / str(seed)
        call_module("skill", "make", made, runs=runs, storms=storms, seed=seed)
    return by_training(call_module("recipe_trainings", what, folder / what))
