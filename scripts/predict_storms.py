"""Apply the trained networks of one model to the storms of the test period."""

from typing import TYPE_CHECKING

from stormcnn.io import as_list
from stormcnn.logs import job_log
from stormcnn.models.prediction_files import write_predictions
from stormcnn.storms.events import check_any_storm
from stormcnn.storms.patches import open_patches

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def predict_storms(
    *,
    networks: list[str],
    patches: list[str],
    model: str,
    seeds: list[int],
    threshold: float,
    threads: int,
    predictions: list[str],
) -> None:
    """Write the probability and the event of every storm, for the network of each seed.

    `networks` and `predictions` are paths in the order of `seeds`.
    """
    storms, fields = open_patches(patches)
    check_any_storm(storms.sizes["storm"])

    # TensorFlow writes messages while it is imported. Import it here, where the log captures them.
    from stormcnn.models import backend
    from stormcnn.models.network_files import load_network
    from stormcnn.models.prediction import predict_probability

    backend.prepare(threads, seeds[0])
    for seed, network, path in zip(seeds, networks, predictions, strict=True):
        probability = predict_probability(load_network(network), fields)
        write_predictions(
            path, probability, storms, threshold, {"threshold": threshold}, model, seed
        )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        predict_storms(
            networks=as_list(snakemake.input.network),
            patches=snakemake.input.patches,
            model=snakemake.params.model,
            seeds=[int(seed) for seed in as_list(snakemake.params.seed)],
            threshold=snakemake.params.threshold,
            threads=snakemake.params.threads,
            predictions=as_list(snakemake.output.predictions),
        )
