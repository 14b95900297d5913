"""Keep what `ops/` has done: decisions in the registry and in MLflow, and the latest call."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from ops.inputs import known_csv, left_out_files, prepared_run_list
from ops.workflow import CHECKOUT, WorkflowFailed
from stormcnn.errors import UserError
from stormcnn.io import write_text
from stormcnn.operations import registry
from stormcnn.operations.journal import Journal, utc_now
from stormcnn.operations.mlflow_registry import (
    NotInstalled,
    NotRecorded,
    is_recorded,
    note_recorded,
    record_history,
)
from stormcnn.operations.succession import enter_decision
from stormcnn.texts import counted

REGISTRY = Path(registry.REGISTRY)
RECORDED = REGISTRY / "recorded.txt"
REPORTED = REGISTRY / "reported.txt"
LAST_CALL = REGISTRY / "last_call.json"
STATUS = REGISTRY / "status.html"


def apply_decision(
    config: dict[str, Any],
    journal: Journal,
    last: registry.Entry | None,
    experiment: str,
    decision: dict[str, Any],
) -> None:
    """Enter a decision in the registry, report it, and remember the run files known now.

    The registry keeps the run list and the config on which the decision was based.
    """
    run_list, settings, missing = "", "", ""
    try:
        run_list = prepared_run_list(config["data"])
        settings = Path("results", experiment, "config.yaml").read_text(encoding="utf-8")
    except OSError as error:
        missing = str(error)
    write_text(f"{last.number if last else 0}\n", REPORTED)
    entry = enter_decision(
        REGISTRY, last, experiment, decision, utc_now(), run_list=run_list, config=settings
    )
    _report(entry, config["data"], run_list, journal)
    if missing:
        # The decision is still valid. The next call treats these runs as new, but does not evaluate
        # on them again.
        journal.write("not_listed", f"The list of known run files cannot be written: {missing}")
    record(config, journal)


def report_interrupted(config: dict[str, Any], journal: Journal) -> None:
    """Report decisions that were entered by a call that was killed before it reported them.

    Raises `UserError` if the file with the last entry that was reported is damaged.
    """
    if not REPORTED.exists():
        return
    try:
        reported = int(REPORTED.read_text(encoding="utf-8"))
    except ValueError:
        raise UserError(f"{REPORTED} is damaged. Remove it.") from None
    for entry in registry.read_history(REGISTRY):
        if entry.number > reported and entry.decision:
            path = registry.run_list_of(REGISTRY, entry.number)
            run_list = path.read_text(encoding="utf-8") if path.exists() else ""
            _report(entry, config["data"], run_list, journal)


def _report(entry: registry.Entry, data: dict[str, Any], run_list: str, journal: Journal) -> None:
    """Write the event of a decision, and remember it and the run files that it was based on."""
    journal.write(
        "promoted" if entry.event == "promoted" else "kept",
        entry.why,
        experiment=entry.experiment,
        entry=entry.number,
        decision=entry.decision,
    )
    # Last, what tells the next call that nothing of this is left to do.
    for text, path in ((run_list, known_csv(data)), (f"{entry.number}\n", REPORTED)):
        try:
            if text:
                write_text(text, path)
        except OSError as error:
            journal.write("not_listed", f"{path} cannot be written: {error}")


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
    except NotInstalled as error:
        journal.write("not_installed", str(error))
    except (NotRecorded, OSError) as error:
        journal.write(
            "not_recorded", f"Not recorded in MLflow; the next call will try again. {error}"
        )
    else:
        journal.write("recorded", "Recorded in MLflow.", entry=last.number)


def tell_left_out(data: dict[str, Any], journal: Journal) -> None:
    """Write the run files that are left out, and an event for each one that was not before."""
    left_out = left_out_files(data) if data["skip_bad_files"] else {}
    if not left_out:
        return
    before = read_last_call().get("left_out", {})
    for file, reason in left_out.items():
        if file not in before:
            journal.write("bad_file", f"Left out: {reason}", file=file, reason=reason)
    journal.write(
        "left_out",
        f"{counted(len(left_out), 'run file')} left out: " + " ".join(left_out.values()),
        files=left_out,
    )


def tell_bad_files(failure: WorkflowFailed, files: set[str], journal: Journal) -> None:
    """Write an event for each of the run files that a workflow failed because of."""
    for reason in failure.reasons:
        file, _, _ = reason.partition(": ")
        if file in files:
            journal.write("bad_file", reason, file=file, reason=reason)


def read_last_call() -> dict[str, Any]:
    """Return what is kept of the latest call; nothing if there is none or it is damaged."""
    try:
        return dict(json.loads(LAST_CALL.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def keep_call(journal: Journal) -> None:
    """Keep the latest call for `ops/registry status`, and write the page that shows it.

    If that fails, the reason is printed, and the outcome of the call is the same.
    """
    from stormcnn.operations.status import read_status
    from stormcnn.operations.status_page import write_status_page

    if not REGISTRY.is_dir():
        return
    told = [line for line in journal.lines if line["event"] != "ended"]
    # A call that has failed does not know which files are left out.
    default = read_last_call().get("left_out", {}) if "failed" in journal.events else {}
    left_out = next((line["files"] for line in told if line["event"] == "left_out"), default)
    ended = journal.lines[-1]
    call = {name: ended[name] for name in ("time", "host", "exit_code", "seconds")}
    call |= {"left_out": left_out}
    call["events"] = [{name: line[name] for name in ("event", "message")} for line in told]
    try:
        write_text(json.dumps(call, indent=2) + "\n", LAST_CALL)
        status = read_status(REGISTRY)
        write_status_page(status, CHECKOUT / "report" / "status.html.jinja", STATUS)
    except (OSError, UserError) as error:
        # A call that has failed has told why, and its last line is the reason.
        if "failed" not in journal.events:
            sys.stderr.write(f"{STATUS}: not written ({error}).\n")
