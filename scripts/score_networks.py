"""Recalibrate and score all models on the storms of both periods."""

import logging
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from stormcnn.io import write_csv, write_netcdf
from stormcnn.logs import job_log
from stormcnn.provenance import provenance
from stormcnn.verification import calibration
from stormcnn.verification.reading import read_by_network
from stormcnn.verification.tables import Tables, verify
from stormcnn.vocabulary import NetworkId

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logger = logging.getLogger(__name__)


def score_networks(
    *,
    training: list[str],
    test: list[str],
    opponent_training: list[str],
    opponent_test: list[str],
    own_scaling: list[str],
    members: list[str],
    reference: str,
    matched: dict[str, str],
    verification: dict[str, Any],
    threads: int,
    training_calibrated: list[str],
    test_calibrated: list[str],
    output: dict[str, str],
) -> None:
    """Write the recalibrated predictions of each network, and each table of the verification.

    `training_calibrated` and `test_calibrated` are paths in the order of `training` and `test`;
    `output` has the path of each table by its name.
    """
    training_predictions, test_predictions = read_by_network(training), read_by_network(test)
    climatology = float(next(iter(training_predictions.values()))["label"].mean())
    corrected: dict[str, dict[NetworkId, xr.Dataset]] = {"training": {}, "test": {}}
    paths = zip(training_calibrated, test_calibrated, strict=True)
    for network, (training_path, test_path) in zip(training_predictions, paths, strict=True):
        model, seed = network
        logger.info("%s, seed %d", model, seed)
        attributes = provenance(
            {"model": model, "folds": calibration.FOLDS}, model=model, seed=seed
        )
        of_training, of_test = calibration.calibrate_predictions(
            training_predictions[network], test_predictions[network]
        )
        write_netcdf(of_training.assign_attrs(attributes), training_path)
        write_netcdf(of_test.assign_attrs(attributes), test_path)
        corrected["training"][network], corrected["test"][network] = of_training, of_test

    settings = {
        "reference": reference,
        "matched": matched,
        "training_climatology": climatology,
        **verification,
        "threads": threads,
    }
    tables = verify(
        test_predictions | read_by_network(opponent_test),
        monte_carlo=read_by_network(members),
        recalibrated=corrected["test"],
        own_scaling=read_by_network(own_scaling),
        **settings,
    )._asdict()
    # The difference between the two periods shows how much a network has overfitted.
    fitted = verify(
        training_predictions | read_by_network(opponent_training),
        recalibrated=corrected["training"],
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
            opponent_training=snakemake.input.opponent_training,
            opponent_test=snakemake.input.opponent_test,
            own_scaling=snakemake.input.own_scaling,
            members=snakemake.input.members,
            reference=snakemake.params.reference,
            matched=snakemake.params.matched,
            verification=snakemake.params.verification,
            threads=snakemake.threads,
            training_calibrated=snakemake.output.training_calibrated,
            test_calibrated=snakemake.output.test_calibrated,
            output={name: snakemake.output[name] for name in Tables._fields},
        )
