"""Merge the files that several jobs have sampled from one network."""

from typing import TYPE_CHECKING

import xarray as xr

from stormcnn.io import read_netcdf, write_netcdf
from stormcnn.logs import job_log

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def merge_members(*, storms_of: list[str], counts_of: list[str], storms: str, counts: str) -> None:
    """Write the concatenated storms and counts, equal to the files of a single job."""
    for parts, dimension, path in ((storms_of, "storm", storms), (counts_of, "run", counts)):
        opened = [read_netcdf(part) for part in parts]
        # Variables without this dimension are the same in all parts.
        merged = xr.concat(
            opened,
            dimension,
            data_vars="minimal",
            coords="minimal",
            compat="override",
            join="override",
            combine_attrs="override",
        )
        write_netcdf(merged, path)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        merge_members(
            storms_of=snakemake.input.storms,
            counts_of=snakemake.input.counts,
            storms=snakemake.output.storms,
            counts=snakemake.output.counts,
        )
