"""Implement `ops/prune`: remove files of past retrainings that nothing needs any more."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ops.command import ExitCode, run
from ops.inputs import read_config
from ops.recording import RECORDED, REGISTRY
from ops.workflow import LOGS
from stormcnn.errors import UserError
from stormcnn.operations import registry
from stormcnn.operations.journal import Journal
from stormcnn.operations.lock import Lock
from stormcnn.operations.mlflow_registry import forget_networks, is_recorded
from stormcnn.operations.retention import (
    logs_of,
    orphaned_batches,
    past_decisions,
    size_of,
    unread_in_cache,
    written_before,
)
from stormcnn.texts import counted

CACHE = "SNAKEMAKE_OUTPUT_CACHE"


def main(arguments: Sequence[str]) -> ExitCode:
    """Run the command and return its exit code."""
    options = parse_arguments(arguments)
    journal = Journal(None if options.dry_run else LOGS / "prune.jsonl")
    return run(partial(prune, options, journal), journal)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="ops/prune",
        description="Remove results, logs and MLflow networks of all retrainings but the last "
        "ones, and prepared batches without run files. The registry, the champion's results and "
        "those of other experiments stay.",
    )
    parser.add_argument("--configfile", nargs="+", required=True, metavar="FILE")
    parser.add_argument(
        "--keep",
        type=_count,
        required=True,
        metavar="N",
        help="keep the results of the last N retrainings (at least 1)",
    )
    parser.add_argument(
        "--cache-days",
        type=_count,
        metavar="DAYS",
        help=f"also remove files of the cache ({CACHE}) that nobody has read for DAYS days",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="list what would be removed, and remove nothing"
    )
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def prune(options: argparse.Namespace, journal: Journal) -> ExitCode:
    """Remove, or only list, what the command line asks for."""
    config = read_config(options.configfile)
    with Lock.hold(REGISTRY / "retrain.lock") as lock:
        if lock.was_workflow_killed():
            raise UserError(
                "A workflow was killed. Call ops/retrain, which continues it, before ops/prune."
            )
        history = registry.read_history(REGISTRY)
        past = past_decisions(history, options.keep)
        address = mlflow_address(config)
        if past and address and not is_recorded(RECORDED, history[-1], address):
            raise UserError(
                f"{RECORDED}: MLflow lacks entries that are recorded from the results. Call "
                "ops/retrain, or set registry.mlflow to null."
            )
        paths = list_removable(config, options.cache_days, past, history)
        if address:
            name = f"stormcnn-{config['experiment']['name']}"
            networks = forget_networks(address, name, past, history[-1:], options.dry_run)
            paths += networks
        sizes = sum(map(size_of, paths))
        for path in paths:
            if options.dry_run:
                journal.write("pruned", f"Would remove {path}")
            elif path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    verb = "Would remove" if options.dry_run else "Removed"
    journal.write(
        "pruned",
        f"{verb} {counted(len(paths), 'path')} with {sizes / 1e6:,.1f} MB.",
        paths=list(map(str, paths)),
        bytes=sizes,
    )
    return ExitCode.DONE


def mlflow_address(config: dict[str, Any]) -> str | None:
    """Return where retrainings are recorded, or None if that is nowhere."""
    if config["registry"]["mlflow"] is None or find_spec("mlflow") is None:
        return None
    return str(os.environ.get("MLFLOW_TRACKING_URI") or config["registry"]["mlflow"])


def list_removable(
    config: dict[str, Any],
    cache_days: int | None,
    past: Sequence[registry.Entry],
    history: Sequence[registry.Entry],
) -> list[Path]:
    """Return the files and folders in the working directory and in the cache."""
    here = Path()
    experiments = {entry.experiment for entry in past}
    paths = [path for path in sorted(here.glob("results/*")) if path.name in experiments]
    others = {path.name for path in here.glob("results/*")} - experiments
    logs = [*here.glob("logs/*/*"), *here.glob("benchmarks/*/*")]
    paths += logs_of(experiments, others, logs)
    paths += orphaned_batches(here / "resources" / config["data"]["name"])
    kept = [entry.time for entry in history if entry.decision and entry not in past]
    if past and kept:
        paths += written_before(here.glob(".snakemake/log/*.log"), min(kept).timestamp())
    if cache_days:
        cache = os.environ.get(CACHE, "")
        if not os.path.isdir(cache):
            raise UserError(f"{CACHE} must be an existing folder for --cache-days (got {cache!r}).")
        links = (path for top in ("results", "resources") for path in (here / top).rglob("*"))
        paths += unread_in_cache(cache, cache_days, links)
    return paths
