"""Compare the models: a row each, with their size, training time and scores."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from stormcnn.io import write_csv
from stormcnn.logs import job_log
from stormcnn.report import page

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

Network = tuple[str, int]


def compare_models(
    *,
    scores: str,
    histories: dict[Network, str],
    summaries: dict[Network, str],
    coefficients: dict[str, str],
    titles: dict[str, str],
    output: str,
) -> None:
    """Write the comparison of all models on the test storms."""
    table = page.compare_models(
        pd.read_csv(scores, dtype={"seed": str}),
        titles,
        {network: pd.read_csv(path) for network, path in histories.items()},
        {network: Path(path).read_text("utf-8") for network, path in summaries.items()},
        {model: pd.read_csv(path) for model, path in coefficients.items()},
    )
    write_csv(table, output)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        networks = [(model, seed) for model, seed in snakemake.params.networks]
        compare_models(
            scores=snakemake.input.scores,
            histories=dict(zip(networks, snakemake.input.histories, strict=True)),
            summaries=dict(zip(networks, snakemake.input.summaries, strict=True)),
            coefficients=dict(
                zip(snakemake.params.simple, snakemake.input.coefficients, strict=True)
            ),
            titles=snakemake.params.titles,
            output=snakemake.output.comparison,
        )
