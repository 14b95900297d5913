"""Issue the forecasts of run files that have none by this network yet."""

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stormcnn.errors import UserError
from stormcnn.forecast.forecaster import Forecaster
from stormcnn.forecast.issuing import issue_each
from stormcnn.forecast.new_runs import sort_runs, without_record
from stormcnn.forecast.records import FORECASTS, LOCK
from stormcnn.forecast.summary import summarize
from stormcnn.logs import job_log
from stormcnn.operations.lock import Lock

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logger = logging.getLogger("stormcnn.issue_forecasts")


def issue_forecasts(
    *,
    run_files: list[str],
    network: str,
    networks: list[str],
    event: dict[str, Any],
    reject: list[str],
    file_pattern: str,
    members: int,
    seed: int,
    explained: int,
    threads: int,
    memory_mb: float,
) -> None:
    """Issue the forecast of each run file in order of run date.

    A run file that one of `networks`, SHA-256, has forecast is left alone. `network` is the path of
    the network that forecasts. `event` has the settings `title`, `units` and `lead` for texts about
    the network's event. Raises `UserError` at the end if a run file cannot be used.
    """
    if not run_files:
        raise UserError("forecast.runs lists no run file. List those that are to be forecast.")
    with Lock.hold(Path(FORECASTS, LOCK), "another forecast"):
        listed = sort_runs(run_files, file_pattern)
        new = without_record(listed.runs, FORECASTS, networks)
        faults = listed.faults | new.faults
        logger.info("%d of %d run files have no forecast yet.", len(new.runs), len(run_files))
        if new.runs:
            issue_each(
                partial(
                    Forecaster,
                    network,
                    event=event,
                    members=members,
                    seed=seed,
                    explained=explained,
                    threads=threads,
                ),
                new.runs,
                reject=reject,
                file_pattern=file_pattern,
                memory_mb=memory_mb,
                then=lambda _, record, contents: logger.info("%s\n%s", record, summarize(contents)),
                otherwise=lambda run, error: faults.update({run.file: str(error)}),
            )
    if faults:
        raise UserError("\n".join(faults.values()))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        issue_forecasts(
            run_files=list(snakemake.input.run_files),
            network=snakemake.params.network,
            networks=snakemake.params.networks,
            event=snakemake.params.event,
            reject=snakemake.params.reject,
            file_pattern=snakemake.params.file_pattern,
            members=snakemake.params.members,
            seed=snakemake.params.seed,
            explained=snakemake.params.explained,
            threads=snakemake.params.threads,
            memory_mb=snakemake.resources.mem_mb,
        )
