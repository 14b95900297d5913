"""Run the Snakemake workflow for `ops/retrain`, and recover after an earlier one was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from stormcnn.errors import UserError
from stormcnn.operations.lock import Busy, Lock

CHECKOUT = Path(__file__).resolve().parents[1]
LOGS = Path("logs", "retrain")


class Workflow:
    """The Snakemake workflow with the user's config files and Snakemake options."""

    def __init__(self, lock: Lock, configs: Sequence[str], options: Sequence[str]) -> None:
        self._lock = lock
        self._configs = configs
        self._options = options

    def run(self, experiment: str, cutoff: str, targets: Sequence[str]) -> None:
        """Make `targets` for an experiment and a cutoff that replace those of the config.

        Raises `UserError` if the workflow fails, and `Busy` if an earlier one is still running.
        """
        log = LOGS / f"{experiment}.log"
        settings = {"experiment": {"name": experiment}, "split": {"test_start": cutoff}}
        config = ["--configfile", *self._configs, "--config"]
        config += [f"{block}={json.dumps(values)}" for block, values in settings.items()]
        snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(CHECKOUT / "Snakefile")]
        if self._lock.was_workflow_killed():
            from snakemake.cli import parse_args  # importing it takes a second

            check_nothing_runs(Path.cwd())
            # Jobs in a SLURM queue outlive the Snakemake process that submitted them.
            executor = parse_args([*targets, *self._options])[1].executor
            recover = (
                [str(CHECKOUT / "ops" / "recover")]
                if executor == "slurm"
                else [*snakemake, "--unlock"]
            )
            if self._call([*recover, *config], log) != 0:
                raise UserError(
                    f"{log}: the folder could not be unlocked after a workflow was killed. See "
                    "the log."
                )
        self._lock.mark_workflow_started()
        code = self._call([*snakemake, *targets, *self._options, *config], log)
        # A negative code means that a signal killed Snakemake; the mark must stay.
        if code >= 0:
            self._lock.mark_workflow_ended()
        if code != 0:
            raise UserError(f"{log}: the workflow failed. See the log.")

    def _call(self, command: list[str], log: Path) -> int:
        """Run a command with its output appended to `log`; return its exit code."""
        log.parent.mkdir(parents=True, exist_ok=True)
        # Ctrl-C reaches Snakemake too; wait until it has stopped its jobs.
        previous = signal.signal(signal.SIGINT, lambda *_: None)
        try:
            with open(log, "a", encoding="utf-8") as stream:
                return subprocess.run(
                    command,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    # A workflow that outlives this process keeps holding the lock.
                    pass_fds=[self._lock.fileno()],
                    check=False,
                ).returncode
        finally:
            signal.signal(signal.SIGINT, previous)


def check_nothing_runs(folder: Path) -> None:
    """Raise `Busy` if a workflow, or a job that has outlived one, may be running in `folder`."""
    for process in psutil.process_iter(["cwd", "cmdline"]):
        if process.pid != os.getpid() and may_belong_to_workflow(
            process.info["cwd"], process.info["cmdline"], folder
        ):
            raise Busy(
                f"Process {process.pid} is a workflow, or a job that has outlived one, and may be "
                f"running in {folder}. Nothing was done; try again when it has ended."
            )


def may_belong_to_workflow(cwd: str | None, command: Sequence[str] | None, folder: Path) -> bool:
    """Return whether a process may be a workflow or one of its jobs in `folder`.

    `cwd` is its working directory, or None if that cannot be read because the process belongs to
    another account; such a process may be running in any folder. `command` is its command line.
    """
    if cwd not in (str(folder), None):
        return False
    return any(
        Path(word).name == "snakemake" or ".snakemake/scripts/" in word for word in command or ()
    )
