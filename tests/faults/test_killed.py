"""Processes that are killed in mid-run: what was finished stays, and the next run finishes."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import numpy as np
from checkout import Checkout, write_runs
from injection import (
    APRIL,
    INVENTORY,
    finished_files,
    half_written,
    kill,
    nothing_left,
    prepared,
    processes,
    times,
    wait_for,
    write_long_batch,
)
from result_files import differing_files, read_weights


def test_killed_preparing_job_leaves_nothing_half_written(
    checkout: Checkout, tmp_path: Path
) -> None:
    write_long_batch(checkout)
    with nothing_left(checkout), checkout.start(INVENTORY) as controller:
        wait_for(lambda: half_written(checkout, APRIL), controller)
        kill(processes(checkout, ".prepare_patches.py"))
        assert controller.wait() == 1
    assert not (checkout.path / APRIL).exists()
    before = finished_files(checkout)

    checkout.run(INVENTORY)
    assert (checkout.path / APRIL).read_bytes() == prepared(checkout, tmp_path)
    assert times(checkout, before) == before


def test_killed_snakemake_goes_on_after_its_lock_is_removed(
    checkout: Checkout, finished: Checkout
) -> None:
    """Killed three times: alone, so that its jobs go on without it, or together with them."""
    write_runs(checkout.path / "runs")
    moments = [("prepare_patches", False), ("train_network", True), ("sample_members", False)]
    before: dict[str, int] = {}
    with nothing_left(checkout):
        for rule, with_its_jobs in moments:
            with checkout.start() as controller:
                wait_for(lambda rule=rule: processes(checkout, f".{rule}.py"), controller)
                kill(processes(checkout) if with_its_jobs else [controller.pid])
            before |= finished_files(checkout)
            assert "It can be removed with the --unlock argument" in checkout.fail()
            checkout.run("--unlock")
        assert len(before) > 20
        checkout.run()
    assert times(checkout, before) == before
    assert differing_files(checkout.path, finished.path) == []


def test_killed_training_goes_on_after_its_last_epoch_and_ends_with_the_same_weights(
    rerun: Checkout, tmp_path: Path
) -> None:
    network = "results/tiny/models/dropout/seed-0/network.keras"
    unfinished = Path(network).with_name("unfinished.npz")
    rerun.change({"training": {"epochs": 200}})
    whole = rerun.copy(tmp_path / "whole")
    whole.run(network)
    with nothing_left(rerun), rerun.start(network) as controller:
        wait_for((rerun.path / unfinished).exists, controller)
        kill(processes(rerun, ".train_network.py"))
        assert controller.wait() == 1
    assert not (rerun.path / network).exists()

    rerun.run(network)
    log = (rerun.path / "logs/train_network/tiny-dropout-0.log").read_text()
    resumed = re.search(r"after epoch (\d+)", log)
    assert resumed
    assert 1 <= int(resumed[1]) < 200
    assert not (rerun.path / unfinished).exists()
    weights, expected = (read_weights(run.path / network) for run in (rerun, whole))
    assert weights.keys() == expected.keys()
    assert all(np.array_equal(weights[name], expected[name]) for name in expected)


def test_recovery_unlocks_nothing_while_the_queue_cannot_be_asked(
    checkout: Checkout, tmp_path: Path
) -> None:
    write_runs(checkout.path / "runs")
    with nothing_left(checkout), checkout.start() as controller:
        wait_for(lambda: processes(checkout, ".prepare_patches.py"), controller)
        kill(processes(checkout))
    (checkout.path / ".venv").symlink_to(sys.prefix)
    squeue = tmp_path / "squeue"
    squeue.write_text(
        "#!/bin/sh\necho 'squeue: error: Unable to contact slurm controller' >&2\nexit 1\n"
    )
    squeue.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    recover = ("ops/recover", "--configfile", checkout.config)
    assert checkout.execute(*recover, PATH=path).returncode != 0
    assert "It can be removed with the --unlock argument" in checkout.fail()

    squeue.write_text("#!/bin/sh\n")
    assert checkout.execute(*recover, PATH=path).returncode == 0
    checkout.run(INVENTORY)
