"""Implement `ops/forecast`; docs/forecasts.md describes what it does and why.

What has been done is known from the issued forecasts themselves, so there is no other state that a
kill or a full disk could damage.
"""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ops.command import attempt, exit_code_help
from ops.workflow import CHECKOUT
from stormcnn.config.config_files import read_config_files
from stormcnn.config.loading import load_config
from stormcnn.errors import UserError
from stormcnn.forecast.new_runs import (
    Arrivals,
    NewRun,
    find_arrivals,
    has_variable,
    sort_runs,
    without_record,
)
from stormcnn.forecast.records import FORECASTS, LOCK, find_records, verification_path
from stormcnn.io import forbid_world_writable_files, read_netcdf
from stormcnn.operations.journal import Journal
from stormcnn.operations.lock import Lock
from stormcnn.operations.registry import CHAMPION
from stormcnn.planning.forecasts import counted_networks, forecast_network
from stormcnn.storms.run_files import size_and_time
from stormcnn.texts import counted

if TYPE_CHECKING:
    from stormcnn.forecast.contents import ForecastContents
    from stormcnn.forecast.forecaster import Forecaster

LOGS = Path("logs", "forecast")
TEMPLATE = CHECKOUT / "report" / "forecast_verification.html.jinja"
MEMORY_MB = 4000.0
"""Memory that a run file may take, as in the rule `forecast`."""


_State = tuple[int, int] | None


class ExitCode(IntEnum):
    """Exit codes; part of the interface with schedulers."""

    DONE = 0
    FAILED = 1
    WRONG_COMMAND_LINE = 2
    NO_STORMS = 3
    BAD_FILES = 4
    LOCKED = 75


EXIT_CODES = {
    ExitCode.DONE: "all new run files have their forecasts, or there are none",
    ExitCode.FAILED: "failed; the last line gives the reason",
    ExitCode.WRONG_COMMAND_LINE: "the command line is wrong",
    ExitCode.NO_STORMS: "as 0, but a new run file has no storms, or none that can be used",
    ExitCode.BAD_FILES: "run files could not be used and are named; all others were forecast",
    ExitCode.LOCKED: "another forecast is running",
}
"""Meaning of each exit code, for the command's help."""


def main(arguments: Sequence[str]) -> ExitCode:
    """Run the command and return its exit code."""
    options = parse_arguments(arguments)
    forbid_world_writable_files()
    # This log is used until the config has given the name of the experiment.
    journal = Journal(LOGS / "forecast.jsonl")
    return ExitCode(attempt(partial(call, options, journal), journal))


def call(options: argparse.Namespace, journal: Journal) -> ExitCode:
    """Read the config, and look at the folder once or repeatedly; return the exit code."""
    config = load_config(
        read_config_files([CHECKOUT / "config" / "config.yaml", *options.configfile])
    )
    journal.path = LOGS / f"{config['experiment']['name']}.jsonl"
    program = Program(config, options.folder, journal)
    if options.watch:
        # Service managers send SIGTERM, and shells let background processes ignore SIGINT.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
    try:
        code = program.run()
        while options.watch:
            time.sleep(options.watch)
            code = program.run()
    except KeyboardInterrupt:
        journal.write("stopped", "Stopped.")
        return ExitCode.DONE if options.watch else ExitCode.FAILED
    return code


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="ops/forecast",
        description="Forecast every new run file in a folder once, and verify the forecasts whose "
        "future has arrived.",
        epilog=exit_code_help(EXIT_CODES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--folder", required=True, metavar="DIR", help="the folder in which run files arrive"
    )
    parser.add_argument("--configfile", nargs="+", required=True, metavar="FILE")
    parser.add_argument(
        "--watch",
        type=_seconds,
        metavar="SECONDS",
        help="look again after so many seconds, until the process is ended",
    )
    return parser.parse_args(arguments)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds <= 86400:
        raise argparse.ArgumentTypeError(f"must be from 1 to 86400 (got {text})")
    return seconds


@dataclass
class Outcome:
    """What one pass over the folder has done."""

    forecast: int = 0
    verified: int = 0
    empty: list[str] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a pass that has not failed."""
        if self.faults:
            return ExitCode.BAD_FILES
        return ExitCode.NO_STORMS if self.empty else ExitCode.DONE

    def describe(self, waiting: int) -> str:
        """Return the last line of a pass; `waiting` run files may still be being written."""
        is_idle = not (self.forecast or self.verified or self.faults)
        parts = [f"{counted(self.forecast, 'forecast')} issued", f"{self.verified:,} verified"]
        if waiting:
            parts.append(f"{counted(waiting, 'run file')} left for the next call")
        if self.faults:
            names = ", ".join(Path(file).name for file in self.faults)
            parts.append(f"{counted(len(self.faults), 'unusable run file')}: {names}")
        start = "Nothing to do" if is_idle else "Done"
        return " ".join([f"{start}: {'; '.join(parts)}.", *self.empty])


class Program:
    """One pass over the folder, or several; the network is loaded once."""

    def __init__(self, config: dict[str, Any], folder: str, journal: Journal) -> None:
        self._config = config
        self._folder = folder
        self._journal = journal
        self._pattern = config["forecast"]["file_pattern"] or config["data"]["file_pattern"]
        # This program is made for the champion.
        network = config["forecast"]["network"] or CHAMPION
        self._forecast = config["forecast"] | {"network": network}
        self._networks: list[str] = []
        self._forecaster: Forecaster | None = None
        self._known_faults: dict[str, tuple[str, _State]] = {}
        self._without_outcome: dict[Path, list[_State]] = {}
        self._last_line = ""

    def run(self) -> ExitCode:
        """Look at the folder once; return the exit code."""
        return ExitCode(attempt(self._run, self._journal))

    def _run(self) -> ExitCode:
        with Lock.hold(Path(FORECASTS, LOCK), "another forecast"):
            return self._look()

    def _look(self) -> ExitCode:
        settle_seconds = self._config["data"]["settle_seconds"]
        arrivals = find_arrivals(self._folder, self._pattern, settle_seconds)
        network = forecast_network(self._forecast, "")
        networks = counted_networks(self._forecast, network)
        if networks != self._networks:
            # Another network may be able to use other files.
            self._known_faults.clear()
            self._networks = networks
        new = without_record(arrivals.runs, FORECASTS, networks)
        outcome = Outcome()
        self._report_faults(arrivals.faults | new.faults, outcome)
        self._issue(new.runs, network, outcome)
        self._verify(arrivals, outcome)
        last_line = outcome.describe(len(arrivals.young))
        # A pass of --watch that does the same as the one before it is not worth a line.
        if outcome.forecast or outcome.verified or last_line != self._last_line:
            self._journal.write(
                "finished",
                last_line,
                forecast=outcome.forecast,
                verified=outcome.verified,
                waiting=arrivals.young,
                bad=list(outcome.faults),
                exit_code=int(outcome.exit_code),
            )
        self._last_line = last_line
        return outcome.exit_code

    def _issue(self, runs: Sequence[NewRun], network: str, outcome: Outcome) -> None:
        """Issue the forecasts of runs, in order of run date."""
        waiting = [run for run in runs if not self._is_known_fault(run.file, outcome)]
        if not waiting:
            return
        self._journal.write(
            "found",
            f"{counted(len(waiting), 'run file')} without a forecast.",
            new=[run.file for run in waiting],
        )
        # This draws figures, and an idle call need not wait for the import.
        from stormcnn.forecast.issuing import issue_each

        issue_each(
            partial(self._load, network),
            waiting,
            reject=self._config["data"]["reject"],
            file_pattern=self._pattern,
            memory_mb=MEMORY_MB,
            then=partial(self._report_issued, outcome),
            otherwise=lambda run, error: self._report_faults({run.file: str(error)}, outcome),
        )

    def _report_issued(
        self, outcome: Outcome, run: NewRun, record: Path, contents: ForecastContents
    ) -> None:
        from stormcnn.forecast.headline import write_headline
        from stormcnn.forecast.summary import name_run, summarize

        forecast = contents.forecast
        storms = forecast.sizes["storm"]
        outcome.forecast += 1
        if not storms:
            outcome.empty.append(f"No storms in {name_run(forecast)}. {write_headline(contents)}")
        self._journal.write(
            "issued" if storms else "no_storms",
            f"{record}\n{summarize(contents)}".rstrip(),
            run_file=run.file,
            record=str(record),
            storms=storms,
            rejected=int(forecast.attrs["rejected_storms"]),
        )

    def _load(self, network: str) -> Forecaster:
        """Return the network, which is loaded again only if its file is another one."""
        from stormcnn.forecast.forecaster import Forecaster
        from stormcnn.provenance import sha256_of

        if self._forecaster is None or sha256_of(network) != self._forecaster.sha256:
            self._forecaster = Forecaster(
                network,
                event={key: self._config["event"][key] for key in ("title", "units", "lead")},
                members=self._forecast["members"],
                seed=self._forecast["seed"],
                explained=self._forecast["explained"],
                threads=self._config["training"]["threads"],
            )
        return self._forecaster

    def _verify(self, arrivals: Arrivals, outcome: Outcome) -> None:
        """Verify the issued forecasts of which a run file tells the outcome."""
        records = [path for path in find_records(FORECASTS) if not _is_verified(path)]
        if not records:
            return
        futures = self._list_futures(arrivals)
        for record in records:
            files = [runs[folder] for runs in futures if (folder := record.parent.name) in runs]
            states = [_state(file) for file in (str(record), *files)]
            if files and self._without_outcome.get(record) != states:
                self._verify_record(record, files, outcome)
                self._without_outcome[record] = states

    def _list_futures(self, arrivals: Arrivals) -> list[dict[str, str]]:
        """Return the run files that may tell an outcome, by folder of the forecasts."""
        data = self._config["data"]
        listed = [sort_runs(self._forecast["observed"], self._pattern).runs, arrivals.runs]
        if data["source"] == "folder" and Path(data["folder"]).is_dir():
            pattern = data["file_pattern"]
            listed.append(find_arrivals(data["folder"], pattern, data["settle_seconds"]).runs)
        return [{run.folder: run.file for run in runs} for runs in listed]

    def _verify_record(self, record: Path, files: Iterable[str], outcome: Outcome) -> None:
        from stormcnn.forecast.forecast_warnings import is_after_training
        from stormcnn.forecast.verification import observe, write_verification

        try:
            forecast = read_netcdf(record)
        except UserError:
            fault = f"{record} is damaged, so it cannot be verified. Restore it from a backup."
            self._report_faults({str(record): fault}, outcome)
            return
        # Otherwise a warning in the forecast says that it will not be verified.
        if not is_after_training(forecast):
            return
        target = forecast.attrs["event_target"]
        file = next((file for file in files if has_variable(file, target)), None)
        if file is None:
            return
        try:
            verified = observe(
                forecast,
                file,
                reject=self._config["data"]["reject"],
                file_pattern=self._pattern,
                memory_mb=MEMORY_MB,
            )
        except UserError as error:
            self._report_faults({file: f"{record} cannot be verified. {error}"}, outcome)
            return
        table, page = (verification_path(record, kind) for kind in ("csv", "html"))
        write_verification(verified, table, page, TEMPLATE)
        outcome.verified += 1
        events = int(verified["label"].sum())
        self._journal.write(
            "verified",
            f"{table}: {events:,} of {verified.sizes['storm']:,} storms had the event.",
            record=str(record),
            run_file=file,
            storms=verified.sizes["storm"],
            events=events,
        )

    def _report_faults(self, faults: dict[str, str], outcome: Outcome) -> None:
        """Name the run files that cannot be used, each of them once until it changes."""
        for file, message in faults.items():
            if self._known_faults.get(file) != (message, _state(file)):
                self._journal.write("bad_file", message, run_file=file)
            self._known_faults[file] = message, _state(file)
            outcome.faults[file] = message

    def _is_known_fault(self, file: str, outcome: Outcome) -> bool:
        """Return whether an earlier pass could not use a file that is still the same."""
        message, state = self._known_faults.get(file, ("", None))
        if not message or state != _state(file):
            return False
        outcome.faults[file] = message
        return True


def _is_verified(record: Path) -> bool:
    return verification_path(record).exists()


def _state(file: str) -> _State:
    """Return what changes when a file is written again; None if it cannot be examined."""
    try:
        return size_and_time(file)
    except OSError:
        return None
