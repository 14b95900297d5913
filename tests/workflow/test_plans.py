"""Dry runs of the shipped configs."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
import yaml
from checkout import ROOT, Checkout, Job, copy_code

CONFIGS = sorted(path.name for path in (ROOT / "config").glob("*.yaml"))


class ShippedConfig(Checkout):
    """A fresh clone that runs one of the shipped configs."""

    def __init__(self, path: Path, config: str) -> None:
        super().__init__(path)
        self.config = f"config/{config}"
        copy_code(path)


def training_jobs(plan: dict[str, Job]) -> dict[str, Job]:
    """Return the training jobs by model and, if each seed has its own job, seed."""
    rules = ("train_network", "train_wide_network", "train_seeds", "train_wide_seeds")
    return {" ".join(job.name.split()[1:]): job for job in plan.values() if job.rule in rules}


def count_rules(plan: dict[str, Job]) -> Counter[str]:
    return Counter(job.rule for job in plan.values())


def test_all_shipped_configs_are_tested_here() -> None:
    assert CONFIGS == ["config.yaml", "ncar.yaml", "study.yaml"]


@pytest.mark.parametrize("config", ["config.yaml", "study.yaml"])
def test_plan_generates_the_data_and_ends_with_the_report(tmp_path: Path, config: str) -> None:
    checkout = ShippedConfig(tmp_path, config)
    settings = yaml.safe_load((ROOT / "config" / config).read_text())
    plan = checkout.plan()
    assert len(plan["generate_runs"].outputs) == 100 + 1
    # One job trains a network with all seeds, and once without the end of the training period.
    networks = training_jobs(plan)
    assert networks.keys() >= {"baseline", "l2", "dropout", *settings["models"]}
    experiment = settings["experiment"]["name"]
    for model, job in networks.items():
        folders = [f"results/{experiment}/models/{model}/seed-{seed}" for seed in range(5)]
        trained = [file for file in job.outputs if file.endswith("trained.keras")]
        assert trained == [f"{folder}/trained.keras" for folder in folders]
        assert f"results/{experiment}/predictions/{model}/held-out.nc" in job.outputs
    networks_with_recalibration = plan["recalibrate_networks"].outputs
    assert len(networks_with_recalibration) == 5 * len(networks)
    folder = f"results/{experiment}"
    assert plan["write_report"].outputs == (f"{folder}/report.html", f"{folder}/summary.txt")


def test_ncar_plan_has_the_hundred_runs_of_the_archive(tmp_path: Path) -> None:
    checkout = ShippedConfig(tmp_path, "ncar.yaml")
    plan = checkout.plan()
    assert {"download_archive patches", "download_archive tracks"} < plan.keys()
    unpacked = plan["unpack_runs"].outputs
    with open(ROOT / "config/runs/ncar.csv", newline="") as stream:
        files = [row["file"] for row in csv.DictReader(stream)]
    assert len(files) == 100
    assert set(unpacked) == {f"resources/ncar/runs/{file}" for file in files}
    assert len(plan["unpack_tracks"].outputs) == 100
    preparing = [job for job in plan.values() if job.rule == "prepare_patches"]
    assert {job.name for job in preparing} == {f"prepare_patches {y}" for y in range(2010, 2018)}
    inputs = [file for job in preparing for file in job.inputs if file.endswith(".nc")]
    assert sorted(inputs) == sorted(unpacked)
    training = training_jobs(plan)
    models = ("baseline", "l2", "dropout")
    assert training.keys() == {f"{model} {seed}" for model in models for seed in range(3)}
    assert {f"train_held_out {model}" for model in models} < plan.keys()
    # The AMS lesson trains on the runs from 2010 to 2014.
    patches = [file for file in training["l2 0"].inputs if file.endswith(".nc")]
    assert patches == [f"resources/ncar/patches/{year}.nc" for year in range(2010, 2015)]


def test_network_with_more_filters_has_its_own_rule(tmp_path: Path) -> None:
    plan = ShippedConfig(tmp_path, "config.yaml").plan()
    assert {"train_seeds baseline", "train_seeds l2", "train_wide_seeds dropout"} == {
        job.name for job in training_jobs(plan).values()
    }


@pytest.mark.parametrize(
    ("jobs", "shares"),
    [
        (1, []),
        (2, [["2015", "2016"], ["2017"]]),
        (9, [["2015"], ["2016"], ["2017"]]),
    ],
)
def test_sampling_jobs_share_the_batches_of_the_test_period(
    tmp_path: Path, jobs: int, shares: list[list[str]]
) -> None:
    plan = ShippedConfig(tmp_path, "config.yaml").plan("--config", f"uncertainty={{jobs: {jobs}}}")
    rules = count_rules(plan)
    assert rules["sample_part"] == 5 * len(shares)
    assert rules["sample_seeds"] == (jobs == 1)
    assert rules["sample_cases"] == (jobs > 1)
    assert rules["merge_members"] == (5 if jobs > 1 else 0)
    for number, share in enumerate(shares, start=1):
        inputs = plan[f"sample_part dropout 0 {number}-of-{len(shares)}"].inputs
        patches = [file for file in inputs if "/patches/" in file]
        assert patches == [f"resources/demo/patches/{year}.nc" for year in share]


def test_without_members_of_all_storms_only_cases_are_sampled(tmp_path: Path) -> None:
    plan = ShippedConfig(tmp_path, "config.yaml").plan("--config", "uncertainty={members: 0}")
    assert {name for name in plan if "sample" in name} == {"sample_cases dropout 0"}


def test_archive_on_disk_is_not_downloaded(tmp_path: Path) -> None:
    checkout = ShippedConfig(tmp_path, "ncar.yaml")
    path = tmp_path / "config" / "ncar.yaml"
    settings = yaml.safe_load(path.read_text())
    for kind in ("patches", "tracks"):
        archive = tmp_path / f"{kind}.tar.gz"
        archive.touch()
        settings["data"]["ncar"][kind]["file"] = str(archive)
    path.write_text(yaml.safe_dump(settings))
    plan = checkout.plan()
    assert "download_archive" not in count_rules(plan)
    assert str(tmp_path / "patches.tar.gz") in plan["unpack_runs"].inputs


def test_changed_code_does_not_repeat_a_download(tmp_path: Path) -> None:
    checkout = ShippedConfig(tmp_path, "ncar.yaml")
    folder = tmp_path / "resources" / "ncar" / "archives"
    folder.mkdir(parents=True)
    for kind in ("patches", "tracks"):
        (folder / f"{kind}.tar.gz").touch()
    with open(tmp_path / "stormcnn" / "storms" / "download.py", "a") as module:
        module.write("\nCHANGED = True\n")
    assert "download_archive" not in count_rules(checkout.plan())


@pytest.mark.parametrize("targets", [[], ["results/ncar/retraining/decision.json"]])
def test_predictions_of_the_training_period_are_written_only_where_a_job_reads_them(
    tmp_path: Path, targets: list[str]
) -> None:
    plan = ShippedConfig(tmp_path, "ncar.yaml").plan(*targets)
    outputs = {file for job in plan.values() for file in job.outputs}
    written = {file for file in outputs if file.endswith("-training.nc")}
    assert written
    assert written <= {file for job in plan.values() for file in job.inputs}
