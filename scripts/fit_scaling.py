"""Fit the scaling of the predictors to the training period."""

from typing import TYPE_CHECKING

from stormcnn.io import read_rows, write_rows
from stormcnn.logs import job_log
from stormcnn.storms import scaling
from stormcnn.storms.inventory import check_inventory

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def fit_scaling(
    *,
    statistics: list[str],
    inventories: list[str],
    predictors: list[str],
    before: str,
    output: str,
) -> None:
    """Write the scaling, merged from the statistics of all runs before the date `before`."""
    check_inventory(read_rows(inventories))
    write_rows(scaling.fit_scaling(statistics, predictors, before), output)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        fit_scaling(
            statistics=snakemake.input.statistics,
            inventories=snakemake.input.inventories,
            predictors=snakemake.params.predictors,
            before=snakemake.params.before,
            output=snakemake.output.scaling,
        )
