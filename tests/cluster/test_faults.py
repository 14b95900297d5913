"""What happens at night: each fault is made for real, and nothing is lost by it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import SECONDS_A_RUN, Checkout
from slurm import Slurm, wait_until

TRAINING = "resources/tiny/patches/2014.nc"
TEST = "resources/tiny/patches/2015.nc"
# The first job that finds its mark goes to work, and does not come to an end.
SLOW = """\
    import pathlib, time
    mark = pathlib.Path(f"slow-{snakemake.wildcards.batch}")
    if mark.exists():
        mark.unlink()
        time.sleep(600)
"""
# More than the first attempt is given, and less than the second.
HUNGRY = """\
    import time
    wanted = b"x" * 2_000_000_000
    time.sleep(5)
    del wanted
"""


def begin_with(lines: str, checkout: Checkout) -> None:
    """Let the jobs that prepare patches begin with some lines of code."""
    script = checkout.path / "scripts" / "prepare_patches.py"
    before, main, after = script.read_text().partition('if __name__ == "__main__":\n')
    script.write_text(before + main + lines + after)


def prepare_slowly(checkout: Checkout) -> Path:
    """Let the job that prepares the training period's patches not end; gives its mark."""
    begin_with(SLOW, checkout)
    mark = checkout.path / "slow-2014"
    mark.touch()
    return mark


def start_slow_job(checkout: Checkout, *arguments: str) -> subprocess.Popen[str]:
    """Snakemake, while its job that prepares the training period's patches is at work."""
    mark = prepare_slowly(checkout)
    snakemake = checkout.start(*arguments)
    wait_until(lambda: not mark.exists() or snakemake.poll() is not None)
    assert snakemake.poll() is None, snakemake.communicate()
    return snakemake


def finish(snakemake: subprocess.Popen[str]) -> str:
    """All that Snakemake prints to its end, which must be a good one."""
    printed, _ = snakemake.communicate(timeout=SECONDS_A_RUN)
    assert snakemake.returncode == 0, printed
    return printed


def end_of_jobs(slurm: Slurm, checkout: Checkout, key: str = "JobState") -> list[str]:
    return [slurm.describe(job)[key] for job in slurm.jobs(checkout.path)]


@pytest.fixture
def expected(local: Checkout) -> bytes:
    """The patches of the training period as they must be in the end."""
    return (local.path / TRAINING).read_bytes()


def test_cancelled_job_is_submitted_again(slurm: Slurm, cluster: Checkout, expected: bytes) -> None:
    snakemake = start_slow_job(cluster, TRAINING)
    slurm.call("scancel", *slurm.jobs(cluster.path))
    finish(snakemake)
    assert end_of_jobs(slurm, cluster) == ["CANCELLED", "COMPLETED"]
    assert (cluster.path / TRAINING).read_bytes() == expected


def test_job_that_times_out_gets_more_time(
    slurm: Slurm, cluster: Checkout, expected: bytes
) -> None:
    snakemake = start_slow_job(cluster, TRAINING)
    (job,) = slurm.jobs(cluster.path)
    assert slurm.describe(job)["TimeLimit"] == "01:00:00"
    slurm.call("scontrol", "update", f"JobId={job}", "EndTime=now")
    finish(snakemake)
    assert end_of_jobs(slurm, cluster) == ["TIMEOUT", "COMPLETED"]
    assert end_of_jobs(slurm, cluster, "TimeLimit")[1] == "02:00:00"
    assert (cluster.path / TRAINING).read_bytes() == expected


def test_job_killed_for_its_memory_gets_more(
    slurm: Slurm, cluster: Checkout, expected: bytes
) -> None:
    begin_with(HUNGRY, cluster)
    cluster.run(TRAINING)
    first, second = end_of_jobs(slurm, cluster)
    assert first != "COMPLETED"
    assert second == "COMPLETED"
    assert end_of_jobs(slurm, cluster, "MinMemoryNode") == ["2000M", "4000M"]
    assert (cluster.path / TRAINING).read_bytes() == expected


def test_job_that_loses_its_node_waits_for_another(
    slurm: Slurm, cluster: Checkout, expected: bytes
) -> None:
    snakemake = start_slow_job(cluster, TRAINING)
    slurm.call("scontrol", "update", "NodeName=node", "State=down", "Reason=test")
    wait_until(lambda: slurm.jobs(cluster.path, "PENDING"))
    slurm.call("scontrol", "update", "NodeName=node", "State=resume")
    finish(snakemake)
    assert end_of_jobs(slurm, cluster) == ["NODE_FAIL", "COMPLETED"]
    assert (cluster.path / TRAINING).read_bytes() == expected


def test_interrupted_snakemake_cancels_its_jobs_and_unlocks_the_folder(
    slurm: Slurm, cluster: Checkout, expected: bytes
) -> None:
    snakemake = start_slow_job(cluster, TRAINING)
    snakemake.send_signal(signal.SIGINT)
    snakemake.communicate(timeout=SECONDS_A_RUN)
    assert snakemake.returncode != 0
    assert [slurm.end_of(job) for job in slurm.jobs(cluster.path)] == ["CANCELLED"]
    cluster.run(TRAINING)
    assert (cluster.path / TRAINING).read_bytes() == expected


def test_allocation_whose_time_is_nearly_up_stops_its_jobs_and_unlocks_the_folder(
    slurm: Slurm, checkout: Checkout, expected: bytes
) -> None:
    mark = prepare_slowly(checkout)
    job = slurm.submit_whole(checkout, TRAINING)
    wait_until(lambda: not mark.exists() or slurm.jobs(checkout.path, "FAILED"))
    # What SLURM does two minutes before the end, because the script asks for it.
    slurm.call("scancel", "--batch", "--signal=USR1", job)
    assert slurm.end_of(job) == "FAILED"
    checkout.run(TRAINING)
    assert (checkout.path / TRAINING).read_bytes() == expected


def test_jobs_of_a_killed_snakemake_are_cancelled_and_the_next_run_finishes(
    slurm: Slurm, cluster: Checkout, expected: bytes
) -> None:
    snakemake = start_slow_job(cluster, TRAINING, TEST)
    assert any(line.startswith("Finished jobid") for line in snakemake.stdout)
    written = (cluster.path / TEST).stat().st_mtime_ns
    snakemake.kill()
    snakemake.communicate()
    (orphan,) = slurm.jobs(cluster.path, "RUNNING")
    assert "cannot be locked" in cluster.fail(TRAINING, TEST)

    (cluster.path / ".venv").symlink_to(sys.prefix)
    recover = [cluster.path / "ops" / "recover", "--configfile", cluster.config]
    printed = slurm.call(*map(str, recover), environment=cluster.environment)
    assert f"Cancelling SLURM job {orphan}." in printed
    assert slurm.jobs(cluster.path, "PENDING", "RUNNING", "COMPLETING") == []

    cluster.run(TRAINING, TEST)
    assert (cluster.path / TRAINING).read_bytes() == expected
    assert (cluster.path / TEST).stat().st_mtime_ns == written
