"""Match reports of severe weather with the storms of the test period."""

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from stormcnn.io import write_netcdf
from stormcnn.logs import job_log
from stormcnn.provenance import provenance
from stormcnn.storms.observed_events import (
    check_coverage,
    event_times,
    find_observed_events,
    observed_frequency,
    window_of,
)
from stormcnn.storms.observed_reports import read_reports
from stormcnn.storms.patches import open_patches
from stormcnn.storms.titles import is_made_up_title

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

logger = logging.getLogger(__name__)


def match_reports(
    *,
    reports: list[str],
    training: list[str],
    test: list[str],
    target: str,
    observations: dict[str, Any],
    output: str,
) -> None:
    """Write whether each storm of the test period has an observed event.

    `training` and `test` are the patches of the two periods, `observations` the settings of the
    block except the paths.
    """
    periods = [open_patches(patches).storms for patches in (training, test)]
    minutes = observations["minutes"]
    window = list(observations["window"] or window_of(target))
    times = np.concatenate([event_times(storms, minutes, window) for storms in periods], axis=1)
    found = read_reports(
        reports,
        times[0].min(),
        times[1].max(),
        observations["kinds"],
        observations["least_magnitude"],
    )
    distance = observations["distance_km"]
    of_training, of_test = (
        find_observed_events(storms, found, distance, minutes, window) for storms in periods
    )
    check_coverage(of_test, found)
    title = periods[1].attrs["title"]
    if is_made_up_title(title):
        logger.warning("The storms are made up, so no report can be about them.")
    about = provenance({"target": target, **observations}, source_title=title)
    write_netcdf(
        of_test.assign_attrs(
            title=title,
            training_frequency=observed_frequency(of_training),
            without_position=found.without_position,
            without_magnitude=found.without_magnitude,
            kinds=" ".join(observations["kinds"] or ()),
            distance_km=distance,
            minutes=minutes,
            window=window,
            **about,
        ),
        output,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        match_reports(
            reports=snakemake.input.reports,
            training=snakemake.input.training,
            test=snakemake.input.test,
            target=snakemake.params.target,
            observations=snakemake.params.observations,
            output=snakemake.output.observations,
        )
