"""Sample the MC members of a network for test storms, and write their statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from stormcnn.io import read_netcdf, write_netcdf
from stormcnn.provenance import provenance
from stormcnn.sampling.members import EventCounts, describe_storms, summarize_members

if TYPE_CHECKING:
    import xarray as xr

    from stormcnn.models.fields import Fields
    from stormcnn.sampling.sampler import MemberSampler
    from stormcnn.vocabulary import StrPath


def write_members(
    sampler: MemberSampler,
    storms: xr.Dataset,
    fields: Fields,
    predictions: StrPath,
    *,
    model: str,
    storms_path: StrPath,
    counts_path: StrPath,
) -> None:
    """Write the statistics of the MC members per storm, and their event counts per run date.

    `storms` and `fields` are those of whole run dates, and `predictions` the file with the
    sampled network's predictions for these storms and perhaps for others.
    """
    members, seed = sampler.members, sampler.seed
    forecast = read_netcdf(predictions)
    # Batches contain whole run dates, so the dates identify the predictions for these storms.
    forecast = forecast.isel(storm=np.isin(forecast["run_date"], storms["run_date"]))
    event_counts = EventCounts(forecast["run_date"], members, seed)
    # Start with no storms, so that the files are valid even if the patches contain none.
    parts = [summarize_members(np.empty((0, members)))]
    with tqdm(total=len(fields), unit="storm", mininterval=10) as progress:
        for storms_of_batch, probability in sampler.batches(fields):
            batch = forecast.isel(storm=storms_of_batch)
            parts.append(summarize_members(probability))
            event_counts.add(
                probability, batch["label"], batch["run_date"], batch["run_file"], batch["patch"]
            )
            progress.update(len(probability))
    attributes = {"title": forecast.attrs["title"], "members": members} | provenance(
        {"model": model, "members": members}, model=model, seed=seed
    )
    summary = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    write_netcdf(describe_storms(forecast, summary).assign_attrs(attributes), storms_path)
    write_netcdf(event_counts.dataset().assign_attrs(attributes), counts_path)
