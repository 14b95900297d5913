"""Processes that are killed in mid-run: what was finished stays, and the next run finishes."""

from __future__ import annotations

from pathlib import Path

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
    results_of,
    times,
    wait_for,
    write_long_batch,
)


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
    assert results_of(checkout) == results_of(finished)
