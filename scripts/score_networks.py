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
    members: list[str],
    reference: str,
    verification: dict[str, Any],
    output: dict[str, str],
) -> None:
    """Write the tables of the verification, each to its path in `output`."""
    learned = read_by_network(training)
    climatology = float(next(iter(learned.values()))["label"].mean())
    settings = {
        "reference": reference,
        "training_climatology": climatology,
        "resamples": verification["bootstrap"],
        "confidence": verification["confidence"],
    }
    tables = verify(
        read_by_network(test), monte_carlo=read_by_network(members), **settings
    )._asdict()
    # How well a network does on the storms it was trained on shows how much it has overfitted.
    fitted = verify(learned, period="train", **settings)
    for name in ("scores", "differences"):
        tables[name] = pd.concat([tables[name], getattr(fitted, name)])
    for name, path in output.items():
        write_csv(tables[name], path)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        score_networks(
            training=snakemake.input.training,
            test=snakemake.input.test,
            members=snakemake.input.members,
            reference=snakemake.params.reference,
            verification=snakemake.params.verification,
            output=dict(snakemake.output.items()),
        )
