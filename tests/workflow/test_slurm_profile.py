"""Requests to SLURM, without a cluster; tests/cluster submits jobs to a real one."""

from __future__ import annotations

import re

import pytest
from checkout import Checkout, write_runs

ON_SLURM = ("--workflow-profile", "slurm")


@pytest.fixture(autouse=True)
def run_files(checkout: Checkout) -> None:
    write_runs(checkout.path / "runs")


def requests(checkout: Checkout, *arguments: str) -> dict[str, dict[str, int]]:
    """Return the requested resources of each rule that is not local."""
    output = checkout.run("tune_dropout", "all", "--dry-run", *ON_SLURM, *arguments)
    blocks = re.findall(
        r"^rule (\w+):\n(?:    .*\n)*?    resources: (.*mem_mb=.*)$", output, re.MULTILINE
    )
    return {
        rule: {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)\b", resources)}
        for rule, resources in blocks
    }


def test_plan_is_the_same_as_with_the_default_profile(checkout: Checkout) -> None:
    assert checkout.plan(*ON_SLURM) == checkout.plan()


def test_third_attempt_gets_three_times_the_memory_and_time(checkout: Checkout) -> None:
    first, third = requests(checkout), requests(checkout, "--attempt", "3")
    assert len(first) > 8
    assert first.keys() == third.keys()
    for rule, request in first.items():
        for name in ("mem_mb", "runtime"):
            assert third[rule][name] == 3 * request[name] > 0, rule


@pytest.mark.parametrize("jobs", [1, 2])
def test_training_and_sampling_request_no_gpu(checkout: Checkout, jobs: int) -> None:
    checkout.change({"uncertainty": {"jobs": jobs}})
    requested = requests(checkout)
    assert ("sample_part" in requested) == (jobs > 1)
    gpus = {rule: request["gpu"] for rule, request in requested.items() if "gpu" in request}
    assert gpus == {rule: 0 for rule in requested if rule.startswith(("train_", "sample_"))}
    assert len(gpus) > 4


@pytest.mark.parametrize("memory", [{"SLURM_MEM_PER_NODE": "4000"}, {}])
def test_allocation_passes_on_its_cores_and_its_memory_if_known(
    checkout: Checkout, memory: dict[str, str]
) -> None:
    snakemake = checkout.path / ".venv/bin/snakemake"
    snakemake.parent.mkdir(parents=True)
    snakemake.write_text('#!/bin/sh\necho "$@"\n')
    snakemake.chmod(0o755)
    script = ("bash", "ops/in_allocation.sbatch", "all")
    result = checkout.execute(*script, SLURM_CPUS_PER_TASK="3", **memory)
    assert result.returncode == 0, result.stdout
    resources = " --resources mem_mb=4000" if memory else ""
    assert result.stdout == f"all --cores 3{resources}\n"
