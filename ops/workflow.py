"""Run the Snakemake workflow for `ops/retrain`, and recover after an earlier one was killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil

from stormcnn.errors import UserError
from stormcnn.operations.lock import Busy, Lock

CHECKOUT = Path(__file__).resolve().parents[1]
LOGS = Path("logs", "retrain")

# Only the logs of failed jobs have this addition.
_FAILED_LOG = re.compile(r"^ +log: (\S.*?) \(check log file", re.M)
_TIME = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ ")


class WorkflowFailed(UserError):
    """The workflow failed. `reasons` are the last lines of the logs of the jobs that failed."""

    def __init__(self, log: Path, reasons: Sequence[str]) -> None:
        self.reasons = list(reasons)
        super().__init__(" ".join([f"{log}: the workflow failed.", *(reasons or ["See the log."])]))


class Workflow:
    """The Snakemake workflow with the user's config files and Snakemake options.

    `settings` replace those of the config files, by block.
    """

    def __init__(
        self,
        lock: Lock,
        configs: Sequence[str],
        options: Sequence[str],
        settings: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    ) -> None:
        self._lock = lock
        self._settings = settings
        self._configs = configs
        self._options = options

    def run(
        self, experiment: str, cutoff: str, targets: Sequence[str], start: str | None = None
    ) -> None:
        """Make `targets` for an experiment, a cutoff, and a first day of the training period.

        These replace those of the config; without a `start`, all runs before the cutoff train.
        Raises `WorkflowFailed` if the workflow fails, and `Busy` if an earlier one is still
        running.
        """
        log = LOGS / f"{experiment}.log"
        split = {"test_start": cutoff, "training_start": start}
        settings = {**self._settings, "experiment": {"name": experiment}, "split": split}
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
        begin = log.stat().st_size if log.exists() else 0
        self._lock.mark_workflow_started()
        code = self._call([*snakemake, *targets, *self._options, *config], log)
        # A negative code means that a signal killed Snakemake; the mark must stay.
        if code >= 0:
            self._lock.mark_workflow_ended()
        if code != 0:
            raise WorkflowFailed(log, find_reasons(log.read_bytes()[begin:]))

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


def find_reasons(output: bytes) -> list[str]:
    """Return the last line of the log of each job that failed, from the output of Snakemake."""
    reasons = {}
    for log in _FAILED_LOG.findall(output.decode("utf-8", "replace")):
        with suppress(OSError):
            lines = Path(log).read_text(encoding="utf-8", errors="replace").splitlines()
            reasons[log] = _TIME.sub("", lines[-1]) if lines else "See the log."
    return list(dict.fromkeys(reasons.values()))


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
