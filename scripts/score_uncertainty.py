"""Score the Monte Carlo members of the test storms."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from stormcnn.io import write_csv
from stormcnn.logs import job_log
from stormcnn.verification.reading import match_truth, read_by_network
from stormcnn.verification.uncertainty import (
    ScoredMembers,
    UncertaintyTables,
    score_uncertainty,
)
from stormcnn.verification.uncertainty_seeds import average_over_seeds

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def score_uncertainties(
    *,
    storms: list[str],
    counts: list[str],
    truth: list[str],
    verification: dict[str, Any],
    output: dict[str, str],
) -> None:
    """Write the tables of all sampled networks; `output` has the path of each by its name.

    `truth` is empty, or the file with the true probabilities of made-up storms.
    """
    counts_of = read_by_network(counts)
    all_truth = pd.concat(map(pd.read_csv, truth)) if truth else None
    scored: dict[str, list[ScoredMembers]] = {}
    for (model, seed), members in read_by_network(storms).items():
        true_probability = (
            None
            if all_truth is None
            else match_truth(all_truth, members["run_file"].values, members["patch"].values)
        )
        network = score_uncertainty(
            members,
            members["label"].values,
            counts_of[model, seed],
            model=model,
            seed=seed,
            resamples=verification["resamples"],
            confidence=verification["confidence"],
            block=verification["block"],
            truth=true_probability,
        )
        scored.setdefault(model, []).append(network)
    tables = {
        name: [
            getattr(network.tables, name) for networks in scored.values() for network in networks
        ]
        for name in UncertaintyTables._fields
    }
    tables["scores"] += [
        average_over_seeds(networks, model, verification["confidence"])
        for model, networks in scored.items()
        if len(networks) > 1
    ]
    for name, parts in tables.items():
        write_csv(pd.concat(parts), output[name])


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        score_uncertainties(
            storms=snakemake.input.storms,
            counts=snakemake.input.counts,
            truth=snakemake.input.truth,
            verification=snakemake.params.verification,
            output=dict(snakemake.output.items()),
        )
