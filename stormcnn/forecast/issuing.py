"""Issue forecasts: write all files of each as a record."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
    from multiprocessing.connection import Connection

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


class _Issuer:
    """Issue forecasts in another process, each while the caller computes the next one.

    A `with` statement waits for the last record, also after an error.

    A thread sends the forecasts to the process, so that a signal cannot interrupt it halfway. This
    is not a `ProcessPoolExecutor`, because before Python 3.11.5 that hangs if its process is killed
    while it is sent a forecast (https://github.com/python/cpython/issues/94777).
    """

    def __init__(self) -> None:
        # Start a new process, because it is not safe to fork one whose libraries use threads.
        context = multiprocessing.get_context("spawn")
        self._connection, others_end = context.Pipe()
        self._process = context.Process(target=_issue_received, args=(others_end,))
        self._process.start()
        # With a single copy of that end, this process notices when the other one is gone.
        others_end.close()
        self._thread = ThreadPoolExecutor(1)
        self._writing: tuple[Future[None], Callable[[], None]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._thread.shutdown()
        finally:
            try:
                # A signal may have interrupted this or another line, and what is complete is
                # reported.
                self.wait()
            finally:
                self._connection.close()
                self._process.join()

    def start(self, contents: ForecastContents, record: Path, then: Callable[[], None]) -> None:
        """Start to `issue` a forecast when the one before it is complete; then call `then`.

        Raises what `wait` raises.
        """
        self.wait()
        self._writing = self._thread.submit(self._issue, contents, record), then

    def wait(self) -> None:
        """Wait until the record that was started, if any, is complete.

        Raises what `issue` raises, and `UserError` if its process was killed.
        """
        if self._writing is None:
            return
        future, then = self._writing
        future.result()
        self._writing = None
        then()

    def _issue(self, contents: ForecastContents, record: Path) -> None:
        try:
            self._connection.send((contents, record))
            error = self._connection.recv()
        except (EOFError, OSError):
            raise UserError(
                f"{FORECASTS}: the process that writes the files was killed, perhaps because "
                "memory ran out. Provide more memory."
            ) from None
        if error is not None:
            raise error


def _issue_received(connection: Connection) -> None:
    """Issue each forecast that is received, and send back the error, or None."""
    _obey_parent_only()
    while True:
        try:
            contents, record = connection.recv()
        except EOFError:
            return
        try:
            issue(contents, record)
        except Exception as error:  # noqa: BLE001 - raised by the other process
            error.add_note(traceback.format_exc())
            connection.send(error)
        else:
            connection.send(None)


def _obey_parent_only() -> None:
    """Let this process end when its parent has ended, and not at signals for both."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
