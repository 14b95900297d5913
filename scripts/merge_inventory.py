"""Merge the inventories of all batches, and compare run files with their track files."""

from typing import TYPE_CHECKING

from stormcnn.io import write_csv
from stormcnn.logs import job_log
from stormcnn.storms.cycles import repeated_in_other_cycles
from stormcnn.storms.inventory import count_by_file, merge_inventories
from stormcnn.storms.patches import open_patches
from stormcnn.storms.tracks import compare_with_tracks

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def merge_inventory(
    *,
    inventories: list[str],
    patches: list[str],
    tracks: list[str],
    threshold: float,
    target: str,
    file_pattern: str,
    output: str,
) -> None:
    """Write one row per run file; with `tracks`, also how often its track file disagrees."""
    inventory = merge_inventories(inventories)
    storms = open_patches(patches).storms
    inventory["repeated"] = count_by_file(
        storms, repeated_in_other_cycles(storms, file_pattern), inventory
    )
    if tracks:
        inventory = compare_with_tracks(inventory, storms, tracks, threshold, target)
    write_csv(inventory, output)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        merge_inventory(
            inventories=snakemake.input.inventories,
            patches=snakemake.input.patches,
            tracks=snakemake.input.tracks,
            threshold=snakemake.params.threshold,
            target=snakemake.params.target,
            file_pattern=snakemake.params.file_pattern,
            output=snakemake.output.inventory,
        )
