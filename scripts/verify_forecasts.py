"""Score earlier forecasts now that the future of their storms is known."""

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from stormcnn.events import exceeds
from stormcnn.files import read_netcdf, write_csv
from stormcnn.forecast import check_unseen, match_outcome, tabulate_forecast
from stormcnn.logs import job_log
from stormcnn.storms import read_run
from stormcnn.verification import verify

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
    """Write the scores of all forecasts together, and what each storm did."""
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
    known = xr.concat(parts, "storm")
    threshold = known.attrs["event_threshold"]
    known["label"] = ("storm", exceeds(known["peak"].values, threshold).astype("int8"))
    network = (known.attrs["model"], int(known.attrs["seed"]))
    tables = verify(
        {network: known},
        monte_carlo={network: known} if "mc_mean" in known else {},
        reference=network[0],
        training_climatology=known.attrs["training_event_frequency"],
        resamples=verification["bootstrap"],
        confidence=verification["confidence"],
    )
    write_csv(tables.scores, scores)
    write_csv(tabulate_forecast(known), storms)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        verify_forecasts(
            forecasts=list(snakemake.params.forecasts),
            runs=snakemake.input.runs,
            verification=snakemake.params.verification,
            scores=snakemake.output.scores,
            storms=snakemake.output.storms,
        )
