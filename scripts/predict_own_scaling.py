"""Apply one network to test storms scaled by their own statistics, as in the AMS short course."""

from typing import TYPE_CHECKING

import pandas as pd

from stormcnn.io import read_rows
from stormcnn.logs import job_log
from stormcnn.models.own_scaling import exchange_scaling
from stormcnn.models.prediction_files import write_predictions
from stormcnn.storms.patches import open_patches
from stormcnn.storms.scaling import merge_statistics

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def predict_own_scaling(
    *,
    network: str,
    patches: list[str],
    statistics: list[str],
    scaling: str,
    model: str,
    seed: int,
    threshold: float,
    threads: int,
    output: str,
) -> None:
    """Write the probability and the event of every test storm."""
    own = pd.DataFrame(merge_statistics(read_rows(statistics)))
    storms, stored_fields = open_patches(patches)
    fields = exchange_scaling(stored_fields, own, pd.read_csv(scaling))

    # TensorFlow writes messages while it is imported. Import it here, where the log captures them.
    from stormcnn.models import backend
    from stormcnn.models.network_files import load_network
    from stormcnn.models.prediction import predict_probability

    backend.prepare(threads, seed)
    probability = predict_probability(load_network(network), fields)
    write_predictions(output, probability, storms, threshold, {"threshold": threshold}, model, seed)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        predict_own_scaling(
            network=snakemake.input.network,
            patches=snakemake.input.patches,
            statistics=snakemake.input.statistics,
            scaling=snakemake.input.scaling,
            model=snakemake.params.model,
            seed=int(snakemake.params.seed),
            threshold=snakemake.params.threshold,
            threads=snakemake.params.threads,
            output=snakemake.output.predictions,
        )
