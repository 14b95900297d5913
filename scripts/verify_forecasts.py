"""Score earlier forecasts now that the future of their storms is known."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stormcnn.forecast.files import (
    check_unseen,
    join_by_network,
    match_outcome,
    tabulate_forecast,
)
from stormcnn.io import read_netcdf, write_csv
from stormcnn.logs import job_log
from stormcnn.storms.events import exceeds
from stormcnn.storms.reading import read_run
from stormcnn.verification.tables import verify

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def verify_forecasts(
    *,
    forecasts: list[str],
    runs: list[str],
    verification: dict[str, Any],
    scores: str,
    storms: str,
) -> None:
    """Write the scores of all forecasts of each network, and what each storm did."""
    parts = []
    for path, run in zip(forecasts, runs, strict=True):
        forecast = read_netcdf(path)
        check_unseen(forecast)
        outcome = read_run(
            run,
            predictors=forecast.attrs["predictors"].split(","),
            target=forecast.attrs["event_target"],
            region=forecast.attrs["event_region"],
        )
        peak = match_outcome(forecast, outcome)
        parts.append(forecast.assign(peak=("storm", peak)).isel(storm=np.isfinite(peak)))
    scored, told = [], []
    for known in join_by_network(parts):
        happened = exceeds(known["peak"].values, known.attrs["event_threshold"])
        known["label"] = ("storm", happened.astype("int8"))
        network = (known.attrs["model"], int(known.attrs["seed"]))
        tables = verify(
            {network: known},
            monte_carlo={network: known} if "mc_mean" in known else {},
            reference=network[0],
            training_climatology=known.attrs["training_event_frequency"],
            resamples=verification["resamples"],
            curves=False,
            confidence=verification["confidence"],
        )
        which = {key: known.attrs[key] for key in ("trained_until", "network_sha256")}
        scored.append(tables.scores.assign(**which))
        which = {"model": network[0], "seed": network[1]} | which
        told.append(pd.DataFrame(which, range(known.sizes["storm"])).join(tabulate_forecast(known)))
    write_csv(pd.concat(scored), scores)
    write_csv(pd.concat(told), storms)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        verify_forecasts(
            forecasts=list(snakemake.params.forecasts),
            runs=snakemake.input.runs,
            verification=snakemake.params.verification,
            scores=snakemake.output.scores,
            storms=snakemake.output.storms,
        )
