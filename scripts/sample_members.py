"""Sample the MC members of one network for test storms."""

from typing import TYPE_CHECKING

from stormcnn.logs import job_log
from stormcnn.storms.patches import open_patches

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def sample_members(
    *,
    network: str,
    patches: list[str],
    predictions: str,
    model: str,
    seed: int,
    members: int,
    threads: int,
    storms: str,
    counts: str,
) -> None:
    """Write the statistics of the MC members per storm, and their event counts per run date."""
    # TensorFlow writes messages while it is imported. Import it here, where the log captures them.
    from stormcnn.models import backend
    from stormcnn.models.network_files import load_network
    from stormcnn.sampling.member_files import write_members
    from stormcnn.sampling.sampler import MemberSampler

    backend.prepare(threads, seed)
    write_members(
        MemberSampler(load_network(network), members, seed),
        *open_patches(patches),
        predictions,
        model=model,
        storms_path=storms,
        counts_path=counts,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        sample_members(
            network=snakemake.input.network,
            patches=snakemake.input.patches,
            predictions=snakemake.input.predictions,
            model=snakemake.params.model,
            seed=int(snakemake.params.seed),
            members=snakemake.params.members,
            threads=snakemake.params.threads,
            storms=snakemake.output.storms,
            counts=snakemake.output.counts,
        )
