"""Score the champion on the runs that have arrived since its training, and tell alarms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ops.workflow import Workflow
from stormcnn.errors import UserError
from stormcnn.operations.alarms import (
    TRAINING_FILES,
    current_alarms,
    describe_alarms,
    keep_runs,
    notify,
    read_alarms,
    write_alarms,
)
from stormcnn.operations.journal import Journal
from stormcnn.operations.news import changed_since, read_known
from stormcnn.operations.promotion import check_same_question
from stormcnn.operations.registry import REGISTRY, Champion, run_list_of
from stormcnn.storms.run_files import Run
from stormcnn.texts import counted

MONITORED = Path(REGISTRY, "monitoring.csv")
ALARMS = Path(REGISTRY, "alarms.json")


def watch(
    config: dict[str, Any],
    journal: Journal,
    workflow: Workflow,
    champion: Champion,
) -> None:
    """Prepare all run files, and monitor the champion on those since its training.

    New alarms and those that have ended become events. Raises `UserError` if the workflow fails, or
    if the champion forecasts another event than that of the config.
    """
    data, threshold = config["data"], config["event"]["threshold"]
    event = {"target": data["target"], "region": data["region"], "threshold": threshold}
    question = {"event": event, "predictors": data["predictors"]}
    check_same_question(champion.model_dump(), question)
    # The scaling of the experiment itself may have another training period.
    experiment = f"{config['experiment']['name']}-monitoring"
    monitored = f"results/{experiment}/monitoring/runs.csv"
    targets = ["prepare", monitored]
    workflow.run(experiment, champion.cutoff, targets, champion.training_start)
    rows = pd.read_csv(monitored, dtype={"network": str, "alarms": str}).fillna({"alarms": ""})
    keep_runs(rows, MONITORED)
    latest = rows.iloc[-1].to_dict()
    before = read_alarms(ALARMS, champion.sha256)
    on = current_alarms(rows, before, config["verification"]["block"])
    at_promotion = champion.scores["brier_skill_score_training"]["value"]
    tell_alarms(
        on,
        champion,
        config["monitoring"]["notify"],
        journal,
        lambda names: " ".join(describe_alarms(names, latest, at_promotion)),
        run_date=latest["run_date"],
    )


def watch_training_files(
    config: dict[str, Any], journal: Journal, champion: Champion, runs: Sequence[Run]
) -> None:
    """Raise or end the alarm that run files with which the champion was trained have changed."""
    known = read_known(run_list_of(REGISTRY, champion.entry)).values()
    changed = changed_since(known, runs, champion.training_start or "", champion.cutoff)
    tell_alarms(
        [TRAINING_FILES] if changed else [],
        champion,
        config["monitoring"]["notify"],
        journal,
        lambda names: (
            " ".join(describe_alarms(names, {}, None))
            + f" {counted(len(changed), 'file')}: {', '.join(changed[:5])}"
            + (", ..." if len(changed) > 5 else ".")
        ),
        files=changed,
    )


def tell_alarms(
    on: Sequence[str],
    champion: Champion,
    command: list[str] | None,
    journal: Journal,
    describe: Callable[[Sequence[str]], str],
    **fields: Any,
) -> None:
    """Write the events of alarms that are new or have ended, and notify each new one once.

    `on` are the alarms of monitoring, or that of the training files, and the others stay as they
    are. `describe` says in words what alarms mean, and `fields` belong to their events. A
    notification that fails is repeated by the next call.
    """
    before = read_alarms(ALARMS, champion.sha256)
    is_of_files = "files" in fields
    told = {name: done for name, done in before.items() if (name == TRAINING_FILES) == is_of_files}
    others = {name: done for name, done in before.items() if name not in told}
    alarms = {name: told.get(name, False) for name in on}
    described = {"experiment": champion.experiment, **fields}
    if new := [name for name in alarms if name not in told]:
        journal.write("alarm", describe(new), alarms=new, **described)
    if ended := [name for name in told if name not in alarms]:
        journal.write("alarm_ended", f"No longer: {', '.join(ended)}.", alarms=ended, **described)
    waiting = [name for name, is_notified in alarms.items() if not is_notified]
    if command and waiting:
        try:
            notify(command, {**described, "alarms": waiting, "message": describe(waiting)})
            alarms |= dict.fromkeys(waiting, True)
        except UserError as error:
            journal.write("not_notified", f"{error} The next call will try again.")
    if others | alarms != before:
        write_alarms(champion.sha256, others | alarms, ALARMS)
