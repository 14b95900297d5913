"""Score the networks of several dropout rates and choose a rate."""

from typing import TYPE_CHECKING, Any

from stormcnn.io import read_netcdf, write_csv
from stormcnn.logs import job_log
from stormcnn.verification.tuning import TunedNetwork, score_rates

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def write_choice(
    *,
    training: str,
    storms: dict[TunedNetwork, str],
    counts: dict[TunedNetwork, str],
    tuned: dict[str, Any],
    verification: dict[str, Any],
    scores: str,
    choice: str,
) -> None:
    """Write the scores of all rates on the validation storms, and the choice of a rate.

    `tuned` has the `model` and its present `rate`.
    """
    tables = score_rates(
        {network: read_netcdf(path) for network, path in storms.items()},
        {network: read_netcdf(path) for network, path in counts.items()},
        model=tuned["model"],
        own_rate=tuned["rate"],
        training_climatology=float(read_netcdf(training)["label"].mean()),
        resamples=verification["resamples"],
        confidence=verification["confidence"],
        block=verification["block"],
    )
    write_csv(tables.scores, scores)
    write_csv(tables.choice, choice)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        networks = [(rate, seed) for rate, seed in snakemake.params.networks]
        write_choice(
            training=snakemake.input.training,
            storms=dict(zip(networks, snakemake.input.storms, strict=True)),
            counts=dict(zip(networks, snakemake.input.counts, strict=True)),
            tuned=snakemake.params.tuned,
            verification=snakemake.params.verification,
            scores=snakemake.output.scores,
            choice=snakemake.output.choice,
        )
