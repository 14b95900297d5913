"""What would be asked of SLURM. tests/cluster submits it to a real one."""

from __future__ import annotations

import re

import pytest
from checkout import Checkout, write_runs

ON_SLURM = ("--workflow-profile", "slurm")


@pytest.fixture(autouse=True)
def run_files(checkout: Checkout) -> None:
    write_runs(checkout.path / "runs")


def requests(checkout: Checkout, *arguments: str) -> dict[str, dict[str, int]]:
    """What each rule would ask of SLURM, but for local rules, which ask for nothing."""
    printed = checkout.run("tune_dropout", "all", "--dry-run", *ON_SLURM, *arguments)
    blocks = re.findall(
        r"^rule (\w+):\n(?:    .*\n)*?    resources: (.*mem_mb=.*)$", printed, re.MULTILINE
    )
    return {
        rule: {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)\b", resources)}
        for rule, resources in blocks
    }


def test_plan_is_that_of_the_default_profile(checkout: Checkout) -> None:
    assert checkout.plan(*ON_SLURM) == checkout.plan()


def test_every_attempt_gets_as_much_memory_and_time_again(checkout: Checkout) -> None:
    first, third = requests(checkout), requests(checkout, "--attempt", "3")
    assert len(first) > 8
    assert first.keys() == third.keys()
    for rule, request in first.items():
        for name in ("mem_mb", "runtime"):
            assert third[rule][name] == 3 * request[name] > 0, rule


@pytest.mark.parametrize("jobs", [1, 2])
def test_no_gpu_is_asked_for_where_networks_are_trained_or_sampled(
    checkout: Checkout, jobs: int
) -> None:
    checkout.change({"uncertainty": {"jobs": jobs}})
    asked = requests(checkout)
    assert ("sample_part" in asked) == (jobs > 1)
    gpus = {rule: request["gpu"] for rule, request in asked.items() if "gpu" in request}
    assert gpus == {rule: 0 for rule in asked if rule.startswith(("train_", "sample_"))}
    assert len(gpus) > 4


@pytest.mark.parametrize("memory", [{"SLURM_MEM_PER_NODE": "4000"}, {}])
def test_allocation_says_its_cores_and_its_memory_if_it_knows_it(
    checkout: Checkout, memory: dict[str, str]
) -> None:
    snakemake = checkout.path / ".venv/bin/snakemake"
    snakemake.parent.mkdir(parents=True)
    snakemake.write_text('#!/bin/sh\necho "$@"\n')
    snakemake.chmod(0o755)
    script = ("bash", "ops/in_allocation.sbatch", "all")
    result = checkout.execute(*script, SLURM_CPUS_PER_TASK="3", **memory)
    assert result.returncode == 0, result.stdout
    wanted = " --resources mem_mb=4000" if memory else ""
    assert result.stdout == f"all --cores 3{wanted}\n"
