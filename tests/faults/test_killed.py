"""Killed processes: finished files are kept, and the next call finishes the workflow."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from checkout import RUN_DATES, Checkout, write_runs
from injection import (
    APRIL,
    INVENTORY,
    expected_patches,
    fake_slurm,
    finished_files,
    kill,
    killing_the_rest,
    partial_files,
    processes,
    times,
    wait_for,
    write_long_batch,
)
from result_files import differing_files, has_weights, read_weights


def test_killed_job_leaves_no_incomplete_patches(checkout: Checkout, tmp_path: Path) -> None:
    write_long_batch(checkout)
    with killing_the_rest(checkout), checkout.start(INVENTORY) as controller:
        wait_for(lambda: partial_files(checkout, APRIL), controller)
        kill(processes(checkout, ".prepare_patches.py"))
        assert controller.wait() == 1
    assert not (checkout.path / APRIL).exists()
    finished_before = finished_files(checkout)

    checkout.run(INVENTORY)
    assert (checkout.path / APRIL).read_bytes() == expected_patches(checkout, tmp_path)
    assert times(checkout, finished_before) == finished_before


def test_log_of_an_earlier_attempt_is_not_shown_as_the_reason(checkout: Checkout) -> None:
    write_runs(checkout.path / "runs", RUN_DATES[:1] + RUN_DATES[-1:])
    log = checkout.path / "logs/prepare_patches/tiny-2014-04.log"
    log.parent.mkdir(parents=True)
    log.write_text("the reason of an earlier failure\n")
    script = checkout.path / "scripts/prepare_patches.py"
    script.write_text("raise SystemExit(1)  # as if killed before its first line\n")
    assert "an earlier failure" not in checkout.fail(APRIL)


def test_workflow_resumes_after_snakemake_is_killed_and_unlocked(
    checkout: Checkout, finished: Checkout
) -> None:
    """Snakemake is killed three times: twice alone, so that its jobs continue, once with them."""
    write_runs(checkout.path / "runs")
    kills = [("prepare_patches", False), ("train_network", True), ("sample_members", False)]
    finished_before: dict[str, int] = {}
    with killing_the_rest(checkout):
        for rule, with_its_jobs in kills:
            with checkout.start() as controller:
                wait_for(lambda rule=rule: processes(checkout, f".{rule}.py"), controller)
                kill(processes(checkout) if with_its_jobs else [controller.pid])
            finished_before |= finished_files(checkout)
            assert "--unlock" in checkout.fail()
            checkout.run("--unlock")
        assert len(finished_before) > 20
        checkout.run()
    assert times(checkout, finished_before) == finished_before
    assert differing_files(checkout.path, finished.path) == []


def test_killed_training_resumes_after_its_last_epoch_with_identical_weights(
    rerun: Checkout, tmp_path: Path
) -> None:
    network = "results/tiny/models/dropout/seed-0/network.keras"
    trained = network.replace("network.keras", "trained.keras")
    checkpoint = Path(network).with_name("checkpoint.npz")
    rerun.change({"training": {"epochs": 200}})
    uninterrupted = rerun.copy(tmp_path / "uninterrupted")
    uninterrupted.run(network)
    with killing_the_rest(rerun), rerun.start(network) as controller:
        wait_for((rerun.path / checkpoint).exists, controller)
        kill(processes(rerun, ".train_network.py"))
        assert controller.wait() == 1
    assert not (rerun.path / trained).exists()

    rerun.run(trained, network)
    log = (rerun.path / "logs/train_network/tiny-dropout-0.log").read_text()
    resumed = re.search(r"after epoch (\d+)", log)
    assert resumed
    assert 1 <= int(resumed[1]) < 200
    assert not (rerun.path / checkpoint).exists()
    assert has_weights(rerun.path / network, read_weights(uninterrupted.path / network))


@pytest.mark.parametrize(
    ("file", "job"),
    [
        ("resources/tiny/patches/2015-04.nc", "prepare_patches 2015-04"),
        ("results/tiny/models/dropout/seed-0/trained.keras", "train_network dropout 0"),
        ("results/tiny/predictions/baseline/seed-0.nc", "predict_storms baseline 0"),
        ("results/tiny/uncertainty/dropout/seed-0/storms.nc", "sample_members dropout 0"),
    ],
)
def test_job_that_was_killed_is_planned_although_later_results_exist(
    rerun: Checkout, file: str, job: str
) -> None:
    """Snakemake removes the files of a killed job with what it knows about them."""
    rerun.run("--cleanup-metadata", file)
    (rerun.path / file).unlink()
    assert job in rerun.plan()


def test_recovery_unlocks_nothing_if_squeue_fails(checkout: Checkout, tmp_path: Path) -> None:
    write_runs(checkout.path / "runs")
    with killing_the_rest(checkout), checkout.start() as controller:
        wait_for(lambda: processes(checkout, ".prepare_patches.py"), controller)
        kill(processes(checkout))
    (checkout.path / ".venv").symlink_to(sys.prefix)
    recover = ("ops/recover", "--configfile", checkout.config)
    broken = fake_slurm(tmp_path, squeue="echo 'squeue: error: no controller' >&2; exit 1")
    assert checkout.execute(*recover, PATH=broken).returncode != 0
    assert "--unlock" in checkout.fail()

    empty = fake_slurm(tmp_path, squeue="exit 0")
    assert checkout.execute(*recover, PATH=empty).returncode == 0
    checkout.run(INVENTORY)
