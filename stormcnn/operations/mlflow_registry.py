"""Copy the registry's entries to MLflow, from the files of the registry and of the results.

Recording is idempotent: a retraining that MLflow already has is skipped, and the aliases
`champion` and `challenger` are set again. MLflow is optional and imported only here.
"""

from __future__ import annotations

import getpass
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from stormcnn.addresses import hide_secrets, without_secrets
from stormcnn.errors import UserError
from stormcnn.io import write_text
from stormcnn.operations.mlflow_model import NETWORK, describe_model
from stormcnn.operations.mlflow_store import BadStore, prepare_store, sqlite_file
from stormcnn.operations.registry import Entry, read_history, run_list_of
from stormcnn.provenance import sha256_of
from stormcnn.texts import printable

if TYPE_CHECKING:
    from mlflow import MlflowClient

ENTRY_TAG = "stormcnn.retraining"
DIGEST_TAG = "stormcnn.sha256"
COMMIT_TAG = "mlflow.source.git.commit"
"""The tag that MLflow itself uses for the version of the code."""
USER_TAG = "mlflow.user"
DIGEST_LENGTH = 36
"""Longest digest of a data set that MLflow stores."""

# The server may be down or the site offline, so requests give up soon and no telemetry is sent.
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    # Warnings repeat errors of database drivers, which may contain the address.
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    # MLflow would print the addresses of its runs, including the password if there is one.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


SECRET_VARIABLES = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
"""Environment variables with credentials, which messages of libraries may repeat."""


class NotRecorded(UserError):
    """MLflow cannot be written to. The message contains no password."""


class NotInstalled(UserError):
    """MLflow is not installed."""


def record_history(folder: Path, address: str, name: str, results: Path) -> None:
    """Record every retraining of a registry that MLflow lacks, and set the aliases.

    Each retraining becomes a run of the MLflow experiment `name` with its parameters, its data set
    and its scores with intervals; the config, the run list, the report if there is one, and the
    network are artifacts. The network becomes a version of the registered model `name`. What an
    interrupted call has left is deleted first. `results` holds one folder per retraining. Raises
    `NotRecorded` or `NotInstalled`.
    """
    for variable, value in SETTINGS.items():
        os.environ.setdefault(variable, value)
    try:
        import mlflow
    except ModuleNotFoundError:
        raise NotInstalled(
            "MLflow is not installed, so nothing is recorded there. Install the extra `registry`, "
            "or set registry.mlflow to null."
        ) from None

    try:
        if store := sqlite_file(address):
            prepare_store(store, _artifacts(folder), name)
        client = mlflow.MlflowClient(address, registry_uri=address)
        history = read_history(folder)
        decided = [entry for entry in history if entry.decision]
        experiment_id = _get_or_create_experiment(client, name, folder, address)
        _discard_unfinished(client, experiment_id, name)
        for entry in decided:
            if not _has_finished_run(client, experiment_id, entry):
                _record_entry(client, experiment_id, name, folder, entry, results)
        _set_aliases(client, name, history[-1], decided[-1])
    except BadStore as error:
        raise NotRecorded(str(error)) from None
    # MLflow also raises the exceptions of its database and of its HTTP client.
    except Exception as error:  # noqa: BLE001
        secrets = [os.getenv(variable, "") for variable in SECRET_VARIABLES]
        message = hide_secrets(f"{type(error).__name__}: {error}", [address], secrets)
        message = printable(message, keep="\n", longest=1000)
        raise NotRecorded(
            f"MLflow at {without_secrets(address)} cannot be written to ({message}). Check the "
            "server; the next retraining tries again."
        ) from None


def forget_networks(
    address: str, name: str, past: Sequence[Entry], last: Sequence[Entry], dry_run: bool
) -> list[Path]:
    """Delete the model versions of challengers that lost; return the folders of their networks.

    That is done only in an SQLite file, whose artifacts are local. `past` are decisions, and `last`
    the last entry of the registry. Networks that an alias refers to stay. With `dry_run` nothing is
    deleted.
    """
    store = sqlite_file(address)
    if store is None or not store.exists():
        return []
    import mlflow

    client = mlflow.MlflowClient(address, registry_uri=address)
    champions = {entry.champion.sha256 for entry in last if entry.champion}
    folders = []
    for entry in past:
        sha256 = _challenger(entry)["sha256"]
        if entry.event != "kept" or sha256 in champions:
            continue
        condition = f"name = '{name}' and tags.`{DIGEST_TAG}` = '{sha256}'"
        for version in client.search_model_versions(condition):
            if client.get_model_version(name, version.version).aliases:
                continue
            location = client.get_run(str(version.run_id)).info.artifact_uri
            folders.append(Path(url2pathname(urlsplit(location).path), "network"))
            if not dry_run:
                client.delete_model_version(name, version.version)
    return [folder for folder in folders if folder.is_dir()]


def is_recorded(note: Path, last: Entry, address: str) -> bool:
    """Return whether the file `note` says that MLflow at `address` has the last entry.

    The note makes it unnecessary to import MLflow and to connect to a server. A note that cannot
    be read counts as missing.
    """
    store = sqlite_file(address)
    if store and not store.exists():
        return False
    with suppress(OSError):
        return note.read_bytes() == _recorded_state(note, last, address).encode()
    return False


def note_recorded(note: Path, last: Entry, address: str) -> None:
    """Write to the file `note` that MLflow at `address` has the last entry."""
    write_text(_recorded_state(note, last, address), note)


def _recorded_state(note: Path, last: Entry, address: str) -> str:
    # If the folder was moved, the artifacts have another address.
    folder = f", folder {note.parent.resolve()}" if sqlite_file(address) else ""
    return f"entry {last.number} in {without_secrets(address)}{folder}\n"


def _artifacts(folder: Path) -> str:
    return Path(folder, "artifacts").resolve().as_uri()


def _get_or_create_experiment(client: MlflowClient, name: str, folder: Path, address: str) -> str:
    """Return the id of an MLflow experiment. Without a server, artifacts lie in the registry."""
    if existing := client.get_experiment_by_name(name):
        return str(existing.experiment_id)
    local = not address.startswith("http")
    location = _artifacts(folder) if local else None
    return str(client.create_experiment(name, artifact_location=location))


def _discard_unfinished(client: MlflowClient, experiment_id: str, name: str) -> None:
    """Delete the runs, and their model versions, of a call that was killed while it recorded."""
    for run in client.search_runs([experiment_id], "attributes.status = 'RUNNING'"):
        if ENTRY_TAG in run.data.tags:
            for version in client.search_model_versions(f"run_id = '{run.info.run_id}'"):
                client.delete_model_version(name, version.version)
            client.delete_run(run.info.run_id)


def _has_finished_run(client: MlflowClient, experiment_id: str, entry: Entry) -> bool:
    """Return whether an entry was recorded completely; an interrupted recording does not count."""
    condition = f"tags.`{ENTRY_TAG}` = '{_identity(entry)}' and attributes.status = 'FINISHED'"
    return bool(client.search_runs([experiment_id], condition))


def _identity(entry: Entry) -> str:
    return f"{entry.experiment} {_challenger(entry)['sha256']}"


def _challenger(entry: Entry) -> Mapping[str, Any]:
    return (entry.decision or {})["challenger"]


def _record_entry(
    client: MlflowClient,
    experiment_id: str,
    name: str,
    folder: Path,
    entry: Entry,
    results: Path,
) -> None:
    decision, challenger = entry.decision or {}, _challenger(entry)
    tags = {ENTRY_TAG: _identity(entry), "outcome": entry.event, "why": entry.why}
    tags[USER_TAG] = _user()
    if challenger.get("commit"):
        tags[COMMIT_TAG] = challenger["commit"]
    started = int(entry.time.timestamp() * 1000)
    run_id = client.create_run(experiment_id, started, tags, entry.experiment).info.run_id
    for key in ("model", "seed", "training_start", "cutoff", "predictors"):
        client.log_param(run_id, key, challenger.get(key))
    for key in ("target", "region", "threshold"):
        client.log_param(run_id, key, challenger["event"][key])
    for key in ("blocks", "runs", "storms", "events", "scored_from", "scored_until"):
        client.log_param(run_id, key, decision[key])
    for metric, value in _metrics(decision).items():
        client.log_metric(run_id, metric, value, started)
    run_list = run_list_of(folder, entry.number)
    if run_list.exists():
        _record_data(client, run_id, run_list)
    own = results / entry.experiment
    files = [own / "config.yaml", own / "report.html", *own.glob("retraining/*.*"), run_list]
    for file in files:
        if file.exists():
            client.log_artifact(run_id, str(file))
    network = challenger["network"]
    if entry.event == "promoted" and entry.champion:
        network = entry.champion.network
    if Path(network).exists():
        with tempfile.TemporaryDirectory() as temporary:
            shutil.copyfile(network, Path(temporary, NETWORK))
            describe_model(Path(temporary))
            client.log_artifacts(run_id, temporary, "network")
    _create_registered_model(client, name)
    client.create_model_version(
        name,
        source=f"runs:/{run_id}/network",
        run_id=run_id,
        tags={DIGEST_TAG: challenger["sha256"]},
        description=entry.why,
    )
    client.set_terminated(run_id, "FINISHED")


def _record_data(client: MlflowClient, run_id: str, run_list: Path) -> None:
    """Record the run list, which has the SHA-256 of all run files, as the data set of a run."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    digest = sha256_of(run_list)[:DIGEST_LENGTH]
    source = json.dumps({"uri": run_list.resolve().as_uri()})
    dataset = Dataset("run files", digest, "local", source)
    tags = [InputTag("mlflow.data.context", "training and evaluation")]
    client.log_inputs(run_id, [DatasetInput(dataset, tags)])


def _user() -> str:
    """Return the name of the user, or the number of one without a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _metrics(decision: Mapping[str, Any]) -> dict[str, float]:
    """Return the scores of both networks and their difference, each with its interval."""
    estimates = {"brier_score_difference": decision["difference"] or {}}
    for role in ("challenger", "champion"):
        scores = (decision[role] or {}).get("scores", {})
        estimates |= {f"{role}_{score}": estimate for score, estimate in scores.items()}
    metrics = {
        name if part == "value" else f"{name}_{part}": value
        for name, estimate in estimates.items()
        for part, value in estimate.items()
    }
    return {name: value for name, value in metrics.items() if value is not None}


def _create_registered_model(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        client.create_registered_model(name)


def _set_aliases(client: MlflowClient, name: str, last: Entry, decided: Entry) -> None:
    """Let the aliases point to the champion and to the most recent challenger."""
    networks = {"challenger": str(_challenger(decided)["sha256"])}
    if last.champion:
        networks["champion"] = last.champion.sha256
    for alias, sha256 in networks.items():
        versions = client.search_model_versions(
            f"name = '{name}' and tags.`{DIGEST_TAG}` = '{sha256}'"
        )
        newest = max(int(version.version) for version in versions)
        client.set_registered_model_alias(name, alias, str(newest))
