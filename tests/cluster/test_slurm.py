"""A real SLURM cluster gives the same results as one machine, also after faults."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from checkout import RUN_DATES, RUN_TIMEOUT_SECONDS, SCORES, Checkout
from result_files import differing_files
from slurm import Slurm, wait_until

TRAINING = "resources/tiny/patches/2014.nc"
TEST = "resources/tiny/patches/2015.nc"
# The first job of a batch for which there is a marker file removes the file and does not end.
SLOW = """\
    import pathlib, time
    marker = pathlib.Path(f"slow-{snakemake.wildcards.batch}")
    if marker.exists():
        marker.unlink()
        time.sleep(600)
"""
# The memory exceeds the limit of the first attempt (2000 MB), but not that of the second.
HUNGRY = """\
    import time
    content = b"x" * 2_000_000_000
    time.sleep(5)
    del content
"""


def prepend_to_jobs(lines: str, checkout: Checkout) -> None:
    """Make the jobs that prepare patches begin with some lines of code."""
    script = checkout.path / "scripts" / "prepare_patches.py"
    before, main, after = script.read_text().partition('if __name__ == "__main__":\n')
    script.write_text(before + main + lines + after)


def prepare_slowly(checkout: Checkout) -> Path:
    """Keep the first job that prepares the training batch from ending; return its marker file."""
    prepend_to_jobs(SLOW, checkout)
    marker = checkout.path / "slow-2014"
    marker.touch()
    return marker


def start_slow_job(checkout: Checkout, *arguments: str) -> subprocess.Popen[str]:
    """Start Snakemake and wait until its slow job is running."""
    marker = prepare_slowly(checkout)
    snakemake = checkout.start(*arguments)
    wait_until(lambda: not marker.exists() or snakemake.poll() is not None)
    assert snakemake.poll() is None, snakemake.communicate()
    return snakemake


def finish(snakemake: subprocess.Popen[str]) -> None:
    """Wait for Snakemake, which must succeed."""
    output, _ = snakemake.communicate(timeout=RUN_TIMEOUT_SECONDS)
    assert snakemake.returncode == 0, output


def job_fields(slurm: Slurm, checkout: Checkout, key: str) -> list[str]:
    """Return a field of each job, in order of submission."""
    return [slurm.describe(job)[key] for job in slurm.jobs(checkout.path)]


def test_jobs_on_slurm_give_identical_results(
    slurm: Slurm, cluster: Checkout, local: Checkout
) -> None:
    cluster.run()
    assert (cluster.path / "results/tiny/report.html").exists()
    assert differing_files(cluster.path, local.path) == []
    # Local rules, such as those of figures and the report, are not submitted.
    jobs = slurm.jobs(cluster.path)
    assert len(jobs) == 16
    assert {slurm.describe(job)["JobState"] for job in jobs} == {"COMPLETED"}
    assert not list((cluster.path / "logs/slurm").glob("**/*.log"))


def test_workflow_in_one_allocation_gives_identical_results(
    slurm: Slurm, checkout: Checkout, local: Checkout
) -> None:
    job = slurm.submit_whole(checkout, *SCORES)
    log = checkout.path / f"stormcnn-{job}.log"
    assert slurm.end_of(job) == "COMPLETED", log.read_text()
    assert slurm.jobs(checkout.path) == [job]
    assert "Provided cores: 2" in log.read_text()
    assert differing_files(checkout.path, local.path) == []


def test_short_jobs_are_grouped(slurm: Slurm, cluster: Checkout) -> None:
    cluster.change({"data": {"batch": "day"}})
    groups = ("--groups", "prepare_patches=prepare", "--group-components", "prepare=3")
    cluster.run(
        "resources/tiny/inventory.csv",
        *groups,
        *("--cores", "2", "--set-resources", "prepare_patches:runtime=5"),
    )
    assert len(list((cluster.path / "resources/tiny/patches").iterdir())) == len(RUN_DATES)
    jobs = [slurm.describe(job) for job in slurm.jobs(cluster.path)]
    # Eight days make two groups of three and one of two. Three jobs take two rounds on two cores.
    assert sorted(job["TimeLimit"] for job in jobs) == ["00:05:00", "00:10:00", "00:10:00"]
    assert {job["NumCPUs"] for job in jobs} == {"2"}


def test_job_that_can_never_start_is_named(slurm: Slurm, cluster: Checkout) -> None:
    slurm.call("scontrol", "update", "PartitionName=main", "MaxTime=10")
    try:
        snakemake = cluster.start(TRAINING)
        wait_until(lambda: slurm.jobs(cluster.path, "PENDING"))
        (job,) = slurm.jobs(cluster.path, "PENDING")
        lines = iter(snakemake.stdout)
        assert any(job in line and "PartitionTimeLimit" in line for line in lines)
        snakemake.send_signal(signal.SIGINT)
        snakemake.communicate(timeout=RUN_TIMEOUT_SECONDS)
    finally:
        slurm.call("scontrol", "update", "PartitionName=main", "MaxTime=INFINITE")


def test_all_attempts_are_charged_to_the_account(slurm: Slurm, cluster: Checkout) -> None:
    with slurm.accounting():
        for added in (("account", "storms"), ("user", "root", "account=storms")):
            slurm.call("sacctmgr", "--immediate", "add", *added)
        account = ("--default-resources", "slurm_account=storms", "slurm_partition=main")
        snakemake = start_slow_job(cluster, TRAINING, *account)
        slurm.call("scancel", *slurm.jobs(cluster.path))
        finish(snakemake)
        columns = ("--noheader", "--allocations", "--parsable2", "--format=Account,State")
        expected = ["storms|CANCELLED by 0", "storms|COMPLETED"]
        wait_until(lambda: slurm.call("sacct", *columns).splitlines() == expected)


# Faults


@pytest.fixture
def expected(local: Checkout) -> bytes:
    """Return the patch file of the training period from a clone without faults."""
    return (local.path / TRAINING).read_bytes()


def test_cancelled_job_is_resubmitted(slurm: Slurm, cluster: Checkout, expected: bytes) -> None:
    snakemake = start_slow_job(cluster, TRAINING)
    slurm.call("scancel", *slurm.jobs(cluster.path))
    finish(snakemake)
    assert job_fields(slurm, cluster, "JobState") == ["CANCELLED", "COMPLETED"]
    assert (cluster.path / TRAINING).read_bytes() == expected


def test_job_that_times_out_gets_more_time(
    slurm: Slurm, cluster: Checkout, expected: bytes
) -> None:
    snakemake = start_slow_job(cluster, TRAINING)
    (job,) = slurm.jobs(cluster.path)
    assert slurm.describe(job)["TimeLimit"] == "01:00:00"
    slurm.call("scontrol", "update", f"JobId={job}", "EndTime=now")
    finish(snakemake)
    assert job_fields(slurm, cluster, "JobState") == ["TIMEOUT", "COMPLETED"]
    assert job_fields(slurm, cluster, "TimeLimit")[1] == "02:00:00"
    assert (cluster.path / TRAINING).read_bytes() == expected


def test_job_killed_for_its_memory_gets_more_memory(
    slurm: Slurm, cluster: Checkout, expected: bytes
) -> None:
    prepend_to_jobs(HUNGRY, cluster)
    cluster.run(TRAINING)
    first, second = job_fields(slurm, cluster, "JobState")
    assert first != "COMPLETED"
    assert second == "COMPLETED"
    assert job_fields(slurm, cluster, "MinMemoryNode") == ["2000M", "4000M"]
    assert (cluster.path / TRAINING).read_bytes() == expected


def test_job_whose_node_fails_is_resubmitted(
    slurm: Slurm, cluster: Checkout, expected: bytes
) -> None:
    snakemake = start_slow_job(cluster, TRAINING)
    slurm.call("scontrol", "update", "NodeName=node", "State=down", "Reason=test")
    wait_until(lambda: slurm.jobs(cluster.path, "PENDING"))
    slurm.call("scontrol", "update", "NodeName=node", "State=resume")
    finish(snakemake)
    assert job_fields(slurm, cluster, "JobState") == ["NODE_FAIL", "COMPLETED"]
    assert (cluster.path / TRAINING).read_bytes() == expected


def test_interrupted_snakemake_cancels_its_jobs_and_unlocks_the_folder(
    slurm: Slurm, cluster: Checkout, expected: bytes
) -> None:
    # Snakemake cancels nothing if it is interrupted during a query.
    cluster.variables = {"SECONDS_BETWEEN_QUERIES": "40"}
    snakemake = start_slow_job(cluster, TRAINING)
    time.sleep(5)
    snakemake.send_signal(signal.SIGINT)
    snakemake.communicate(timeout=RUN_TIMEOUT_SECONDS)
    cluster.variables = {}
    assert snakemake.returncode != 0
    assert [slurm.end_of(job) for job in slurm.jobs(cluster.path)] == ["CANCELLED"]
    cluster.run(TRAINING)
    assert (cluster.path / TRAINING).read_bytes() == expected


def test_allocation_near_its_time_limit_stops_its_jobs_and_unlocks_the_folder(
    slurm: Slurm, checkout: Checkout, expected: bytes
) -> None:
    marker = prepare_slowly(checkout)
    job = slurm.submit_whole(checkout, TRAINING)
    wait_until(lambda: not marker.exists() or slurm.jobs(checkout.path, "FAILED"))
    # SLURM sends this signal two minutes before the time limit, as the script requests.
    slurm.call("scancel", "--batch", "--signal=USR1", job)
    assert slurm.end_of(job) == "FAILED"
    checkout.run(TRAINING)
    assert (checkout.path / TRAINING).read_bytes() == expected


def test_recovery_cancels_the_jobs_of_a_killed_snakemake(
    slurm: Slurm, cluster: Checkout, expected: bytes
) -> None:
    snakemake = start_slow_job(cluster, TRAINING, TEST)
    assert any(line.startswith("Finished jobid") for line in snakemake.stdout)
    modified = (cluster.path / TEST).stat().st_mtime_ns
    snakemake.kill()
    snakemake.communicate()
    (orphan,) = slurm.jobs(cluster.path, "RUNNING")
    assert "--unlock" in cluster.fail(TRAINING, TEST)

    (cluster.path / ".venv").symlink_to(sys.prefix)
    recovery = cluster.execute("ops/recover", "--configfile", cluster.config)
    assert recovery.returncode == 0, recovery.stdout
    assert re.search(rf"\b{orphan}\b", recovery.stdout)
    assert slurm.jobs(cluster.path, "PENDING", "RUNNING", "COMPLETING") == []

    cluster.run(TRAINING, TEST)
    assert (cluster.path / TRAINING).read_bytes() == expected
    assert (cluster.path / TEST).stat().st_mtime_ns == modified
