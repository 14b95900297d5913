"""Sample many MC members of one network for a few storms, the case studies."""

from typing import TYPE_CHECKING, Any

import numpy as np

from stormcnn.io import read_netcdf, write_netcdf
from stormcnn.logs import job_log
from stormcnn.provenance import provenance
from stormcnn.sampling.cases import choose_cases, describe_cases
from stormcnn.storms.patch_file import GRID_SPACING
from stormcnn.storms.patches import read_storms

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def sample_cases(
    *,
    network: str,
    patches: list[str],
    predictions: str,
    model: str,
    seed: int,
    cases: dict[str, Any],
    threads: int,
    output: str,
) -> None:
    """Write the fields of the chosen storms and the probabilities of all MC members."""
    # TensorFlow writes messages while it is imported. Import it here, where the log captures them.
    from stormcnn.models import backend
    from stormcnn.models.network_files import load_network
    from stormcnn.sampling.sampler import MemberSampler

    backend.prepare(threads, seed)
    sampler = MemberSampler(load_network(network), cases["members"], seed)
    forecast = read_netcdf(predictions)
    chosen = choose_cases(forecast["probability"].values, cases["count"], cases["storms"])
    storms = read_storms(patches, chosen.tolist())
    probability = np.concatenate([part for _, part in sampler.batches(storms["predictors"].values)])
    spacing = {key: value for key, value in storms.attrs.items() if key == GRID_SPACING}
    attributes = (
        {"title": forecast.attrs["title"]}
        | spacing
        | provenance({"model": model, "cases": cases}, model=model, seed=seed)
    )
    described = describe_cases(forecast, chosen, probability, storms)
    write_netcdf(described.assign_attrs(attributes), output)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        sample_cases(
            network=snakemake.input.network,
            patches=snakemake.input.patches,
            predictions=snakemake.input.predictions,
            model=snakemake.params.model,
            seed=int(snakemake.params.seed),
            cases=snakemake.params.cases,
            threads=snakemake.params.threads,
            output=snakemake.output.cases,
        )
