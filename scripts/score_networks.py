"""Recalibrate and score all models on the storms of both periods."""

import logging
from typing import TYPE_CHECKING, Any

import pandas as pd

from stormcnn.io import extend_netcdf, write_csv
from stormcnn.logs import job_log
from stormcnn.provenance import provenance
from stormcnn.verification import calibration
from stormcnn.verification.reading import network_files, opened, read_storms
from stormcnn.verification.tables import Tables, verify

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
    training_files, test_files = network_files(training), network_files(test)
    with opened(training[0]) as variables:
        climatology = float(read_storms(variables, "label").mean())
    judged = {
        model: calibration.judge_held_out(path, **recalibration)
        for (model, _), path in network_files(held_out).items()
    }
    for ((model, seed), source), path in zip(test_files.items(), calibrated, strict=True):
        recalibrated = calibration.recalibrate_predictions(source, judged.get(model, []))
        about = provenance({"model": model, **recalibration}, model=model, seed=seed)
        extend_netcdf(source, path, recalibrated.assign_attrs(about))

    settings = {
        "reference": reference,
        "matched": matched,
        "training_climatology": climatology,
        **verification,
        "threads": threads,
    }
    tables = verify(
        test_files | network_files(opponent_test),
        monte_carlo=network_files(members),
        recalibrated=network_files(calibrated),
        own_scaling=network_files(own_scaling),
        **settings,
    )._asdict()
    # The difference between the two periods shows how much a network has overfitted.
    fitted = verify(
        training_files | network_files(opponent_training),
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
