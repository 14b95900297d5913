"""Implement `ops/retrain`; docs/operations.md describes what it does and why.

The workflow prepares, trains, predicts and evaluates. This module decides when that happens and
with which cutoff, and applies the decision.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

from ops.watching import watch
from ops.workflow import CHECKOUT, LOGS, Workflow
from stormcnn.config.config_files import read_config_files
from stormcnn.config.loading import load_config
from stormcnn.errors import UserError
from stormcnn.io import forbid_world_writable_files, write_text
from stormcnn.operations import registry
from stormcnn.operations.cutoff import (
    TooFew,
    choose_cutoff,
    count_events,
    earliest_cutoff,
)
from stormcnn.operations.journal import Journal, utc_now
from stormcnn.operations.lock import Busy, Lock
from stormcnn.operations.mlflow_registry import (
    NotRecorded,
    is_recorded,
    note_recorded,
    record_history,
)
from stormcnn.operations.new_runs import check_no_future_run, find_new_runs
from stormcnn.storms.run_files import Run, first_day, list_folder, read_run_list
from stormcnn.vocabulary import LEAST_BLOCKS, LEAST_EVENTS

REGISTRY = Path(registry.REGISTRY)
RECORDED = REGISTRY / "recorded.txt"


class ExitCode(IntEnum):
    """Exit codes; part of the interface with schedulers."""

    DONE = 0
    FAILED = 1
    WRONG_COMMAND_LINE = 2
    PROMOTED = 3
    POSTPONED = 4
    ALARM = 5
    LOCKED = 75


EXIT_CODES = {
    ExitCode.DONE: "nothing to do, the champion was kept, or the requested action is done",
    ExitCode.FAILED: "failed; the last line gives the reason",
    ExitCode.WRONG_COMMAND_LINE: "the command line is wrong",
    ExitCode.PROMOTED: "the challenger was promoted",
    ExitCode.POSTPONED: "postponed: too few new runs or events to evaluate a network",
    ExitCode.ALARM: "as 0 or 4, with a new alarm: the champion's input or its skill has changed",
    ExitCode.LOCKED: "another retraining or workflow is running",
}
"""Meaning of each exit code, for the command's help."""


def main(arguments: Sequence[str]) -> ExitCode:
    """Run the command and return its exit code."""
    options = parse_arguments(arguments)
    forbid_world_writable_files()
    # This log is used until the config has given the name of the experiment.
    journal = Journal(None if options.dry_run else LOGS / "retrain.jsonl")
    code = call(options, journal)
    quiet = code in (ExitCode.DONE, ExitCode.POSTPONED)
    return ExitCode.ALARM if quiet and "alarm" in journal.events else code


def call(options: argparse.Namespace, journal: Journal) -> ExitCode:
    """Do what the command line asks for; return the exit code but for alarms."""
    try:
        config = read_config(options.configfile)
        if options.dry_run:
            return explain(config, options.trial)
        journal.path = LOGS / f"{config['experiment']['name']}.jsonl"
        with Lock.hold(REGISTRY / "retrain.lock") as lock:
            if options.rollback:
                return roll_back(config, journal)
            workflow = Workflow(lock, options.configfile, options.option)
            try:
                return retrain(config, journal, workflow, options.trial)
            except TooFew:
                if not options.trial:
                    record(config, journal)
                raise
    except TooFew as reason:
        journal.write("postponed", f"Postponed. {reason}")
        return ExitCode.POSTPONED
    except Busy as reason:
        journal.write("locked", str(reason))
        return ExitCode.LOCKED
    except (UserError, OSError) as error:
        journal.write("failed", f"Failed. {error}")
        return ExitCode.FAILED


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="ops/retrain",
        description="Train a challenger when new run files have arrived, and promote it if it is "
        "significantly better than the champion.",
        epilog="\n".join(
            ["exit codes:", *(f"  {code:<3} {meaning}" for code, meaning in EXIT_CODES.items())]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--configfile", nargs="+", required=True, metavar="FILE")
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        "--trial",
        metavar="NAME",
        help="write the results to results/NAME; promote and record nothing",
    )
    action.add_argument(
        "--rollback", action="store_true", help="make the previous champion champion again"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would happen and why; write nothing"
    )
    parser.add_argument(
        "option",
        nargs="*",
        help="options for Snakemake, after --, for example -- --workflow-profile slurm",
    )
    options = parser.parse_args(arguments)
    if options.dry_run and options.rollback:
        parser.error("--dry-run cannot be combined with --rollback")
    return options


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
    model = config["retraining"]["model"]
    if model not in config["models"]:
        raise UserError(
            f"retraining.model must be one of {', '.join(config['models'])} (got {model})."
        )
    return config


def retrain(
    config: dict[str, Any], journal: Journal, workflow: Workflow, trial: str | None
) -> ExitCode:
    """Train and evaluate a challenger if there are new run files, and apply the decision.

    `trial` is the name of the results of a trial, which promotes and records nothing. Raises
    `TooFew` if the challenger cannot be evaluated yet.
    """
    data = config["data"]
    last = registry.read_last_entry(REGISTRY)
    if last and last.champion:
        registry.check_network(REGISTRY, last.champion)
    registry.check_clock(last, utc_now())
    runs = list_past_runs(data)
    new = find_new_runs(runs, known_csv(data))
    name = trial or config["experiment"]["name"]
    if trial:
        check_trial(config, trial, runs)
    elif not new:
        journal.write("nothing_new", "No new run files; nothing to do.")
        record(config, journal)
        return ExitCode.DONE
    journal.write(
        "found",
        f"{len(new)} of {len(runs)} run files are new.",
        new=[run.file for run in new],
    )
    days = sorted({first_day(run.batch) for run in runs})
    if len(days) == 1:
        raise TooFew(
            f"All runs belong to one {data['batch']}, so none is left to train on. Wait for more "
            "run files."
        )
    # The patches do not depend on the cutoff, which is chosen when they are there.
    inventory = f"resources/{data['name']}/inventory.csv"
    champion = last.champion if last else None
    if champion and not trial and days[0] < champion.cutoff <= days[-1]:
        watch(config, journal, workflow, champion, inventory)
    else:
        workflow.run(name, days[-1], [inventory])
    not_before = earliest_cutoff(last, bool(trial))
    cutoff = choose_cutoff(
        read_events(config), data["batch"], not_before, config["verification"]["block"]
    )
    experiment = trial or f"{name}-{cutoff}"
    results = Path("results", experiment)
    model, seed = config["retraining"]["model"], config["retraining"]["seed"]
    journal.write(
        "training",
        f"Training {model} with seed {seed} on the runs before {cutoff}; results in {results}.",
        experiment=experiment,
        cutoff=cutoff,
        model=model,
        seed=seed,
    )
    targets = ["retraining/decision.json", "config.yaml"]
    targets += ["report.html"] if config["retraining"]["report"] else []
    workflow.run(experiment, cutoff, [str(results / target) for target in targets])
    decision = json.loads((results / "retraining/decision.json").read_text(encoding="utf-8"))
    if trial:
        journal.write("trial", f"{decision['why']} This was a trial; nothing was changed.")
        return ExitCode.DONE
    return apply_decision(config, journal, last, experiment, decision)


def apply_decision(
    config: dict[str, Any],
    journal: Journal,
    last: registry.Entry | None,
    experiment: str,
    decision: dict[str, Any],
) -> ExitCode:
    """Enter a decision in the registry, and remember the run files that are known now."""
    entry = registry.enter_decision(REGISTRY, last, experiment, decision, utc_now())
    journal.write(
        "promoted" if decision["promote"] else "kept",
        entry.why,
        experiment=experiment,
        decision=decision,
    )
    try:
        known = runs_csv(config["data"]).read_text(encoding="utf-8")
        write_text(known, known_csv(config["data"]))
    except OSError as error:
        # The decision is still valid. The next call treats these runs as new, but does not evaluate
        # on them again.
        journal.write("not_listed", f"Cannot write the list of known run files: {error}")
    record(config, journal)
    return ExitCode.PROMOTED if decision["promote"] else ExitCode.DONE


def explain(config: dict[str, Any], trial: str | None) -> ExitCode:
    """Print what a retraining would do now and why, without writing anything."""
    data = config["data"]
    last = registry.read_last_entry(REGISTRY)
    registry.check_clock(last, utc_now())
    runs = list_past_runs(data)
    new = find_new_runs(runs, known_csv(data))
    champion = last.champion if last else None
    if champion:
        registry.check_network(REGISTRY, champion)
        print(f"Champion since {champion.since:%Y-%m-%d}: {champion.experiment}. {champion.why}")
    else:
        print("There is no champion yet.")
    if trial:
        check_trial(config, trial, runs)
    elif not new:
        print("No new run files; nothing would be done.")
        return ExitCode.DONE
    for run in new:
        print(f"New: {run.file}")
    batches = sorted({run.batch for run in new})
    print(f"Would prepare, if not up to date: {', '.join(batches) or 'nothing'}.")
    # Events are counted when the runs are prepared; until then assume that there are enough.
    events = {run.run_date: LEAST_EVENTS for run in runs}
    try:
        cutoff = choose_cutoff(
            events,
            data["batch"],
            earliest_cutoff(last, bool(trial)),
            config["verification"]["block"],
        )
    except TooFew:
        print(
            f"Would postpone: fewer than {LEAST_BLOCKS} blocks of runs were used neither for "
            "training nor for an earlier decision."
        )
        return ExitCode.DONE
    model, seed = config["retraining"]["model"], config["retraining"]["seed"]
    rival = "the champion" if champion else "climatology, because there is no champion yet"
    print(
        f"Would train {model} with seed {seed} on the runs before {cutoff} and evaluate it on the "
        f"other runs against {rival}. If these have fewer than {LEAST_EVENTS} events, which is "
        "known when they are prepared, it would choose an earlier cutoff or postpone."
    )
    return ExitCode.DONE


def roll_back(config: dict[str, Any], journal: Journal) -> ExitCode:
    """Make the previous champion champion again."""
    registry.check_clock(registry.read_last_entry(REGISTRY), utc_now())
    entry = registry.roll_back(REGISTRY, utc_now())
    journal.write("rolled_back", entry.why, experiment=entry.experiment)
    record(config, journal)
    return ExitCode.DONE


def record(config: dict[str, Any], journal: Journal) -> None:
    """Record in MLflow what it lacks. If that fails, the next call tries again."""
    address = os.environ.get("MLFLOW_TRACKING_URI") or config["registry"]["mlflow"]
    last = registry.read_last_entry(REGISTRY)
    if config["registry"]["mlflow"] is None or last is None:
        return
    if is_recorded(RECORDED, last, address):
        return
    name = f"stormcnn-{config['experiment']['name']}"
    try:
        record_history(REGISTRY, address, name, Path("results"))
        note_recorded(RECORDED, last, address)
    except (NotRecorded, OSError) as error:
        journal.write(
            "not_recorded", f"Not recorded in MLflow; the next call will try again. {error}"
        )
        return
    journal.write("recorded", "Recorded in MLflow.", entry=last.number)


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

    load_config(config | {"experiment": {"name": name}})
    if Path("results", name).exists():
        raise UserError(
            f"results/{name} exists, and a trial overwrites nothing. Give the trial another name."
        )
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
