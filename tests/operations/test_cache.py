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
from result_files import differing_files, read_weights
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
    assert clone.rules_run() == {"predict_storms", "recalibrate_networks", "score_uncertainty"}
    assert contents(clone.cache) == before
    files = [path for path in first.path.glob("res*/**/*.*") if path.is_file()]
    results = [path.relative_to(first.path) for path in files]
    names = {path.name for path in results}
    assert names > {"network.keras", "scaling.csv", "storms.nc", "cases.nc"}
    assert differing_files(clone.path, first.path) == []
    # The list of runs has the time stamps of the run files, which differ between copies.
    for path in results:
        if path.name == "runs.csv":
            continue
        assert (clone.path / path).read_bytes() == (first.path / path).read_bytes()
    assert clone.plan(*targets()) == {}


def test_damaged_entry_is_named_and_recomputed_after_it_is_removed(own_cache: Clone) -> None:
    network = own_cache.path / "results/tiny/models/baseline/seed-0/trained.keras"
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
    clone.change({"verification": {"resamples": 201}, "data": {"name": "other"}})
    append(clone, "stormcnn/verification/scores.py")
    assert clone.misses() == set()


def test_other_name_of_the_experiment_causes_no_miss(clone: Clone) -> None:
    clone.change({"experiment": {"name": "other"}})
    assert clone.misses(*targets("other")) == set()


def test_file_from_the_cache_is_replaced_and_not_overwritten(first: Clone, clone: Clone) -> None:
    clone.make()
    folder = clone.path / "results/tiny/models/dropout/seed-0"
    assert all(path.resolve().parent == clone.cache for path in folder.iterdir())
    before = contents(clone.cache)
    clone.change({"models": {"dropout": {"spatial_dropout": 0.5}}})
    clone.run(str(folder.relative_to(clone.path) / "trained.keras"))
    assert not any(path.is_symlink() for path in folder.iterdir())
    assert contents(clone.cache) == before
    assert (first.path / "results/tiny/models/dropout/seed-0/trained.keras").exists()


# Misses


def test_other_architecture_trains_only_that_network(own_cache: Clone) -> None:
    own_cache.change({"models": {"dropout": {"spatial_dropout": 0.5}}})
    assert own_cache.misses() == {"train_network dropout 0", *SAMPLING}
    own_cache.make()
    assert own_cache.times_run("train_network") == 1
    assert own_cache.misses() == set()


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"training": {"batch_size": 32}}, TRAINING | SAMPLING | RATE_JOBS - {"fit_rate_scaling"}),
        ({"training": {"threads": 2}}, TRAINING | SAMPLING | RATE_JOBS - {"fit_rate_scaling"}),
        ({"uncertainty": {"members": 11}}, {"sample_members dropout 0"}),
        ({"tuning": {"members": 11}}, {f"sample_rate {RATE} 0"}),
        ({"data": {"region": "patch"}}, EVERYTHING),
    ],
)
def test_changed_setting_misses_the_jobs_that_use_it(
    clone: Clone, changes: Mapping[str, Any], missing: set[str]
) -> None:
    clone.change(changes)
    assert clone.misses() == missing


def test_additional_seed_trains_only_that_seed(clone: Clone) -> None:
    clone.change({"training": {"seeds": [0, 7]}})
    folders = [f"results/tiny/models/{model}/seed-{seed}" for model in MODELS for seed in (0, 7)]
    networks = [f"{folder}/network.keras" for folder in folders]
    assert clone.misses(*networks) == {f"train_network {model} 7" for model in MODELS}
    assert clone.misses(f"{UNCERTAINTY}/scores.csv") == {
        "train_network dropout 7",
        "sample_members dropout 7",
    }


def test_additional_dropout_rate_trains_only_that_rate(clone: Clone) -> None:
    clone.change({"tuning": {"rates": [RATE, 0.4]}})
    files = [f"results/tiny/tuning/rate-{rate}/seed-0/storms.nc" for rate in (RATE, 0.4)]
    assert clone.misses(*files) == {"train_rate 0.4 0", "sample_rate 0.4 0"}


def test_other_batches_are_prepared_again(clone: Clone) -> None:
    clone.change({"data": {"batch": "year"}})
    assert clone.misses(f"{UNCERTAINTY}/scores.csv") == {
        "prepare_patches 2014",
        "prepare_patches 2015",
        "fit_scaling",
        "train_network dropout 0",
        "sample_members dropout 0",
    }


def test_sampling_in_several_jobs_misses_its_parts(own_cache: Clone) -> None:
    own_cache.change({"uncertainty": {"jobs": 2}})
    first, second = (f"sample_part dropout 0 {part}-of-2" for part in (1, 2))
    assert own_cache.misses() == {first, second}
    own_cache.make("results/tiny/uncertainty/dropout/seed-0/parts/1-of-2/storms.nc")
    assert own_cache.misses() == {second}


def test_other_version_of_a_library_misses_everything(clone: Clone) -> None:
    about = clone.path / "keras-0.0.1.dist-info" / "METADATA"
    about.parent.mkdir()
    about.write_text("Metadata-Version: 2.1\nName: keras\nVersion: 0.0.1\n")
    assert clone.misses() == EVERYTHING


def test_other_backend_of_keras_misses_everything(clone: Clone) -> None:
    clone.variables["KERAS_BACKEND"] = "torch"
    assert clone.misses() == EVERYTHING


# Wrong hits that Snakemake's own cache key would allow. Other tests check that rules have no `run:`
# blocks and that scripts do not read the config except through their params.


@pytest.mark.parametrize(
    ("file", "missing"),
    [
        ("stormcnn/sampling/sampler.py", {*SAMPLING, f"sample_rate {RATE} 0"}),
        ("scripts/sample_cases.py", {"sample_cases dropout 0"}),
        (
            "stormcnn/models/network_files.py",
            TRAINING | SAMPLING | RATE_JOBS - {"fit_rate_scaling"},
        ),
        ("stormcnn/storms/reading.py", EVERYTHING),
    ],
)
def test_edited_module_misses_the_jobs_that_use_it(
    clone: Clone, file: str, missing: set[str]
) -> None:
    append(clone, file)
    assert clone.misses() == missing


def test_equal_network_of_another_name_is_a_miss(clone: Clone) -> None:
    clone.change({"models": {"twin": {"filters": [4], "kernel_size": 3}}})
    folder = "results/tiny/models/twin/seed-0"
    assert clone.misses(f"{folder}/network.keras") == {"train_network twin 0"}


def test_job_that_differs_only_in_a_wildcard_is_a_miss(clone: Clone) -> None:
    rewire(clone, "train", {'seed="{seed}",': 'seed="0",'})
    clone.change({"training": {"seeds": [0, 7]}})
    folder = "results/tiny/models/baseline"
    networks = [f"{folder}/seed-{seed}/network.keras" for seed in (0, 7)]
    assert clone.misses(*networks) == {"train_network baseline 7"}


def test_swapped_run_files_are_a_miss(clone: Clone) -> None:
    one, other = (clone.path / "runs" / run_file_name(datetime(2014, 5, day)) for day in (1, 2))
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    misses = clone.misses(f"{UNCERTAINTY}/scores.csv")
    assert {name for name in misses if name.startswith("prepare")} == {"prepare_patches 2014-05"}
    assert {"fit_scaling", "train_network dropout 0", "sample_members dropout 0"} < misses


STATISTICS = 'statistics=lambda wildcards: expand(\n            "<data>/statistics/'
INVENTORIES = 'inventories=lambda wildcards: expand(\n            "<data>/inventory/'


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            {
                STATISTICS: STATISTICS.replace("/statistics/", "/inventory/"),
                INVENTORIES: INVENTORIES.replace("/inventory/", "/statistics/"),
            },
            id="swapped inputs",
        ),
        pytest.param(
            {STATISTICS: STATISTICS.replace("/statistics/", "/inventory/")},
            id="another output of the same jobs",
        ),
    ],
)
def test_rule_that_reads_other_files_of_the_same_jobs_is_a_miss(
    clone: Clone, changes: dict[str, str]
) -> None:
    rewire(clone, "scaling", changes)
    assert clone.misses("results/tiny/scaling.csv") == {"fit_scaling"}


# Errors


@pytest.mark.parametrize("location", ["", "cache"])
def test_cache_that_is_no_folder_is_named(clone: Clone, location: str) -> None:
    clone.variables["SNAKEMAKE_OUTPUT_CACHE"] = location
    message = clone.fail("--dry-run", "--cache")
    assert "SNAKEMAKE_OUTPUT_CACHE" in message
    assert location in message


def test_target_after_cache_is_refused(clone: Clone) -> None:
    message = clone.fail("--dry-run", "--cache", targets()[0])
    assert f"--cache {targets()[0]}: " in message
    assert "fit_scaling" in message
    clone.run("--dry-run", "--cache", "fit_scaling", "train_network")


def test_archive_without_checksum_is_not_cached(tmp_path: Path) -> None:
    copy_code(tmp_path)
    checkout = Clone(tmp_path, tmp_path)
    checkout.config = "config/ncar.yaml"
    assert "data.ncar.patches.sha256" in checkout.fail("--dry-run", "--cache")
    settings = yaml.safe_load((ROOT / checkout.config).read_text())
    settings["data"]["ncar"]["patches"]["sha256"] = "0" * 64
    (tmp_path / checkout.config).write_text(yaml.safe_dump(settings))
    assert "prepare_patches 2010" in checkout.misses("results/ncar/scaling.csv")
