"""Score the champion on the runs that have arrived since its training, and tell alarms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ops.workflow import Workflow
from stormcnn.errors import UserError
from stormcnn.operations.alarms import (
    describe_alarms,
    keep_runs,
    notify,
    read_alarms,
    write_alarms,
)
from stormcnn.operations.journal import Journal
from stormcnn.operations.promotion import check_same_question
from stormcnn.operations.registry import REGISTRY, Champion

MONITORED = Path(REGISTRY, "monitoring.csv")
ALARMS = Path(REGISTRY, "alarms.json")


def watch(
    config: dict[str, Any],
    journal: Journal,
    workflow: Workflow,
    champion: Champion,
    inventory: str,
) -> None:
    """Prepare the run files listed in `inventory`, and monitor the champion on them.

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
    workflow.run(experiment, champion.cutoff, [inventory, monitored])
    rows = pd.read_csv(monitored).fillna({"alarms": ""})
    keep_runs(rows, MONITORED)
    tell_alarms(rows.iloc[-1].to_dict(), champion, config["monitoring"]["notify"], journal)


def tell_alarms(
    latest: dict[str, Any], champion: Champion, command: list[str] | None, journal: Journal
) -> None:
    """Write the events of alarms that are new or have ended, and notify each new one once.

    `latest` is the last row of the monitored runs. A notification that fails is repeated by the
    next call.
    """
    told = read_alarms(ALARMS, champion.sha256)
    alarms = {name: told.get(name, False) for name in latest["alarms"].split(";") if name}
    described = {"experiment": champion.experiment, "run_date": latest["run_date"]}
    at_promotion = champion.scores["brier_skill_score_training"]["value"]
    if new := [name for name in alarms if name not in told]:
        message = describe_alarms(new, latest, at_promotion)
        journal.write("alarm", message, alarms=new, **described)
    if ended := [name for name in told if name not in alarms]:
        journal.write("alarm_ended", f"No longer: {', '.join(ended)}.", alarms=ended, **described)
    waiting = [name for name, is_notified in alarms.items() if not is_notified]
    if command and waiting:
        message = describe_alarms(waiting, latest, at_promotion)
        try:
            notify(command, {**described, "alarms": waiting, "message": message})
            alarms |= dict.fromkeys(waiting, True)
        except UserError as error:
            journal.write("not_notified", f"{error} The next call will try again.")
    write_alarms(champion.sha256, alarms, ALARMS)
