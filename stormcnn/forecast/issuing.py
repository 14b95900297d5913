"""Issue forecasts: write all files of each as a record."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from stormcnn.errors import UserError
from stormcnn.forecast.contents import ForecastContents
from stormcnn.forecast.files import tabulate_forecast
from stormcnn.forecast.geojson import as_geojson
from stormcnn.forecast.page import write_page
from stormcnn.forecast.records import DIGITS, FORECASTS, NEIGHBOURHOOD, issuing, record_path
from stormcnn.forecast.static_map import draw_forecast_map
from stormcnn.forecast.summary import summarize
from stormcnn.forecast.verification import read_track_record
from stormcnn.io import write_csv, write_netcdf, write_text
from stormcnn.report.figure_style import save_figure

if TYPE_CHECKING:
    from stormcnn.forecast.forecaster import Forecaster
    from stormcnn.forecast.new_runs import NewRun


def issue(contents: ForecastContents, record: Path) -> None:
    """Write the files of a forecast; `record` is the path of its NetCDF file, see `records`.

    Raises `UserError` if the record exists.
    """
    with issuing(record) as folder:
        stem = folder / record.stem
        write_csv(tabulate_forecast(contents.forecast), f"{stem}.csv")
        write_text(summarize(contents), f"{stem}.txt")
        write_text(as_geojson(contents), f"{stem}.geojson")
        write_page(contents, f"{stem}.html")
        save_figure(draw_forecast_map(contents), stem)
        if contents.neighbourhood is not None:
            write_netcdf(contents.neighbourhood, f"{stem}{NEIGHBOURHOOD}.nc")
        write_netcdf(contents.forecast, folder / record.name)


def issue_each(
    load: Callable[[], Forecaster],
    runs: Sequence[NewRun],
    *,
    reject: Sequence[str],
    file_pattern: str,
    memory_mb: float,
    then: Callable[[NewRun, Path, ForecastContents], None],
    otherwise: Callable[[NewRun, UserError], None],
) -> None:
    """Issue the forecast of each run, in the order of the runs.

    `load` returns what forecasts; `reject`, `file_pattern` and `memory_mb` are those of
    `storms.reading.read_run`. When a record is complete, `then` is called; for a run file that
    cannot be used, `otherwise`. A record is written while the next forecast is computed. Raises
    `UserError` if the process that writes is killed.
    """
    try:
        with _Issuer() as issuer:
            forecaster = load()
            track_record = read_track_record(forecaster.sha256[:DIGITS])
            for run in runs:
                try:
                    contents = forecaster.forecast(
                        run.file,
                        reject=reject,
                        file_pattern=file_pattern,
                        memory_mb=memory_mb,
                        issued=datetime.now(UTC),
                        track_record=track_record,
                    )
                except UserError as error:
                    issuer.wait()
                    otherwise(run, error)
                    continue
                record = record_path(FORECASTS, run.folder, forecaster.sha256)
                issuer.start(contents, record, partial(then, run, record, contents))
    except BrokenProcessPool:
        raise UserError(
            f"{FORECASTS}: the process that writes the files was killed, perhaps because memory "
            "ran out. Provide more memory."
        ) from None


class _Issuer:
    """Issue forecasts in another process, each while the caller computes the next one.

    A `with` statement waits for the last record, also after an error.
    """

    def __init__(self) -> None:
        # Start a new process, because it is not safe to fork one whose libraries use threads.
        self._processes = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), _obey_parent_only
        )
        # It starts with its first task, and then imports what it needs.
        self._processes.submit(os.getpid)
        self._writing: tuple[Future[None], Callable[[], None]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._processes.shutdown()
        finally:
            # A signal may have interrupted this or another line, and what is complete is reported.
            self.wait()

    def start(self, contents: ForecastContents, record: Path, then: Callable[[], None]) -> None:
        """Start to `issue` a forecast when the one before it is complete; then call `then`.

        Raises what `wait` raises.
        """
        self.wait()
        self._writing = self._processes.submit(issue, contents, record), then

    def wait(self) -> None:
        """Wait until the record that was started, if any, is complete.

        Raises what `issue` raises, and `BrokenProcessPool` if its process was killed.
        """
        if self._writing is None:
            return
        future, then = self._writing
        future.result()
        self._writing = None
        then()


def _obey_parent_only() -> None:
    """Let this process end when its parent has ended, and not at signals for both."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
