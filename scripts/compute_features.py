"""Compute the statistics of storms that the opponents of the networks use."""

from typing import TYPE_CHECKING

from stormcnn.io import write_netcdf
from stormcnn.logs import job_log
from stormcnn.models import storm_features
from stormcnn.provenance import provenance
from stormcnn.storms.patches import open_patches

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def compute_features(*, patches: dict[str, list[str]], output: dict[str, str]) -> None:
    """Write the features of the storms of each period; `patches` and `output` are by period."""
    for period, path in output.items():
        features = storm_features.compute_features(open_patches(patches[period]))
        write_netcdf(features.assign_attrs(provenance({})), path)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        compute_features(
            patches=dict(snakemake.input.items()),
            output=dict(snakemake.output.items()),
        )
