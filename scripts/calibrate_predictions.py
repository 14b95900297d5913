"""Recalibrate the probabilities of one network by what it said of the training period."""

from typing import TYPE_CHECKING

from stormcnn import calibration
from stormcnn.files import provenance, read_netcdf, write_netcdf
from stormcnn.logs import job_log

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def calibrate_predictions(
    *, predictions: dict[str, str], model: str, seed: int, output: dict[str, str]
) -> None:
    """Write the recalibrated probabilities of the training and of the test period."""
    given = [read_netcdf(predictions[period]) for period in ("training", "test")]
    about = provenance({"model": model, "folds": calibration.FOLDS}, model=model, seed=seed)
    calibrated = calibration.calibrate_predictions(*given)
    for period, data in zip(("training", "test"), calibrated, strict=True):
        write_netcdf(data.assign_attrs(about), output[period])


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        calibrate_predictions(
            predictions={name: snakemake.input[name] for name in ("training", "test")},
            model=snakemake.params.model,
            seed=int(snakemake.params.seed),
            output=dict(snakemake.output.items()),
        )
