"""Implement `ops/retrain`; docs/operations.md describes what it does and why.

The workflow prepares, trains, predicts and evaluates. This module decides when that happens and
with which cutoff, and applies the decision.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from ops.command import EXIT_CODES, ExitCode, attempt, exit_code_help, run
from ops.explaining import explain
from ops.inputs import (
    check_trial,
    describe_candidates,
    describe_period,
    known_csv,
    list_past_runs,
    read_config,
    read_events,
)
from ops.recording import (
    REGISTRY,
    apply_decision,
    keep_call,
    record,
    report_interrupted,
    tell_bad_files,
    tell_left_out,
)
from ops.repeating import repeat
from ops.watching import watch, watch_training_files
from ops.workflow import LOGS, Workflow, WorkflowFailed
from stormcnn.io import forbid_world_writable_files
from stormcnn.operations import registry
from stormcnn.operations.cutoff import (
    Least,
    Postponed,
    TooFew,
    choose_cutoff,
    earliest_cutoff,
    start_of_window,
)
from stormcnn.operations.journal import Journal, utc_now
from stormcnn.operations.lock import Lock
from stormcnn.operations.news import find_news
from stormcnn.storms.run_files import Run, first_day
from stormcnn.texts import counted


def main(arguments: Sequence[str]) -> ExitCode:
    """Run the command and return its exit code."""
    options = parse_arguments(arguments)
    forbid_world_writable_files()
    # This log is used until the config has given the name of the experiment.
    journal = Journal(None if options.dry_run else LOGS / "retrain.jsonl", options.quiet)
    code = run(partial(call, options, journal), journal)
    if code != ExitCode.LOCKED and not (options.dry_run or options.trial):
        keep_call(journal)
    return code


def call(options: argparse.Namespace, journal: Journal) -> int:
    """Do what the command line asks for; return the exit code as far as it is no event."""
    config = read_config(options.configfile)
    if options.dry_run:
        explain(config, options.trial, least_of(config, options.force), options.force)
        return ExitCode.DONE
    journal.path = LOGS / f"{config['experiment']['name']}.jsonl"
    with Lock.hold(REGISTRY / "retrain.lock") as lock:
        if options.until:
            repeat(config, options.trial, options.until, lock, options.option, journal)
            return ExitCode.DONE
        workflow = Workflow(lock, options.configfile, options.option)
        code = attempt(
            partial(retrain, config, journal, workflow, options.trial, options.force), journal
        )
        if code == ExitCode.POSTPONED and not options.trial:
            record(config, journal)
        # The last line of a call that has failed is the reason.
        if code in (ExitCode.DONE, ExitCode.POSTPONED):
            tell_left_out(config["data"], journal)
    return code


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="ops/retrain",
        description="Train one or more networks when new run files have arrived, and promote the "
        "best one if it is significantly better than the champion.",
        epilog=exit_code_help(EXIT_CODES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--configfile", nargs="+", required=True, metavar="FILE")
    parser.add_argument(
        "--trial",
        metavar="NAME",
        help="write the results to results/NAME; promote and record nothing",
    )
    parser.add_argument(
        "--until",
        metavar="DATE",
        type=date.fromisoformat,
        help="with --trial: repeat the last decision made on or before DATE (UTC) with its run "
        "files and its config",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="train without new run files, too, and with fewer blocks and events than "
        "retraining.least_blocks and least_events, as far as that allows a decision",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would happen and why; write nothing"
    )
    parser.add_argument(
        "--quiet",
        action="store_true",
        help="print only decisions, alarms, files that are left out for the first time, and errors",
    )
    parser.add_argument(
        "option",
        nargs="*",
        help="options for Snakemake, after --, for example -- --workflow-profile slurm",
    )
    options = parser.parse_args(arguments)
    if options.until and (not options.trial or options.dry_run or options.force):
        parser.error("--until requires --trial, and neither --dry-run nor --force")
    return options


def least_of(config: dict[str, Any], force: bool) -> Least:
    """Return the smallest sample by which a challenger is judged."""
    policy = config["retraining"]
    return Least() if force else Least(policy["least_blocks"], policy["least_events"])


def retrain(
    config: dict[str, Any],
    journal: Journal,
    workflow: Workflow,
    trial: str | None,
    force: bool,
) -> ExitCode:
    """Train and evaluate a challenger if there are new run files, and apply the decision.

    `trial` is the name of the results of a trial, which promotes and records nothing. Raises
    `Postponed` if no challenger can be evaluated yet.
    """
    data = config["data"]
    if not trial:
        report_interrupted(config, journal)
    last = registry.read_last_entry(REGISTRY)
    champion = last.champion if last else None
    if champion:
        registry.check_network(REGISTRY, champion)
    registry.check_clock(last, utc_now())
    runs = list_past_runs(data)
    news = find_news(runs, known_csv(data))
    if trial:
        check_trial(config, trial, runs)
    elif champion:
        watch_training_files(config, journal, champion, runs)
    if not (news or trial or force):
        journal.write("nothing_new", "No new run files; nothing to do.")
        record(config, journal)
        return ExitCode.DONE
    journal.write(
        "found",
        f"Of {counted(len(runs), 'run file')}: {news}.",
        new=[run.file for run in news.new],
        replaced=[run.file for run in news.replaced],
    )
    try:
        prepare(config, journal, workflow, None if trial else champion, runs, trial)
    except WorkflowFailed as failure:
        tell_bad_files(failure, {run.file for run in runs}, journal)
        raise
    if last and last.held and not trial:
        raise Postponed(
            "The champion is held, so nothing is trained. Release it with ops/registry release."
        )
    events = read_events(config)
    cutoff = choose_cutoff(
        events,
        data["batch"],
        earliest_cutoff(last, bool(trial)),
        config["verification"]["block"],
        least_of(config, force),
    )
    policy = config["retraining"]
    start = start_of_window(events, data["batch"], cutoff, policy["window"])
    experiment = trial or f"{config['experiment']['name']}-{cutoff}"
    results = Path("results", experiment)
    journal.write(
        "training",
        f"Training {describe_candidates(policy)} on the runs {describe_period(start, cutoff)}; "
        f"results in {results}.",
        experiment=experiment,
        cutoff=cutoff,
        training_start=start,
        models=policy["models"],
        seeds=policy["seeds"],
    )
    targets = ["retraining/decision.json", "config.yaml"]
    targets += ["report.html"] if policy["report"] else []
    workflow.run(experiment, cutoff, [str(results / target) for target in targets], start)
    decision = json.loads((results / "retraining/decision.json").read_text(encoding="utf-8"))
    if trial:
        journal.write("trial", f"{decision['why']} This was a trial; nothing was changed.")
        return ExitCode.DONE
    apply_decision(config, journal, last, experiment, decision)
    return ExitCode.DONE


def prepare(
    config: dict[str, Any],
    journal: Journal,
    workflow: Workflow,
    champion: registry.Champion | None,
    runs: Sequence[Run],
    trial: str | None,
) -> None:
    """Prepare the run files, and monitor the champion on the runs since its training.

    Raises `TooFew` if all runs belong to one batch.
    """
    data = config["data"]
    days = sorted({first_day(run.batch) for run in runs})
    if len(days) == 1:
        raise TooFew(
            f"All runs belong to one {data['batch']}, so none is left to train on. Wait for more "
            "run files."
        )
    if champion and days[0] < champion.cutoff <= days[-1]:
        watch(config, journal, workflow, champion)
    else:
        # The patches do not depend on the cutoff, which is chosen when they are there.
        workflow.run(trial or config["experiment"]["name"], days[-1], ["prepare"])
