"""Apply the champion to runs with a known outcome, and summarize each run."""

from typing import TYPE_CHECKING

import pandas as pd

from stormcnn.forecast.network_metadata import recalibration_of
from stormcnn.io import write_csv
from stormcnn.logs import job_log
from stormcnn.operations.run_summaries import summarize_runs
from stormcnn.storms.events import check_any_storm, exceeds
from stormcnn.storms.patches import open_patches

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def summarize_champion(
    *, network: str, patches: list[str], scaling: str, threshold: float, threads: int, output: str
) -> None:
    """Write one row per run date, about the recalibrated probabilities that forecasts have."""
    storms, fields = open_patches(patches)
    check_any_storm(storms.sizes["storm"])
    known = pd.read_csv(scaling).set_index("variable")
    ranges = {str(row.Index): (row.minimum, row.maximum) for row in known.itertuples()}

    # TensorFlow writes messages while it is imported. Import it here, where the log captures them.
    from stormcnn.models import backend
    from stormcnn.models.network_files import load_network
    from stormcnn.models.prediction import predict_probability

    recalibrate = recalibration_of(network)
    backend.prepare(threads, seed=0)
    summaries = summarize_runs(
        storms["run_date"].values,
        recalibrate(predict_probability(load_network(network), fields)),
        exceeds(storms["peak"].values, threshold),
        fields,
        storms["variable"].values.tolist(),
        ranges,
    )
    write_csv(summaries, output)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        summarize_champion(
            network=snakemake.input.network,
            patches=snakemake.input.patches,
            scaling=snakemake.input.scaling,
            threshold=snakemake.params.threshold,
            threads=snakemake.params.threads,
            output=snakemake.output.summaries,
        )
