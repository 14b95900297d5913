"""The registry's entries in MLflow, made from the registry's files and those it names.

Recording twice is recording once: a retraining that MLflow has already is left alone, and the
aliases `champion` and `challenger` are set anew. MLflow is optional and only imported here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stormcnn.operations.registry import Entry, read_history

if TYPE_CHECKING:
    from mlflow import MlflowClient

ENTRY = "stormcnn.retraining"
DIGEST = "stormcnn.sha256"
# A site may be offline or its server away: nothing is sent elsewhere, and nobody waits for long.
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    # MLflow would print the addresses of runs, with the password if there is one.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


class NotRecorded(Exception):
    """MLflow could not be written to. The message holds no password."""


def record_history(folder: Path, address: str, name: str, results: Path) -> None:
    """Record every retraining of a registry that MLflow does not have, and set the aliases.

    Each becomes a run of the experiment `name` with its parameters, scores and intervals, with the
    config, the report where there is one, and the network as artifacts; the network is a version
    of the registered model `name`. `results` holds a folder for each retraining. Raises
    `NotRecorded`.
    """
    for variable, value in SETTINGS.items():
        os.environ.setdefault(variable, value)
    import mlflow

    try:
        client = mlflow.MlflowClient(address, registry_uri=address)
        history = read_history(folder)
        decided = [entry for entry in history if entry.decision]
        experiment = _experiment(client, name, folder, address)
        for entry in decided:
            if not _runs_of(client, experiment, entry):
                _record_entry(client, experiment, name, entry, results / entry.run)
        _set_aliases(client, name, history[-1], decided[-1])
    # MLflow raises what its database and its HTTP client raise, too.
    except Exception as error:  # noqa: BLE001
        raise NotRecorded(without_secrets(str(error))) from None


def without_secrets(text: str) -> str:
    """The text with user names and passwords in addresses left out."""
    # Up to the last @: unescaped, a password may hold another one, or a slash.
    return re.sub(r"(\w://)\S*@", r"\1***@", text)


def _experiment(client: MlflowClient, name: str, folder: Path, address: str) -> str:
    """The experiment's number. Without a server, artifacts lie beside the database."""
    if found := client.get_experiment_by_name(name):
        return str(found.experiment_id)
    own = Path(folder, "artifacts").resolve().as_uri()
    local = not address.startswith("http")
    return str(client.create_experiment(name, artifact_location=own if local else None))


def _runs_of(client: MlflowClient, experiment: str, entry: Entry) -> list[Any]:
    """Runs that recorded an entry to the end; one that broke off is not among them."""
    wanted = f"tags.`{ENTRY}` = '{_identity(entry)}' and attributes.status = 'FINISHED'"
    return list(client.search_runs([experiment], wanted))


def _identity(entry: Entry) -> str:
    return f"{entry.run} {_challenger(entry)['sha256']}"


def _challenger(entry: Entry) -> Mapping[str, Any]:
    return (entry.decision or {})["challenger"]


def _record_entry(
    client: MlflowClient, experiment: str, name: str, entry: Entry, results: Path
) -> None:
    decision, challenger = entry.decision or {}, _challenger(entry)
    tags = {ENTRY: _identity(entry), "outcome": entry.event, "why": entry.why}
    started = int(entry.time.timestamp() * 1000)
    run = client.create_run(experiment, started, tags, entry.run).info.run_id
    for key in ("model", "seed", "cutoff", "predictors"):
        client.log_param(run, key, challenger[key])
    for key in ("target", "region", "threshold"):
        client.log_param(run, key, challenger["event"][key])
    for key in ("runs", "storms", "events", "scored_from", "scored_until"):
        client.log_param(run, key, decision[key])
    for metric, value in _metrics(decision).items():
        client.log_metric(run, metric, value, started)
    files = [results / "config.yaml", results / "report.html", *results.glob("retraining/*.*")]
    for file in files:
        if file.exists():
            client.log_artifact(run, str(file))
    network = challenger["network"]
    if entry.event == "promoted" and entry.champion:
        network = entry.champion.network
    if Path(network).exists():
        client.log_artifact(run, network, "network")
    _register(client, name)
    client.create_model_version(
        name,
        source=f"runs:/{run}/network",
        run_id=run,
        tags={DIGEST: challenger["sha256"]},
        description=entry.why,
    )
    client.set_terminated(run, "FINISHED")


def _metrics(decision: Mapping[str, Any]) -> dict[str, float]:
    """Each score of both networks, and their difference, with its interval."""
    estimates = {"brier_score_difference": decision["difference"] or {}}
    for whose in ("challenger", "champion"):
        scores = (decision[whose] or {}).get("scores", {})
        estimates |= {f"{whose}_{score}": estimate for score, estimate in scores.items()}
    named = {
        name if part == "value" else f"{name}_{part}": value
        for name, estimate in estimates.items()
        for part, value in estimate.items()
    }
    return {name: value for name, value in named.items() if value is not None}


def _register(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        client.create_registered_model(name)


def _set_aliases(client: MlflowClient, name: str, last: Entry, decided: Entry) -> None:
    """Point to the champion, and to the network that last challenged one."""
    networks = {"challenger": str(_challenger(decided)["sha256"])}
    if last.champion:
        networks["champion"] = last.champion.sha256
    for alias, sha256 in networks.items():
        versions = client.search_model_versions(f"name = '{name}' and tags.`{DIGEST}` = '{sha256}'")
        newest = max(int(version.version) for version in versions)
        client.set_registered_model_alias(name, alias, str(newest))
