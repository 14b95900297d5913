"""Repeat a decision of the past from what the registry keeps of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from ops.inputs import check_name
from ops.recording import REGISTRY
from ops.workflow import Workflow
from stormcnn.errors import UserError
from stormcnn.operations import registry
from stormcnn.operations.journal import Journal
from stormcnn.operations.lock import Lock
from stormcnn.provenance import code_version, sha256_of
from stormcnn.storms.run_files import read_run_list


def repeat(
    config: dict[str, Any],
    name: str,
    until: date,
    lock: Lock,
    options: Sequence[str],
    journal: Journal,
) -> None:
    """Repeat the last decision made until a day (UTC), with results in `results/<name>`.

    The candidates are trained with the run files and the config of that decision, and the best one
    is compared with the champion of that time. Nothing is promoted or recorded. Raises `UserError`
    if there is no such decision, or if a run file has changed since.
    """
    check_name(config, name)
    entry = find_decision(until)
    run_list = registry.run_list_of(REGISTRY, entry.number)
    settings = registry.config_of(REGISTRY, entry.number)
    for path in (run_list, settings):
        if not path.exists():
            raise UserError(f"{path} is missing, so the decision cannot be repeated.")
    if changed := [run.file for run in read_run_list(run_list) if is_changed(run.file, run.sha256)]:
        raise UserError(
            f"{changed[0]}: the file is missing or has changed since the decision of "
            f"{entry.time:%Y-%m-%d} ({len(changed)} in all). Restore the files that {run_list} "
            "lists."
        )
    recorded = entry.decision or {}
    challenger = recorded["challenger"]
    journal.write(
        "training",
        f"Repeating the decision of {entry.time:%Y-%m-%d} about {entry.experiment} with results in "
        f"results/{name}. Code now {code_version()}, then {challenger['commit']}.",
        experiment=name,
        entry=entry.number,
        cutoff=challenger["cutoff"],
        training_start=challenger["training_start"],
        models=list(dict.fromkeys(candidate["model"] for candidate in recorded["candidates"])),
        seeds=list(dict.fromkeys(candidate["seed"] for candidate in recorded["candidates"])),
    )
    workflow = Workflow(
        lock,
        [str(settings)],
        options,
        {
            "data": {"name": name, "run_list": str(run_list), "settle_seconds": 0},
            "retraining": {"opponent": entry.number - 1},
        },
    )
    decision = f"results/{name}/retraining/decision.json"
    workflow.run(name, challenger["cutoff"], [decision], challenger["training_start"])
    repeated = json.loads(Path(decision).read_text(encoding="utf-8"))
    # The file of a network has the time of its training, so networks are compared by their scores.
    is_same = [numbers_of(repeated), repeated["why"]] == [numbers_of(recorded), recorded["why"]]
    outcome = "All numbers are those of that time." if is_same else f"Then: {recorded['why']}"
    journal.write(
        "trial",
        f"{repeated['why']} {outcome} This was a trial; nothing was changed.",
        experiment=name,
        entry=entry.number,
        is_same=is_same,
    )


def numbers_of(decision: Mapping[str, Any]) -> list[Any]:
    """Return the sizes, scores and differences of a decision."""
    sizes = [decision[name] for name in ("blocks", "runs", "storms", "events")]
    networks = [*decision["candidates"], decision["champion"] or {}]
    return [
        *sizes,
        *(network.get(name) for network in networks for name in ("scores", "difference")),
    ]


def find_decision(until: date) -> registry.Entry:
    """Return the last entry with a decision until a day (UTC), or raise `UserError`."""
    decided = [
        entry
        for entry in registry.read_history(REGISTRY)
        if entry.decision and entry.time.date() <= until
    ]
    if not decided:
        raise UserError(f"{REGISTRY}: no decision was made until {until}. Choose a later day.")
    return decided[-1]


def is_changed(path: str, sha256: str) -> bool:
    """Return whether a file is missing, or its SHA-256, if it was known, is another one."""
    try:
        return bool(sha256) and sha256_of(path) != sha256
    except OSError:
        return True
