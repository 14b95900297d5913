"""The numbers do not depend on where they are computed, down to the last bit."""

from __future__ import annotations

from checkout import SCORES, Checkout
from result_files import differing_files
from slurm import Slurm


def test_whole_workflow_through_slurm_gives_the_same_bits(
    slurm: Slurm, cluster: Checkout, local: Checkout
) -> None:
    cluster.run()
    assert (cluster.path / "results/tiny/report.html").exists()
    assert differing_files(cluster.path, local.path) == []
    # Preparing, training, predictions and samples have all been in SLURM's hands.
    jobs = slurm.jobs(cluster.path)
    assert len(jobs) == 11
    assert {slurm.describe(job)["JobState"] for job in jobs} == {"COMPLETED"}
    assert not list((cluster.path / "logs/slurm").glob("**/*.log"))


def test_run_inside_one_allocation_gives_the_same_bits(
    slurm: Slurm, checkout: Checkout, local: Checkout
) -> None:
    job = slurm.submit_whole(checkout, *SCORES)
    log = checkout.path / f"stormcnn-{job}.log"
    assert slurm.end_of(job) == "COMPLETED", log.read_text()
    assert slurm.jobs(checkout.path) == [job]
    assert "Provided cores: 2" in log.read_text()
    assert differing_files(checkout.path, local.path) == []
