"""What `ops/retrain` does, step by step: docs/operations.md says what for.

The workflow prepares, trains, predicts and judges; here it is only decided when, with which
cut-off, and what becomes of the decision.
"""

from __future__ import annotations

import argparse
import fcntl
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

import psutil

from stormcnn.config.config_files import read_config_files
from stormcnn.config.loading import load_config
from stormcnn.errors import UserError
from stormcnn.io import write_text
from stormcnn.operations import promotion, registry
from stormcnn.operations.mlflow_registry import NotRecorded, record_history, without_secrets
from stormcnn.storms.run_files import Run, first_day, list_folder, read_run_list

DONE, FAILED, PROMOTED, POSTPONED, LOCKED = 0, 1, 3, 4, 75
REGISTRY = Path("registry")
RECORDED = REGISTRY / "recorded.txt"
LOGS = Path("logs", "retrain")

EXIT_CODES = """exit codes:
  0   nothing to do, or the champion was kept, or what was asked for is done
  1   failed; the last line says why
  2   the command line is wrong
  3   the challenger was promoted
  4   postponed: too few new runs or events to judge by
  75  another one is at work
"""


class Failed(Exception):
    """A sentence for whoever looks after the schedule."""


class Busy(Exception):
    """Another retraining, or another workflow, is at work here; which one."""


class Journal:
    """Says what happens to people, and the same to machines: a JSON object a line."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def say(self, event: str, sentence: str, **fields: Any) -> None:
        """Print a sentence, and write it to the log with the event's name and fields."""
        print(sentence, flush=True)
        if self._path is not None:
            line = {"time": now().isoformat(), "event": event, "message": sentence, **fields}
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with open(self._path, "a", encoding="utf-8") as log:
                    log.write(json.dumps(line) + "\n")
            except OSError as error:
                print(f"The log could not be written: {error}", flush=True)


class Lock:
    """Held by one process and the workflows that it starts; the system takes it from the dead.

    Its file has a mark while a workflow runs. Who finds one knows that the lock which Snakemake
    leaves behind when it is killed was its own predecessor's, not that of a user at work.
    """

    def __init__(self, file: TextIO) -> None:
        self.file = file

    @classmethod
    @contextmanager
    def hold(cls, path: Path) -> Iterator[Lock]:
        """Hold the lock. Raises `Busy` where another process does."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy("Another retraining is at work here; nothing was done.") from None
            yield cls(file)

    def is_marked(self) -> bool:
        """Whether a workflow was killed."""
        self.file.seek(0)
        return bool(self.file.read())

    def mark(self) -> None:
        """Remember that a workflow runs."""
        self.file.write(".")
        self.file.flush()

    def clear(self) -> None:
        """Remember that none does."""
        self.file.truncate(0)


class Workflow:
    """Snakemake with the user's config and options."""

    def __init__(self, lock: Lock, configs: Sequence[str], options: Sequence[str]) -> None:
        self._lock = lock
        self._configs = configs
        self._options = options

    def run(self, run_name: str, cutoff: str, targets: Sequence[str]) -> None:
        """Make `targets` with a run name and a cut-off of their own.

        Raises `Failed` where that did not succeed.
        """
        log = LOGS / f"{run_name}.log"
        settings = {"experiment": {"name": run_name}, "split": {"test_start": cutoff}}
        given = ["--configfile", *self._configs, "--config"]
        given += [f"{block}={json.dumps(values)}" for block, values in settings.items()]
        snakemake = [sys.executable, "-m", "snakemake"]
        if self._lock.is_marked():
            from snakemake.cli import parse_args  # takes a second, and is seldom needed

            check_nothing_runs(Path.cwd())
            # In a queue, jobs outlive the Snakemake that submitted them.
            executor = parse_args([*targets, *self._options])[1].executor
            recover = ["ops/recover"] if executor == "slurm" else [*snakemake, "--unlock"]
            if self._call([*recover, *given], log) != 0:
                raise Failed(f"What a killed workflow has left could not be ended; {log} says why.")
        self._lock.mark()
        code = self._call([*snakemake, *targets, *self._options, *given], log)
        if code >= 0:
            self._lock.clear()
        if code != 0:
            raise Failed(f"The workflow did not succeed; {log} says why.")

    def _call(self, command: list[str], log: Path) -> int:
        log.parent.mkdir(parents=True, exist_ok=True)
        # Snakemake is interrupted too, and is waited for while it ends its jobs.
        before = signal.signal(signal.SIGINT, lambda *_: None)
        try:
            with open(log, "a", encoding="utf-8") as stream:
                return subprocess.run(
                    command,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    # A workflow that outlives this process goes on holding the lock.
                    pass_fds=[self._lock.file.fileno()],
                    check=False,
                ).returncode
        finally:
            signal.signal(signal.SIGINT, before)


def check_nothing_runs(folder: Path) -> None:
    """Raise `Busy` where a workflow, or a job that has outlived one, may run in `folder`."""
    for process in psutil.process_iter(["cwd", "cmdline"]):
        # Where another account's process is at work is not to be seen.
        here = process.info["cwd"] in (str(folder), None) and process.pid != os.getpid()
        if here and any(
            Path(word).name == "snakemake" or ".snakemake/scripts/" in word
            for word in process.info["cmdline"] or ()
        ):
            raise Busy(
                f"A workflow, or a job that has outlived one, is at work here (process "
                f"{process.pid}); nothing was done."
            )


def main(arguments: Sequence[str]) -> int:
    """Run the command; gives its exit code."""
    given = parse_arguments(arguments)
    # Until the config has told the run's name.
    journal = Journal(None if given.dry_run else LOGS / "retrain.jsonl")
    try:
        config = read_config(given.configfile)
        if given.dry_run:
            return explain(config, journal, given.trial)
        journal = Journal(LOGS / f"{config['experiment']['name']}.jsonl")
        with Lock.hold(REGISTRY / "retrain.lock") as lock:
            if given.rollback:
                return roll_back(config, journal)
            workflow = Workflow(lock, given.configfile, given.option)
            try:
                return retrain(config, journal, workflow, given)
            except promotion.TooFew:
                if not given.trial:
                    record(config, journal)
                raise
    except promotion.TooFew as reason:
        journal.say("postponed", f"Postponed. {reason}")
        return POSTPONED
    except Busy as reason:
        journal.say("locked", str(reason))
        return LOCKED
    except (Failed, OSError, UserError) as error:
        journal.say("failed", f"Failed. {error}")
        return FAILED


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="ops/retrain",
        description="Train a challenger when new run files have arrived, and promote it if it is "
        "surely better than the champion.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--configfile", nargs="+", required=True, metavar="FILE")
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        "--trial", metavar="NAME", help="promote and record nothing; results go to results/NAME"
    )
    action.add_argument(
        "--rollback", action="store_true", help="make the champion before this one champion again"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only say what would happen, and why"
    )
    parser.add_argument(
        "option", nargs="*", help="for Snakemake, after --, such as -- --workflow-profile slurm"
    )
    given = parser.parse_args(arguments)
    if given.dry_run and given.rollback:
        parser.error("--dry-run goes with a retraining, not with --rollback")
    return given


def read_config(files: Sequence[str]) -> dict[str, Any]:
    """The config as the workflow reads it. Raises `UserError` where it does not suit."""
    config = load_config(read_config_files(["config/config.yaml", *files]))
    if config["data"]["source"] != "folder":
        raise UserError(
            "data.source must be folder for retraining, which waits for new run files (got "
            f"{config['data']['source']})."
        )
    model = config["retraining"]["model"]
    if model not in config["models"]:
        raise UserError(
            f"retraining.model must be a network in models: {', '.join(config['models'])} (got "
            f"{model})."
        )
    return config


def retrain(
    config: dict[str, Any], journal: Journal, workflow: Workflow, given: argparse.Namespace
) -> int:
    """Look for new run files and do what is to be done with them; gives the exit code."""
    data = config["data"]
    last = registry.read_entry(REGISTRY)
    if last and last.champion:
        registry.check_network(last.champion)
    registry.check_clock(last, now())
    found = list_past_runs(data)
    new = new_runs(found, data)
    name = given.trial or config["experiment"]["name"]
    if given.trial:
        check_trial(config, given.trial, found)
    elif not new:
        journal.say("nothing_new", "There is no new run file; nothing to do.")
        record(config, journal)
        return DONE
    journal.say(
        "found", f"{len(new)} of {len(found)} run files are new.", new=[run.file for run in new]
    )
    days = sorted({first_day(run.batch) for run in found})
    not_before = earliest_cutoff(last, bool(given.trial))
    if len(days) == 1:
        raise promotion.TooFew(f"All runs are of one {data['batch']}; there is none to train on.")
    # Whatever the cut-off will be, patches are the same.
    workflow.run(name, days[-1], [f"resources/{data['name']}/inventory.csv"])
    cutoff = promotion.choose_cutoff(read_events(config), data["batch"], not_before)
    run_name = given.trial or f"{name}-{cutoff}"
    results = Path("results", run_name)
    model, seed = config["retraining"]["model"], config["retraining"]["seed"]
    journal.say(
        "training",
        f"Training {model} with seed {seed} on the runs before {cutoff}; see results/{run_name}.",
        run=run_name,
        cutoff=cutoff,
        model=model,
        seed=seed,
    )
    targets = ["retraining/decision.json", "config.yaml"]
    targets += ["report.html"] if config["retraining"]["report"] else []
    workflow.run(run_name, cutoff, [str(results / target) for target in targets])
    decision = json.loads((results / "retraining/decision.json").read_text(encoding="utf-8"))
    if given.trial:
        journal.say("trial", f"{decision['why']} This was a trial: nothing is changed.")
        return DONE
    return conclude(config, journal, last, run_name, decision)


def conclude(
    config: dict[str, Any],
    journal: Journal,
    last: registry.Entry | None,
    run_name: str,
    decision: dict[str, Any],
) -> int:
    """Enter what was decided, and who is champion since; gives the exit code."""
    entry = registry.enter_decision(REGISTRY, last, run_name, decision, now())
    journal.say(entry.event, entry.why, run=run_name, decision=decision)
    try:
        known = runs_csv(config["data"]).read_text(encoding="utf-8")
        write_text(known, known_csv(config["data"]))
    except OSError as error:
        # It is decided all the same; the next call finds these runs new and already judged by.
        journal.say("not_listed", f"The list of known run files could not be written: {error}")
    record(config, journal)
    return PROMOTED if decision["promote"] else DONE


def explain(config: dict[str, Any], journal: Journal, trial: str | None) -> int:
    """Say what a retraining would do now, and why; write nothing."""
    data = config["data"]
    last = registry.read_entry(REGISTRY)
    registry.check_clock(last, now())
    found = list_past_runs(data)
    new = new_runs(found, data)
    champion = last.champion if last else None
    if champion:
        registry.check_network(champion)
        since = f"{champion.since:%Y-%m-%d}"
        journal.say("champion", f"Champion since {since}: {champion.run}. {champion.why}")
    else:
        journal.say("champion", "There is no champion yet.")
    if trial:
        check_trial(config, trial, found)
    elif not new:
        journal.say("nothing_new", "There is no new run file, so nothing would be done.")
        return DONE
    for run in new:
        journal.say("found", f"New: {run.file}")
    batches = sorted({run.batch for run in new})
    journal.say("prepare", f"Would prepare, where needed: {', '.join(batches) or 'nothing'}.")
    not_before = earliest_cutoff(last, bool(trial))
    try:
        cutoff = promotion.choose_cutoff(
            {run.run_date: promotion.LEAST_EVENTS for run in found}, data["batch"], not_before
        )
    except promotion.TooFew:
        journal.say(
            "postponed",
            f"Would postpone: there are fewer than {promotion.LEAST_RUNS} run dates to judge by "
            "that were neither trained on nor judged by before.",
        )
        return DONE
    model, seed = config["retraining"]["model"], config["retraining"]["seed"]
    rival = "the champion" if champion else "climatology, for want of a champion"
    journal.say(
        "train",
        f"Would train {model} with seed {seed} on the runs before {cutoff} and judge it by those "
        f"from then on against {rival}. Where these have fewer than {promotion.LEAST_EVENTS} "
        "events, which shows when they are prepared, the cut-off is earlier, or it postpones.",
    )
    return DONE


def roll_back(config: dict[str, Any], journal: Journal) -> int:
    """Make the champion before the present one champion again; gives the exit code."""
    registry.check_clock(registry.read_entry(REGISTRY), now())
    entry = registry.roll_back(REGISTRY, now())
    journal.say("rolled_back", entry.why, run=entry.run)
    record(config, journal)
    return DONE


def record(config: dict[str, Any], journal: Journal) -> None:
    """Enter into MLflow what is not there yet. What fails here is tried again by the next call."""
    address = os.environ.get("MLFLOW_TRACKING_URI") or config["registry"]["mlflow"]
    last = registry.read_entry(REGISTRY)
    if config["registry"]["mlflow"] is None or last is None:
        return
    state = f"entry {last.number} in {without_secrets(address)}\n"
    with suppress(OSError):
        if RECORDED.read_bytes() == state.encode():
            return
    if importlib.util.find_spec("mlflow") is None:
        journal.say(
            "not_recorded",
            "MLflow is not installed, so the registry is in files alone. Install the extra "
            "`registry`, or set registry.mlflow to null.",
        )
        return
    name = f"stormcnn-{config['experiment']['name']}"
    try:
        record_history(REGISTRY, address, name, Path("results"))
        write_text(state, RECORDED)
    except (NotRecorded, OSError) as error:
        journal.say("not_recorded", f"Not recorded in MLflow; the next call tries again. {error}")
        return
    journal.say("recorded", "Recorded in MLflow.", entry=last.number)


def list_past_runs(data: dict[str, Any]) -> list[Run]:
    """The run files of the config's folder. Raises `UserError` where one is of the future."""
    found = list_folder(data["folder"], data["batch"])
    if found[-1].run_date > now().strftime("%Y-%m-%dT%H:%M"):
        raise UserError(
            f"{found[-1].file}: its run date lies in the future, for it is now "
            f"{now():%Y-%m-%d %H:%M} UTC. Take the file away, or set the clock."
        )
    return found


def new_runs(found: Sequence[Run], data: dict[str, Any]) -> list[Run]:
    """Those that the last retraining did not know."""
    path = known_csv(data)
    known = {run.file for run in read_run_list(path)} if path.exists() else set()
    return [run for run in found if run.file not in known]


def runs_csv(data: dict[str, Any]) -> Path:
    """The run files, as the workflow lists them."""
    return Path("resources", data["name"], "runs.csv")


def known_csv(data: dict[str, Any]) -> Path:
    """The run files that the last retraining knew."""
    return Path("resources", data["name"], "retrained.csv")


def earliest_cutoff(last: registry.Entry | None, trial: bool) -> str:
    """First day that may be the cut-off: behind whatever has been trained on or judged by.

    A trial decides nothing, so it may judge by the same runs once more.
    """
    if last is None:
        return ""
    if not trial:
        return str(date.fromisoformat(last.scored_until[:10]) + timedelta(days=1))
    return last.champion.cutoff if last.champion else ""


def read_events(config: dict[str, Any]) -> dict[str, int]:
    """Number of events of each run that gave storms, from the prepared patches."""
    from stormcnn.storms.events import exceeds
    from stormcnn.storms.patches import open_patches

    folder = Path("resources", config["data"]["name"], "patches")
    batches = sorted({run.batch for run in read_run_list(runs_csv(config["data"]))})
    storms = open_patches([folder / f"{batch}.nc" for batch in batches]).storms
    happened = exceeds(storms["peak"].values, config["event"]["threshold"])
    return promotion.count_events(storms["run_date"].values, happened)


def check_trial(config: dict[str, Any], name: str, found: Sequence[Run]) -> None:
    """Raise `UserError` where a trial could overwrite something."""
    from stormcnn.storms.patches import is_prepared_with

    load_config(config | {"experiment": {"name": name}})
    if Path("results", name).exists():
        raise UserError(
            f"results/{name} is there already, and a trial overwrites nothing. Give another name."
        )
    prepared = Path("resources", config["data"]["name"])
    listed = runs_csv(config["data"])
    known = {run.file for run in read_run_list(listed)} if listed.exists() else set()
    patches = {prepared / f"patches/{run.batch}.nc" for run in found}
    if not known <= {run.file for run in found} or not all(
        is_prepared_with(path, config["data"]) for path in patches if path.exists()
    ):
        raise UserError(
            f"The patches in {prepared} are of other run files, predictors, target or region, or "
            "treat bad files in another way, and a trial overwrites nothing. Give a data.name of "
            "its own to its config."
        )


def now() -> datetime:
    """The time in UTC, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)
