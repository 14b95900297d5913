"""Compare the models by their size, training time and scores."""

from typing import TYPE_CHECKING

from stormcnn.io import write_csv
from stormcnn.logs import job_log
from stormcnn.report import comparison
from stormcnn.report.reading import read_table
from stormcnn.vocabulary import NetworkId

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def compare_models(
    *,
    scores: str,
    histories: dict[NetworkId, str],
    sizes: dict[NetworkId, str],
    coefficients: dict[str, str],
    titles: dict[str, str],
    output: str,
) -> None:
    """Write a table with one row per model."""
    table = comparison.compare_models(
        read_table(scores, seed=str),
        titles,
        histories={network: read_table(path) for network, path in histories.items()},
        sizes={network: read_table(path) for network, path in sizes.items()},
        coefficients={model: read_table(path) for model, path in coefficients.items()},
    )
    write_csv(table, output)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        networks = [(model, seed) for model, seed in snakemake.params.networks]
        compare_models(
            scores=snakemake.input.scores,
            histories=dict(zip(networks, snakemake.input.histories, strict=True)),
            sizes=dict(zip(networks, snakemake.input.sizes, strict=True)),
            coefficients=dict(
                zip(snakemake.params.fitted, snakemake.input.coefficients, strict=True)
            ),
            titles=snakemake.params.titles,
            output=snakemake.output.comparison,
        )
