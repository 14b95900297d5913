"""Print the rules of a checkout as Snakemake understands them, as JSON.

Run as a program: Snakemake changes the working directory and the environment of its process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """What a rule declares. Names of inputs and other values are None if they have none."""

    script: str | None
    inputs: list[str | None]
    outputs: list[str | None]
    several: list[str]
    """Names of outputs that stand for several files."""
    params: list[str | None]
    resources: list[str]
    log: list[str]
    benchmark: str | None
    environment: str | None
    cached: bool
    local: bool


def describe_rules(
    checkout: Path, config: Mapping[str, Any], *configfiles: str, cache: bool = True
) -> dict[str, Rule]:
    """Return the rules that a checkout has with some settings, by name, with or without a cache."""
    arguments = [str(checkout), json.dumps(config), json.dumps(cache), *configfiles]
    command = [sys.executable, __file__, *arguments]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {name: Rule(*rule) for name, rule in json.loads(printed).items()}


def print_rules(
    checkout: Path, config: dict[str, Any], cache: bool, configfiles: Iterable[str]
) -> None:
    from snakemake.api import SnakemakeApi
    from snakemake.settings.types import (
        ConfigSettings,
        OutputSettings,
        Quietness,
        ResourceSettings,
        WorkflowSettings,
    )

    os.environ["SNAKEMAKE_OUTPUT_CACHE"] = str(checkout)
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(
                config=config,
                configfiles=[checkout / file for file in configfiles],
            ),
            workflow_settings=WorkflowSettings(cache=[] if cache else None),
            snakefile=checkout / "Snakefile",
            workdir=checkout,
        )._workflow
        rules = {rule.name: _describe(rule, workflow) for rule in workflow.rules}
    print(json.dumps(rules))  # noqa: T201


def _describe(rule: Any, workflow: Any) -> Rule:
    outputs = [name for name, _ in rule.output._allitems()]
    return Rule(
        script=rule.script,
        inputs=[name for name, _ in rule.input._allitems()],
        outputs=outputs,
        several=[name for name, files in rule.output.items() if not isinstance(files, str)],
        params=[name for name, _ in rule.params._allitems()],
        resources=[name for name in rule.resources if name not in ("tmpdir", "_nodes", "_cores")],
        log=[str(path) for path in rule.log],
        benchmark=None if rule.benchmark is None else str(rule.benchmark),
        environment=rule.conda_env,
        cached=rule.cache.output,
        local=rule.name in workflow._localrules,
    )


if __name__ == "__main__":
    print_rules(Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4:])
