"""Write how a network sees its training storms, among which forecasts look for similar ones."""

from typing import TYPE_CHECKING

import numpy as np

from stormcnn.forecast.network_metadata import read_about, recalibration_of
from stormcnn.forecast.similar import (
    choose_training_storms,
    contributions,
    describe_training_storms,
)
from stormcnn.io import write_netcdf
from stormcnn.logs import job_log
from stormcnn.provenance import provenance, sha256_of
from stormcnn.storms.events import exceeds
from stormcnn.storms.patch_file import STORMS_AT_ONCE
from stormcnn.storms.patches import open_patches

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def embed_storms(*, network: str, patches: list[str], threads: int, output: str) -> None:
    """Write the file `training_storms.nc` of a network with storms of its training period."""
    # TensorFlow writes messages while it is imported. Import it here, where the log captures them.
    from stormcnn.models import backend
    from stormcnn.models.network_files import load_network
    from stormcnn.models.prediction import predict_probability

    about, recalibrate = read_about(network), recalibration_of(network)
    storms, stored = open_patches(patches)
    chosen = choose_training_storms(len(stored))
    storms = storms.isel(storm=chosen)
    backend.prepare(threads, seed=0)
    loaded = load_network(network)
    contribution, probability = [], []
    for start in range(0, len(chosen), STORMS_AT_ONCE):
        fields = stored.take(chosen[start : start + STORMS_AT_ONCE])
        contribution.append(contributions(loaded, fields))
        probability.append(predict_probability(loaded, fields))
    described = describe_training_storms(
        storms,
        np.concatenate(contribution),
        recalibrate(np.concatenate(probability)),
        exceeds(storms["peak"].values, about["event"]["threshold"]),
    )
    described = described.assign_attrs(
        title=storms.attrs["title"],
        network_sha256=sha256_of(network),
        **provenance({}, model=about["model"], seed=about["seed"]),
    )
    write_netcdf(described, output)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        embed_storms(
            network=snakemake.input.network,
            patches=snakemake.input.patches,
            threads=snakemake.params.threads,
            output=snakemake.output.training_storms,
        )
