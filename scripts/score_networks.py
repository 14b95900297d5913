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
    held_out: list[str],
    reference: str,
    matched: dict[str, str],
    verification: dict[str, Any],
    threads: int,
    recalibration: dict[str, Any],
    calibrated: list[str],
    output: dict[str, str],
) -> None:
    """Write the recalibrated predictions of each network, and each table of the verification.

    `held_out` are the held-out predictions of each model, or empty if nothing is recalibrated;
    `recalibration` has the settings `methods`, `block` and `confidence`. `calibrated` are paths in
    the order of `test`; `output` has the path of each table by its name.
    """
    training_predictions, test_predictions = read_by_network(training), read_by_network(test)
    climatology = float(next(iter(training_predictions.values()))["label"].mean())
    judged = {
        model: calibration.judge_held_out(predictions, **recalibration)
        for (model, _), predictions in read_by_network(held_out).items()
    }
    recalibrated: dict[NetworkId, xr.Dataset] = {}
    for (network, predictions), path in zip(test_predictions.items(), calibrated, strict=True):
        model, seed = network
        attributes = provenance({"model": model, **recalibration}, model=model, seed=seed)
        recalibrated[network] = calibration.recalibrate_predictions(
            predictions, judged.get(model, [])
        ).assign_attrs(attributes)
        write_netcdf(recalibrated[network], path)

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
        recalibrated=recalibrated,
        own_scaling=read_by_network(own_scaling),
        **settings,
    )._asdict()
    # The difference between the two periods shows how much a network has overfitted.
    fitted = verify(
        training_predictions | read_by_network(opponent_training),
        period="train",
        curves=False,
        stratify=False,
        **settings,
    )
    for name in ("scores", "differences"):
        tables[name] = pd.concat([tables[name], getattr(fitted, name)])
    tables["recalibration"] = calibration.recalibration_table(judged)
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
            held_out=snakemake.input.held_out,
            reference=snakemake.params.reference,
            matched=snakemake.params.matched,
            verification=snakemake.params.verification,
            threads=snakemake.threads,
            recalibration=snakemake.params.recalibration,
            calibrated=snakemake.output.calibrated,
            output={name: snakemake.output[name] for name in (*Tables._fields, "recalibration")},
        )
