"""Requests to SLURM, without a cluster; tests/cluster submits jobs to a real one."""

from __future__ import annotations

import re

import pytest
from checkout import Checkout, write_runs

ON_SLURM = ("--workflow-profile", "slurm")


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


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a clone with run files, in which nothing has run."""
    checkout = Checkout.of_code(tmp_path_factory.mktemp("planned") / "checkout")
    write_runs(checkout.path / "runs")
    return checkout


@pytest.fixture(scope="module")
def first_attempt(planned: Checkout) -> dict[str, dict[str, int]]:
    """Return the resources that each rule requests first."""
    return requests(planned)


def test_plan_is_the_same_as_with_the_default_profile(planned: Checkout) -> None:
    assert planned.plan(*ON_SLURM) == planned.plan()


def test_third_attempt_gets_three_times_the_memory_and_time(
    planned: Checkout, first_attempt: dict[str, dict[str, int]]
) -> None:
    third = requests(planned, "--attempt", "3")
    assert len(first_attempt) > 8
    assert first_attempt.keys() == third.keys()
    for rule, request in first_attempt.items():
        for name in ("mem_mb", "runtime"):
            assert third[rule][name] == 3 * request[name] > 0, rule


def test_training_sampling_and_explanation_request_no_gpu(
    checkout: Checkout, first_attempt: dict[str, dict[str, int]]
) -> None:
    write_runs(checkout.path / "runs")
    checkout.change({"uncertainty": {"jobs": 2}, "recalibration": {"methods": ["intercept"]}})
    more = requests(checkout)
    assert {"sample_part", "train_held_out"} <= more.keys() - first_attempt.keys()
    for requested in (first_attempt, more):
        gpus = {rule: request["gpu"] for rule, request in requested.items() if "gpu" in request}
        assert gpus == {
            rule: 0 for rule in requested if rule.startswith(("train_", "sample_", "explain_"))
        }
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
