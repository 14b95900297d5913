"""Explain the networks of one model: permuted predictors, attributions and counterfactuals."""

from typing import TYPE_CHECKING, Any

import numpy as np

from stormcnn.explanation.explained_files import describe_explained, describe_permuted
from stormcnn.explanation.maps import agreement
from stormcnn.explanation.permutation import PermutedPredictions, draw_sources, permute_predictors
from stormcnn.explanation.predictor_sets import flatten, flattened_sets, permuted_sets
from stormcnn.io import read_netcdf, write_netcdf
from stormcnn.logs import job_log
from stormcnn.models.fields import Fields, hold_fields
from stormcnn.provenance import provenance
from stormcnn.sampling.cases import choose_cases
from stormcnn.storms.patches import open_patches, read_storms
from stormcnn.verification.blocks import block_of
from stormcnn.vocabulary import Array, BlockSize

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def explain_networks(
    *,
    networks: list[str],
    patches: list[str],
    predictions: str,
    model: str,
    seeds: list[int],
    cases: dict[str, Any],
    explanation: dict[str, Any],
    block: BlockSize,
    memory_mb: int | None,
    threads: int,
    explained: list[str],
    permuted: list[str],
) -> None:
    """Write the explained storms, and the probabilities with permuted predictors, for each seed.

    `networks`, `explained` and `permuted` are paths in the order of `seeds`; `predictions` are
    those of the first seed, which choose the storms.
    """
    # TensorFlow writes messages while it is imported. Import it here, where the log captures them.
    from stormcnn.explanation.attribution import Attributor, average, randomize
    from stormcnn.models import backend
    from stormcnn.models.network_files import load_network
    from stormcnn.models.prediction import predict_probability
    from stormcnn.sampling.sampler import draw_masks, dropout_layers

    backend.prepare(threads, seeds[0])
    loaded = [load_network(path) for path in networks]
    forecast = read_netcdf(predictions)
    title = forecast.attrs["title"]
    storms, stored = open_patches(patches)
    variables = [str(name) for name in storms["variable"].values]

    def predict(fields: Fields) -> Array:
        return np.stack([predict_probability(network, fields) for network in loaded])

    settings = explanation["permutation"]
    count = min(settings["storms"] or len(stored), len(stored))
    some = np.arange(count) * len(stored) // count
    fields = hold_fields(stored, memory_mb) if count == len(stored) else stored.take(some)
    judged = forecast.isel(storm=some)
    blocks = np.unique(block_of(judged["run_date"].values, block), return_inverse=True)[1]
    sources = draw_sources(blocks, settings["repetitions"], seed=0)
    importance = permute_predictors(
        PermutedPredictions(predict, fields, sources),
        judged["label"].values,
        permuted_sets(variables),
        len(variables),
    )

    own_cases = choose_cases(forecast["probability"].values, cases["count"], cases["storms"])
    chosen = choose_cases(forecast["probability"].values, explanation["storms"], own_cases.tolist())
    shown = read_storms(patches, chosen.tolist())
    patch = shown["predictors"].values
    flattened = {one: predict(flatten(patch, one)) for one in flattened_sets(variables)}
    probability = predict(patch)
    numbered = forecast.isel(storm=chosen).assign(
        index=("storm", chosen, {"long_name": "index among the test storms"})
    )
    for number, (seed, network) in enumerate(zip(seeds, loaded, strict=True)):
        attributor = Attributor(network)
        members = explanation["members"] if dropout_layers(network) else 0
        masks = draw_masks(network, seed, range(members))
        of_members = [
            {name: mask[member] for name, mask in masks.items()} for member in range(members)
        ]
        parts = [
            attributor.attribute(patch, explanation["steps"], one) for one in of_members or [{}]
        ]
        attributed = average(parts)
        untrained = Attributor(randomize(network, seed)).attribute(patch, explanation["steps"])
        values = {
            "probability": probability[number],
            "attribution": attributed.values,
            "randomized_attribution": untrained.values,
            "log_odds": attributed.log_odds,
            "reference_log_odds": attributed.reference,
            "steps": attributed.steps,
        }
        if members > 1:
            values["member_agreement"] = agreement(np.stack([part.values for part in parts]))
        about = {"title": title, "members": members} | provenance(
            {"model": model, "cases": cases, "explanation": explanation, "block": block},
            model=model,
            seed=seed,
        )
        of_seed = {one: values_of_set[number] for one, values_of_set in flattened.items()}
        described = describe_explained(numbered, shown, len(own_cases), values, of_seed)
        write_netcdf(described.assign_attrs(about), explained[number])
        of_seed = {one: p[number] for one, p in importance.probability.items()}
        described = describe_permuted(judged, variables, of_seed, importance.passes)
        write_netcdf(described.assign_attrs(about), permuted[number])


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        explain_networks(
            networks=snakemake.input.networks,
            patches=snakemake.input.patches,
            predictions=snakemake.input.predictions,
            model=snakemake.params.model,
            seeds=snakemake.params.seeds,
            cases=snakemake.params.cases,
            explanation=snakemake.params.explanation,
            block=snakemake.params.block,
            memory_mb=snakemake.params.memory_mb,
            threads=snakemake.threads,
            explained=snakemake.output.explained,
            permuted=snakemake.output.permuted,
        )
