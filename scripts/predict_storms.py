"""Apply one trained network to the storms of the test period."""

from typing import TYPE_CHECKING

from stormcnn.io import write_netcdf
from stormcnn.logs import job_log
from stormcnn.models.prediction_files import describe_predictions
from stormcnn.provenance import provenance
from stormcnn.storms.events import check_any_storm
from stormcnn.storms.patches import open_patches

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def predict_storms(
    *,
    network: str,
    patches: list[str],
    model: str,
    seed: int,
    threshold: float,
    threads: int,
    predictions: str,
) -> None:
    """Write the probability and the event of every storm."""
    storms, fields = open_patches(patches)
    check_any_storm(storms.sizes["storm"])

    # TensorFlow writes messages while it is imported. Import it here, where the log captures them.
    from stormcnn.models import backend
    from stormcnn.models.network_files import load_network
    from stormcnn.models.prediction import predict_probability

    backend.prepare(threads, seed)
    trained = load_network(network)
    probability = predict_probability(trained, fields)
    described = describe_predictions(probability, storms["peak"], threshold)
    about = provenance({"model": model, "threshold": threshold}, model=model, seed=seed)
    write_netcdf(described.assign_attrs(title=storms.attrs["title"], **about), predictions)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        predict_storms(
            network=snakemake.input.network,
            patches=snakemake.input.patches,
            model=snakemake.params.model,
            seed=int(snakemake.params.seed),
            threshold=snakemake.params.threshold,
            threads=snakemake.params.threads,
            predictions=snakemake.output.predictions,
        )
