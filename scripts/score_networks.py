"""Recalibrate and score every network on the storms of both periods; compare with the reference."""

import logging
from typing import TYPE_CHECKING, Any

import pandas as pd

from stormcnn import calibration
from stormcnn.files import provenance, write_csv, write_netcdf
from stormcnn.logs import job_log
from stormcnn.predictions import read_by_network
from stormcnn.verification import Tables, verify

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logger = logging.getLogger(__name__)


def score_networks(
    *,
    training: list[str],
    test: list[str],
    simple_training: list[str],
    simple_test: list[str],
    own_scaling: list[str],
    members: list[str],
    reference: str,
    matched: dict[str, str],
    verification: dict[str, Any],
    training_calibrated: list[str],
    test_calibrated: list[str],
    output: dict[str, str],
) -> None:
    """Write the recalibrated predictions, and the tables of the verification by their name."""
    learned, unseen = read_by_network(training), read_by_network(test)
    climatology = float(next(iter(learned.values()))["label"].mean())
    paths = zip(training_calibrated, test_calibrated, strict=True)
    corrected = {}
    for (network, fitted_to), files in zip(learned.items(), paths, strict=True):
        logger.info("%s, seed %d", *network)
        corrected[network] = calibration.calibrate_predictions(fitted_to, unseen[network])
        model, seed = network
        about = provenance({"model": model, "folds": calibration.FOLDS}, model=model, seed=seed)
        for data, path in zip(corrected[network], files, strict=True):
            write_netcdf(data.assign_attrs(about), path)

    settings = {
        "reference": reference,
        "matched": matched,
        "training_climatology": climatology,
        "resamples": verification["bootstrap"],
        "confidence": verification["confidence"],
    }
    tables = verify(
        unseen | read_by_network(simple_test),
        monte_carlo=read_by_network(members),
        recalibrated={network: periods[1] for network, periods in corrected.items()},
        own_scaling=read_by_network(own_scaling),
        **settings,
    )._asdict()
    # How well a network does on the storms it was trained on shows how much it has overfitted.
    fitted = verify(
        learned | read_by_network(simple_training),
        recalibrated={network: periods[0] for network, periods in corrected.items()},
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
            simple_training=snakemake.input.simple_training,
            simple_test=snakemake.input.simple_test,
            own_scaling=snakemake.input.own_scaling,
            members=snakemake.input.members,
            reference=snakemake.params.reference,
            matched=snakemake.params.matched,
            verification=snakemake.params.verification,
            training_calibrated=snakemake.output.training_calibrated,
            test_calibrated=snakemake.output.test_calibrated,
            output={name: snakemake.output[name] for name in Tables._fields},
        )
