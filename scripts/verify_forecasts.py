"""Score all verified forecasts of each network together."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from stormcnn.forecast.files import tabulate_forecast
from stormcnn.forecast.outcomes import join_by_network
from stormcnn.forecast.verification import read_verified
from stormcnn.io import write_csv
from stormcnn.logs import job_log
from stormcnn.verification.tables import verify

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def verify_forecasts(
    *,
    records: list[str],
    tables: list[str],
    verification: dict[str, Any],
    scores: str,
    storms: str,
) -> None:
    """Write the scores of each network's forecasts, and the outcome of each storm.

    `tables` are those of the verifications of `records`, in the same order.
    """
    verified = [read_verified(*paths) for paths in zip(records, tables, strict=True)]
    score_tables, storm_tables = [], []
    for joined in join_by_network(verified):
        model, seed = joined.attrs["model"], int(joined.attrs["seed"])
        found = verify(
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
        score_tables.append(found.scores.assign(**identity))
        network = pd.DataFrame(
            {"model": model, "seed": seed} | identity, range(joined.sizes["storm"])
        )
        storm_tables.append(network.join(tabulate_forecast(joined)))
    write_csv(pd.concat(score_tables), scores)
    write_csv(pd.concat(storm_tables), storms)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        verify_forecasts(
            records=list(snakemake.input.records),
            tables=list(snakemake.input.tables),
            verification=snakemake.params.verification,
            scores=snakemake.output.scores,
            storms=snakemake.output.storms,
        )
