"""Score and test the explanations of all explained models."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from stormcnn.explanation.checks import Vortices, check_model, check_storms
from stormcnn.explanation.explained_files import read_permuted
from stormcnn.explanation.importance import importance_rows, importance_table
from stormcnn.explanation.predictor_sets import permuted_sets
from stormcnn.io import write_csv, write_netcdf
from stormcnn.logs import job_log
from stormcnn.provenance import provenance
from stormcnn.verification.blocks import block_of
from stormcnn.verification.reading import match_truth, read_by_network
from stormcnn.verification.resampling import resample_blocks

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def score_explanations(
    *,
    explained: list[str],
    permuted: list[str],
    truth: list[str],
    models: list[str],
    verification: dict[str, Any],
    permutation: str,
    checks: str,
    storms: list[str],
) -> None:
    """Write the permutation importance and the tests, and for each model the means over its seeds.

    `truth` is empty, or the file that describes made-up storms. `storms` are paths in the order of
    `models`.
    """
    all_truth = pd.concat(map(pd.read_csv, truth)) if truth else None
    all_explained, all_permuted = read_by_network(explained), read_by_network(permuted)
    confidence, resamples = verification["confidence"], verification["resamples"]
    importances, tests = [], []
    for model, path in zip(models, storms, strict=True):
        by_seed = {seed: data for (name, seed), data in all_explained.items() if name == model}
        first = next(iter(by_seed.values()))
        about = {"title": first.attrs["title"], "members": first.attrs["members"]}
        spacing = {key: first.attrs[key] for key in ("grid_spacing_km",) if key in first.attrs}
        described = check_storms(by_seed).drop_attrs(deep=False)
        about |= spacing | provenance({"model": model}, model=model)
        write_netcdf(described.assign_attrs(about), path)
        draws = resample_blocks(block_of(first["run_date"], verification["block"]), resamples)
        vortices = None
        if all_truth is not None:
            storm = first["run_file"].values, first["patch"].values
            vortices = Vortices(
                *(match_truth(all_truth, *storm, f"vortex_{name}") for name in Vortices._fields)
            )
        tests.append(check_model(model, by_seed, draws, confidence, vortices))

        seeds = {seed: data for (name, seed), data in all_permuted.items() if name == model}
        first = next(iter(seeds.values()))
        variables = [str(name) for name in first["variable"].values]
        read = {seed: read_permuted(data) for seed, data in seeds.items()}
        sets, passes = next(iter(read.values()))
        probability = {
            one: {seed: of_seed[one] for seed, (of_seed, _) in read.items()} for one in sets
        }
        draws = resample_blocks(block_of(first["run_date"], verification["block"]), resamples)
        rows = importance_rows(model, probability, first["label"].values, draws, confidence)
        importances.append(
            importance_table(model, variables, rows, permuted_sets(variables), passes)
        )
    write_csv(pd.concat(importances), permutation)
    write_csv(pd.concat(tests), checks)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        score_explanations(
            explained=snakemake.input.explained,
            permuted=snakemake.input.permuted,
            truth=snakemake.input.truth,
            models=snakemake.params.models,
            verification=snakemake.params.verification,
            permutation=snakemake.output.permutation,
            checks=snakemake.output.checks,
            storms=snakemake.output.storms,
        )
