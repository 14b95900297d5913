"""The config, the run files and the prepared patches of a retraining."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ops.workflow import CHECKOUT
from stormcnn.config.config_files import read_config_files
from stormcnn.config.loading import load_config
from stormcnn.config.wording import listed
from stormcnn.errors import UserError
from stormcnn.io import read_rows
from stormcnn.operations.cutoff import count_events
from stormcnn.operations.journal import utc_now
from stormcnn.operations.news import check_no_future_run, with_digests
from stormcnn.operations.promotion import corrected_confidence
from stormcnn.storms.inventory import is_left_out
from stormcnn.storms.run_files import Run, format_run_list, list_folder, read_run_list
from stormcnn.verification.resampling import resamples_needed


def read_config(files: Sequence[str]) -> dict[str, Any]:
    """Return the config as the workflow reads it, from the default file and `files`.

    Raises `UserError` if a file cannot be read, or if the config is not suited to retraining.
    """
    config = load_config(read_config_files([CHECKOUT / "config" / "config.yaml", *files]))
    if config["data"]["source"] != "folder":
        raise UserError(
            f"data.source must be folder (got {config['data']['source']}), because retraining "
            "waits for new run files. Set data.source to folder, and data.folder to their folder."
        )
    if config["data"]["run_list"]:
        raise UserError(
            f"data.run_list must be null (got {config['data']['run_list']}), because retraining "
            "uses all run files in data.folder as they arrive. Remove data.run_list."
        )
    check_candidates(config)
    return config


def check_candidates(config: dict[str, Any]) -> None:
    """Raise `UserError` if a candidate is unknown, or if there are too many to be judged."""
    policy, verification = config["retraining"], config["verification"]
    if unknown := [name for name in policy["models"] if name not in config["models"]]:
        raise UserError(
            f"retraining.models must be among {listed(config['models'])} (got {unknown[0]})."
        )
    number = len(policy["models"]) * len(policy["seeds"])
    needed = resamples_needed(1, corrected_confidence(verification["confidence"], number))
    if needed > verification["resamples"]:
        raise UserError(
            f"verification.resamples must be at least {needed} to judge {number} candidates (got "
            f"{verification['resamples']}). Set it, or shorten retraining.models or "
            "retraining.seeds."
        )


def describe_candidates(policy: dict[str, Any]) -> str:
    """Return in words which networks are trained."""
    word = "seed" if len(policy["seeds"]) == 1 else "seeds"
    return f"{listed(policy['models'])} with {word} {listed(map(str, policy['seeds']))}"


def describe_period(start: str | None, cutoff: str) -> str:
    """Return in words which runs train, given the first day and the day after the last one."""
    return f"from {start} until before {cutoff}" if start else f"before {cutoff}"


def list_past_runs(data: dict[str, Any]) -> list[Run]:
    """Return the run files of `data.folder`. Raises `UserError` if a run date is in the future."""
    runs = list_folder(data["folder"], data["batch"], data["settle_seconds"], data["file_pattern"])
    check_no_future_run(runs, utc_now())
    return runs


def runs_csv(data: dict[str, Any]) -> Path:
    """Return the path of the run list that the workflow writes."""
    return Path("resources", data["name"], "runs.csv")


def known_csv(data: dict[str, Any]) -> Path:
    """Return the path of the list of run files that the last retraining knew."""
    return Path("resources", data["name"], "retrained.csv")


def inventory_csv(data: dict[str, Any]) -> Path:
    """Return the path of the inventory of the prepared run files."""
    return Path("resources", data["name"], "inventory.csv")


def prepared_run_list(data: dict[str, Any]) -> str:
    """Return the run list of the prepared run files, with their SHA-256, as text."""
    rows = read_rows([inventory_csv(data)])
    digests = {row["file"]: row["sha256"] for row in rows}
    return format_run_list(with_digests(read_run_list(runs_csv(data)), digests))


def left_out_files(data: dict[str, Any]) -> dict[str, str]:
    """Return the reason for each run file that was left out as a whole, by its path."""
    path = inventory_csv(data)
    rows = read_rows([path]) if path.exists() else []
    return {row["file"]: row["reason"] for row in rows if is_left_out(row)}


def read_events(config: dict[str, Any]) -> dict[str, int]:
    """Return the number of events of each run that has storms, from the prepared patches."""
    from stormcnn.storms.events import exceeds
    from stormcnn.storms.patches import open_patches

    folder = Path("resources", config["data"]["name"], "patches")
    batches = sorted({run.batch for run in read_run_list(runs_csv(config["data"]))})
    storms = open_patches([folder / f"{batch}.nc" for batch in batches]).storms
    event = exceeds(storms["peak"].values, config["event"]["threshold"])
    return count_events(storms["run_date"].values, event)


def check_trial(config: dict[str, Any], name: str, runs: Sequence[Run]) -> None:
    """Raise `UserError` if a trial would overwrite results or prepared patches."""
    from stormcnn.storms.preparing import is_prepared_with

    check_name(config, name)
    prepared = Path("resources", config["data"]["name"])
    listed = runs_csv(config["data"])
    known = {run.file for run in read_run_list(listed)} if listed.exists() else set()
    patches = {prepared / f"patches/{run.batch}.nc" for run in runs}
    if not known <= {run.file for run in runs} or not all(
        is_prepared_with(path, config["data"]) for path in patches if path.exists()
    ):
        raise UserError(
            f"{prepared}: the patches were prepared from other run files or with other settings "
            "of data, and a trial overwrites nothing. Set another data.name for the trial."
        )


def check_name(config: dict[str, Any], name: str) -> None:
    """Raise `UserError` if a trial cannot have a name, or results have it."""
    load_config(config | {"experiment": {"name": name}})
    if Path("results", name).exists():
        raise UserError(
            f"results/{name} exists, and a trial overwrites nothing. Give the trial another name."
        )
