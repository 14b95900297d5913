"""Sample the MC members of the networks of one model for test storms."""

from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from stormcnn.io import as_list, read_netcdf, write_netcdf
from stormcnn.logs import job_log
from stormcnn.provenance import provenance
from stormcnn.sampling.members import EventCounts, describe_storms, summarize_members
from stormcnn.storms.patches import open_patches

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def sample_members(
    *,
    networks: list[str],
    patches: list[str],
    predictions: list[str],
    model: str,
    seeds: list[int],
    members: int,
    threads: int,
    storms: list[str],
    counts: list[str],
) -> None:
    """Write the statistics of the MC members per storm, and their event counts per run date.

    `networks`, `predictions`, `storms` and `counts` are paths in the order of `seeds`.
    """
    # TensorFlow writes messages while it is imported. Import it here, where the log captures them.
    from stormcnn.models import backend
    from stormcnn.models.network_files import load_network
    from stormcnn.sampling.sampler import MemberSampler

    backend.prepare(threads, seeds[0])
    stored_storms, fields = open_patches(patches)
    for seed, network, path, storms_path, counts_path in zip(
        seeds, networks, predictions, storms, counts, strict=True
    ):
        sampler = MemberSampler(load_network(network), members, seed)
        forecast = read_netcdf(path)
        # Batches contain whole run dates, so the dates identify the predictions for these storms.
        forecast = forecast.isel(storm=np.isin(forecast["run_date"], stored_storms["run_date"]))
        event_counts = EventCounts(forecast["run_date"], members, seed)
        # Start with no storms, so that the files are valid even if the patches contain none.
        parts = [summarize_members(np.empty((0, members)))]
        with tqdm(total=len(fields), unit="storm", mininterval=10) as progress:
            for storms_of_batch, probability in sampler.batches(fields):
                batch = forecast.isel(storm=storms_of_batch)
                parts.append(summarize_members(probability))
                event_counts.add(
                    probability,
                    batch["label"],
                    batch["run_date"],
                    batch["run_file"],
                    batch["patch"],
                )
                progress.update(len(probability))
        attributes = {"title": forecast.attrs["title"], "members": members} | provenance(
            {"model": model, "members": members}, model=model, seed=seed
        )
        summary = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        write_netcdf(describe_storms(forecast, summary).assign_attrs(attributes), storms_path)
        write_netcdf(event_counts.dataset().assign_attrs(attributes), counts_path)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        sample_members(
            networks=as_list(snakemake.input.network),
            patches=snakemake.input.patches,
            predictions=as_list(snakemake.input.predictions),
            model=snakemake.params.model,
            seeds=[int(seed) for seed in as_list(snakemake.params.seed)],
            members=snakemake.params.members,
            threads=snakemake.params.threads,
            storms=as_list(snakemake.output.storms),
            counts=as_list(snakemake.output.counts),
        )
