"""Score all models by the event of the NWP model and by the observed event."""

from typing import TYPE_CHECKING, Any

from stormcnn.io import read_netcdf, write_csv
from stormcnn.logs import job_log
from stormcnn.verification.observed import compare_truths, verify_both
from stormcnn.verification.reading import read_by_network
from stormcnn.verification.tables import Tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def score_observed(
    *,
    observations: str,
    training: str,
    test: list[str],
    calibrated: list[str],
    members: list[str],
    reference: str,
    matched: dict[str, str],
    verification: dict[str, Any],
    threads: int,
    output: dict[str, str],
) -> None:
    """Write each table of the verification for both truths, and how the truths agree.

    `training` are the predictions of any model for the training period; `output` has the path of
    each table by its name.
    """
    observed = read_netcdf(observations)
    predictions = read_by_network(test)
    tables = verify_both(
        predictions,
        observed,
        monte_carlo=read_by_network(members),
        recalibrated=read_by_network(calibrated),
        training_climatology=float(read_netcdf(training)["label"].mean()),
        reference=reference,
        matched=matched,
        threads=threads,
        **verification,
    )
    tables["events"] = compare_truths(predictions, observed)
    for name, path in output.items():
        write_csv(tables[name], path)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        score_observed(
            observations=snakemake.input.observations,
            training=snakemake.input.training,
            test=snakemake.input.test,
            calibrated=snakemake.input.calibrated,
            members=snakemake.input.members,
            reference=snakemake.params.reference,
            matched=snakemake.params.matched,
            verification=snakemake.params.verification,
            threads=snakemake.threads,
            output={name: snakemake.output[name] for name in (*Tables._fields, "events")},
        )
