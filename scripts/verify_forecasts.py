"""Verify earlier forecasts against run files that hold the outcome of their storms."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stormcnn.forecast.files import tabulate_forecast
from stormcnn.forecast.outcomes import check_unseen, join_by_network, match_outcome
from stormcnn.forecast.run_inputs import read_for_network
from stormcnn.io import read_netcdf, write_csv
from stormcnn.logs import job_log
from stormcnn.storms.events import exceeds
from stormcnn.verification.tables import verify

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def verify_forecasts(
    *,
    forecasts: list[str],
    run_files: list[str],
    reject: list[str],
    file_pattern: str,
    verification: dict[str, Any],
    memory_mb: float,
    scores: str,
    storms: str,
) -> None:
    """Write the scores of each network's forecasts, and the outcome of each storm."""
    verifiable = []
    for path, run_file in zip(forecasts, run_files, strict=True):
        forecast = read_netcdf(path)
        check_unseen(forecast)
        target = forecast.attrs["event_target"]
        outcome = read_for_network(
            run_file,
            predictors=forecast.attrs["predictors"].split(","),
            target=target,
            region=forecast.attrs["event_region"],
            units=json.loads(forecast.attrs["predictor_units"])
            | {target: forecast.attrs["event_threshold_units"]},
            reject=reject,
            file_pattern=file_pattern,
            memory_mb=memory_mb,
        )
        peak = match_outcome(forecast, outcome)
        verifiable.append(forecast.assign(peak=("storm", peak)).isel(storm=np.isfinite(peak)))
    score_tables, storm_tables = [], []
    for joined in join_by_network(verifiable):
        event = exceeds(joined["peak"].values, joined.attrs["event_threshold"])
        joined["label"] = ("storm", event.astype("int8"))
        model, seed = joined.attrs["model"], int(joined.attrs["seed"])
        tables = verify(
            {(model, seed): joined},
            monte_carlo={(model, seed): joined} if "mc_mean" in joined else {},
            reference=model,
            training_climatology=joined.attrs["training_event_frequency"],
            resamples=verification["resamples"],
            curves=False,
            confidence=verification["confidence"],
            block=verification["block"],
        )
        identity = {key: joined.attrs[key] for key in ("trained_until", "network_sha256")}
        score_tables.append(tables.scores.assign(**identity))
        network = pd.DataFrame(
            {"model": model, "seed": seed} | identity, range(joined.sizes["storm"])
        )
        storm_tables.append(network.join(tabulate_forecast(joined)))
    write_csv(pd.concat(score_tables), scores)
    write_csv(pd.concat(storm_tables), storms)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        verify_forecasts(
            forecasts=list(snakemake.params.forecasts),
            run_files=snakemake.input.run_files,
            reject=snakemake.params.reject,
            file_pattern=snakemake.params.file_pattern,
            verification=snakemake.params.verification,
            memory_mb=snakemake.resources.mem_mb,
            scores=snakemake.output.scores,
            storms=snakemake.output.storms,
        )
