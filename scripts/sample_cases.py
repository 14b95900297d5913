"""Sample many members of one network for a few storms."""

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from stormcnn.io import read_netcdf, write_netcdf
from stormcnn.logs import job_log
from stormcnn.provenance import provenance
from stormcnn.sampling.cases import choose_cases
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
    """Write every member's probability for the chosen storms, and the storms' fields."""
    # TensorFlow speaks while it is imported, so it is imported where the log listens.
    from stormcnn.models import backend
    from stormcnn.models.networks import load_network
    from stormcnn.sampling.sampler import MemberSampler

    backend.prepare(threads, seed)
    sampler = MemberSampler(load_network(network), cases["members"], seed)
    forecast = read_netcdf(predictions)
    chosen = choose_cases(forecast["probability"].values, cases["count"], cases["storms"])
    fields = read_storms(patches, chosen.tolist())["predictors"]
    probability = np.concatenate([part for _, part in sampler.batches(fields.values)])
    here = forecast.isel(storm=chosen)
    result = xr.Dataset(
        {
            "probability": (
                ("storm", "member"),
                probability,
                {"long_name": "probability of strong low-level rotation", "units": "1"},
            ),
            "deterministic": here["probability"].assign_attrs(
                long_name="probability of strong low-level rotation without dropout"
            ),
            "label": here["label"],
            "predictors": fields.assign_attrs(long_name="fields of the storm's patch"),
            "index": ("storm", chosen, {"long_name": "index among the test storms"}),
        },
        coords=here.coords,
        attrs={
            "title": forecast.attrs["title"],
            **provenance({"model": model, "cases": cases}, model=model, seed=seed),
        },
    )
    write_netcdf(result, output)


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
