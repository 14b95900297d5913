"""Score every network on the storms of both periods and compare each with the reference."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from stormcnn.files import write_csv
from stormcnn.logs import job_log
from stormcnn.predictions import read_by_network
from stormcnn.verification import verify

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def score_networks(
    *,
    training: list[str],
    test: list[str],
    training_calibrated: list[str],
    test_calibrated: list[str],
    own_scaling: list[str],
    members: list[str],
    reference: str,
    matched: dict[str, str],
    verification: dict[str, Any],
    output: dict[str, str],
) -> None:
    """Write the tables of the verification, each to its path in `output`."""
    learned = read_by_network(training)
    climatology = float(next(iter(learned.values()))["label"].mean())
    settings = {
        "reference": reference,
        "matched": matched,
        "training_climatology": climatology,
        "resamples": verification["bootstrap"],
        "confidence": verification["confidence"],
    }
    tables = verify(
        read_by_network(test),
        monte_carlo=read_by_network(members),
        recalibrated=read_by_network(test_calibrated),
        own_scaling=read_by_network(own_scaling),
        **settings,
    )._asdict()
    # How well a network does on the storms it was trained on shows how much it has overfitted.
    fitted = verify(
        learned,
        recalibrated=read_by_network(training_calibrated),
        period="train",
        curves=False,
        **settings,
    )
    for name in ("scores", "differences"):
        tables[name] = pd.concat([tables[name], getattr(fitted, name)])
    for name, path in output.items():
        write_csv(tables[name], path)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        score_networks(
            training=snakemake.input.training,
            test=snakemake.input.test,
            training_calibrated=snakemake.input.training_calibrated,
            test_calibrated=snakemake.input.test_calibrated,
            own_scaling=snakemake.input.own_scaling,
            members=snakemake.input.members,
            reference=snakemake.params.reference,
            matched=snakemake.params.matched,
            verification=snakemake.params.verification,
            output=dict(snakemake.output.items()),
        )
