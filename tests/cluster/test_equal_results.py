"""Results from SLURM are bit-identical to those from one machine."""

from __future__ import annotations

from checkout import SCORES, Checkout
from result_files import differing_files
from slurm import Slurm


def test_jobs_on_slurm_give_identical_results(
    slurm: Slurm, cluster: Checkout, local: Checkout
) -> None:
    cluster.run()
    assert (cluster.path / "results/tiny/report.html").exists()
    assert differing_files(cluster.path, local.path) == []
    # Local rules, such as those of figures and the report, are not submitted.
    jobs = slurm.jobs(cluster.path)
    assert len(jobs) == 11
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
