"""A cache shared by clones has a hit exactly if the results would be the same."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from checkout import ROOT, Checkout, copy_code, read_plan
from edits import edit_modules, reword
from result_files import read_weights
from run_files import run_file_name

RATE = 0.1
UNCERTAINTY = "results/tiny/uncertainty"
MODELS = ("baseline", "dropout")
RATE_JOBS = {f"{rule} {RATE} 0" for rule in ("train_rate", "sample_rate")} | {"fit_rate_scaling"}
SAMPLING = {"sample_members dropout 0", "sample_cases dropout 0"}
TRAINING = {f"train_network {model} 0" for model in MODELS}
PREPARING = {f"prepare_patches {year}-{month:02}" for year in (2014, 2015) for month in (4, 5, 6)}
EVERYTHING = {*PREPARING, "fit_scaling", *TRAINING, *SAMPLING, *RATE_JOBS}


def targets(experiment: str = "tiny") -> list[str]:
    """Return files that require every job that can be cached, and no figure."""
    return [
        f"results/{experiment}/models/baseline/seed-0/network.keras",
        f"results/{experiment}/uncertainty/scores.csv",
        f"results/{experiment}/uncertainty/dropout/seed-0/cases.nc",
        f"results/{experiment}/tuning/rate-{RATE}/seed-0/storms.nc",
    ]


class Clone(Checkout):
    """A clone that shares a cache with other clones."""

    def __init__(self, path: Path, cache: Path) -> None:
        super().__init__(path)
        self.cache = cache
        self.variables["SNAKEMAKE_OUTPUT_CACHE"] = str(cache)

    def make(self, *files: str) -> str:
        """Run the workflow with the cache."""
        return self.run(*(files or targets()), "--cache")

    def misses(self, *files: str) -> set[str]:
        """Return the jobs that can be cached but are not in the cache."""
        output = self.run(*(files or targets()), "--dry-run", "--cache")
        answers = dict(re.findall(r"^Output file (\S+) will be (obtained|written)", output, re.M))
        jobs = {job.outputs[0]: name for name, job in read_plan(output).items()}
        return {jobs[file] for file, answer in answers.items() if answer == "written"}

    def times_run(self, script: str) -> int:
        """Return the number of jobs of a script that have run here."""
        return len(list(self._records.glob(f"tmp*.{script}.py")))


def clone_of(checkout: Checkout, path: Path, cache: Path) -> Clone:
    """Return a fresh clone with the config and the run files of another checkout."""
    copy_code(path)
    shutil.copytree(checkout.path / "runs", path / "runs", copy_function=shutil.copyfile)
    clone = Clone(path, cache)
    clone.configure(yaml.safe_load((checkout.path / checkout.config).read_text()))
    return clone


def rewire(clone: Clone, rules: str, changes: Mapping[str, str]) -> None:
    """Replace text in a rules file."""
    path = clone.path / "rules" / f"{rules}.smk"
    text = path.read_text()
    for old, new in changes.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_text(text)


def append(clone: Clone, file: str) -> None:
    """Append a line to a module."""
    with open(clone.path / file, "a") as stream:
        stream.write("\nCHANGED = True\n")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def first(finished: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Return a clone that has filled a cache."""
    cache = tmp_path_factory.mktemp("cache")
    clone = clone_of(finished, tmp_path_factory.mktemp("first") / "clone", cache)
    clone.change({"tuning": {"rates": [RATE], "members": 10, "seeds": [0]}})
    assert clone.misses() == EVERYTHING
    clone.make()
    return clone


@pytest.fixture
def clone(first: Clone, tmp_path: Path) -> Clone:
    """Return a second clone with the same config and the cache of the first."""
    return clone_of(first, tmp_path / "clone", first.cache)


@pytest.fixture
def own_cache(clone: Clone, tmp_path: Path) -> Clone:
    """Return the second clone with a copy of the cache, which a test may change."""
    cache = tmp_path / "cache"
    shutil.copytree(clone.cache, cache)
    return Clone(clone.path, cache)


# Hits


def test_second_clone_prepares_trains_and_samples_nothing(first: Clone, clone: Clone) -> None:
    before = contents(clone.cache)
    clone.make()
    assert clone.rules_run() == {"predict_storms", "score_uncertainty"}
    assert contents(clone.cache) == before
    files = [path for path in first.path.glob("res*/**/*.*") if path.is_file()]
    results = [path.relative_to(first.path) for path in files]
    names = {path.name for path in results}
    assert names > {"network.keras", "scaling.csv", "storms.nc", "cases.nc"}
    for path in results:
        assert (clone.path / path).read_bytes() == (first.path / path).read_bytes()
    assert clone.plan(*targets()) == {}


def test_damaged_entry_is_named_and_recomputed_after_it_is_removed(own_cache: Clone) -> None:
    network = own_cache.path / "results/tiny/models/baseline/seed-0/network.keras"
    predictions = "results/tiny/predictions/baseline/seed-0.nc"
    own_cache.make(str(network.relative_to(own_cache.path)))
    weights, entry = read_weights(network), network.resolve()
    assert entry.parent == own_cache.cache
    os.truncate(entry, entry.stat().st_size // 2)
    assert str(entry) in own_cache.fail(predictions, "--cache")
    entry.unlink()
    network.unlink()
    own_cache.make(predictions)
    assert own_cache.times_run("train_network") == 1
    np.testing.assert_equal(read_weights(network), weights)


def test_settings_and_edits_that_change_no_cached_job_cause_no_miss(clone: Clone) -> None:
    edit_modules(clone.path, reword, "stormcnn")
    clone.change({"models": {"dropout": {"title": "Another title"}}})
