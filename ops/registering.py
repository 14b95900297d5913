"""Implement `ops/registry`: look at the registry, and change the champion by hand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ops.command import ExitCode, run
from ops.inputs import read_config
from ops.recording import REGISTRY, keep_call, record
from ops.workflow import LOGS
from stormcnn.io import forbid_world_writable_files
from stormcnn.operations import registry
from stormcnn.operations.comparing import compare
from stormcnn.operations.journal import Event, Journal, utc_now
from stormcnn.operations.lock import Lock
from stormcnn.operations.status import Status, describe, describe_history, read_status
from stormcnn.operations.succession import appoint, hold, release, roll_back
from stormcnn.texts import printable

READING = {"status", "history", "compare"}


def main(arguments: Sequence[str]) -> ExitCode:
    """Run the command and return its exit code."""
    options = parse_arguments(arguments)
    forbid_world_writable_files()
    if options.action in READING:
        return run(partial(show, options), Journal(None))
    journal = Journal(LOGS / "registry.jsonl")
    code = run(partial(change, options, journal), journal)
    if code != ExitCode.LOCKED:
        keep_call(journal)
    return code


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="ops/registry", description="Look at the registry, and change the champion by hand."
    )
    actions = parser.add_subparsers(dest="action", required=True)

    def add(name: str, what: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")

    def add_change(name: str, what: str, reason_required: bool) -> argparse.ArgumentParser:
        action = add(name, what)
        action.add_argument("--reason", required=reason_required, default="No reason was given.")
        action.add_argument(
            "--configfile",
            nargs="+",
            metavar="FILE",
            help="record the change in MLflow now; otherwise the next ops/retrain does",
        )
        return action

    add("status", "say who is champion and why, the alarms, the last call, and what comes next")
    add("history", "list all entries")
    comparing = add("compare", "say what is known about the difference of two networks")
    comparing.add_argument("entries", nargs=2, type=int, metavar="ENTRY")
    promoting = add_change("promote", "make the network of an entry champion", False)
    promoting.add_argument("entry", type=int, metavar="ENTRY")
    rolling = add_change("rollback", "make an earlier champion champion again", True)
    rolling.add_argument("--to", type=int, metavar="ENTRY", help="by default the previous champion")
    add_change("hold", "keep the champion: ops/retrain trains nothing until release", False)
    add_change("release", "let ops/retrain replace the champion again", False)
    return parser.parse_args(arguments)


def show(options: argparse.Namespace) -> ExitCode:
    """Print what the command line asks for."""
    status = read_status(REGISTRY)
    if options.action == "status":
        lines = describe(status)
    elif options.action == "history":
        lines = describe_history(status.history) or ["The registry is empty."]
    else:
        first, second = (registry.read_entry(REGISTRY, number) for number in options.entries)
        lines = compare(status.history, status.monitored, first, second, **_settings(status))
    sys.stdout.write(printable("\n".join(lines), keep="\n") + "\n")
    return ExitCode.DONE


def _settings(status: Status) -> dict[str, Any]:
    """Return the block and the confidence of the latest decision whose config was kept."""
    for entry in reversed(status.history):
        path = registry.config_of(REGISTRY, entry.number)
        if path.exists():
            verification = read_config([str(path)])["verification"]
            return {key: verification[key] for key in ("block", "confidence")}
    return {}


def change(options: argparse.Namespace, journal: Journal) -> ExitCode:
    """Change the champion as the command line asks."""
    config = read_config(options.configfile) if options.configfile else None
    now = utc_now()
    changes: dict[str, tuple[Event, Callable[[], registry.Entry]]] = {
        "promote": (
            "appointed",
            lambda: appoint(REGISTRY, options.entry, options.reason, now),
        ),
        "rollback": (
            "rolled_back",
            lambda: roll_back(REGISTRY, options.reason, now, options.to),
        ),
        "hold": ("held", lambda: hold(REGISTRY, options.reason, now)),
        "release": ("released", lambda: release(REGISTRY, options.reason, now)),
    }
    event, apply = changes[options.action]
    with Lock.hold(REGISTRY / "retrain.lock"):
        before = registry.read_last_entry(REGISTRY)
        registry.check_clock(before, now)
        entry = apply()
        champion = entry.champion.experiment if entry.champion else "none"
        old = before.champion.experiment if before and before.champion else "none"
        moved = f"from {old} to {champion}" if champion != old else champion
        journal.write(
            event,
            f"Champion {moved} ({options.action}): {entry.why}",
            experiment=entry.experiment,
            entry=entry.number,
        )
        if config:
            record(config, journal)
    return ExitCode.DONE
