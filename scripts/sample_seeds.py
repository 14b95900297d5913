"""Sample the MC members of the networks of one model: a few for all storms, many for the cases."""

from typing import TYPE_CHECKING, Any

from stormcnn.io import as_list
from stormcnn.logs import job_log
from stormcnn.storms.patches import open_patches

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def sample_seeds(
    *,
    networks: list[str],
    patches: list[str],
    predictions: list[str],
    model: str,
    seeds: list[int],
    members: int,
    cases: dict[str, Any],
    threads: int,
    storms: list[str],
    counts: list[str],
    case_studies: list[str],
) -> None:
    """Write what `sample_members` writes for each seed, and `sample_cases` for some.

    `networks`, `predictions`, `storms` and `counts` are paths in the order of `seeds`;
    `case_studies` are those of the first seeds, or empty.
    """
    # TensorFlow writes messages while it is imported. Import it here, where the log captures them.
    from stormcnn.models import backend
    from stormcnn.models.network_files import load_network
    from stormcnn.sampling.case_files import write_cases
    from stormcnn.sampling.member_files import write_members
    from stormcnn.sampling.sampler import MemberSampler

    backend.prepare(threads, seeds[0])
    stored_storms, fields = open_patches(patches)
    for number, (seed, path) in enumerate(zip(seeds, networks, strict=True)):
        network = load_network(path)
        if number == 0:
            sampler = MemberSampler(network, members, seed)
        else:
            sampler.replace_network(network, seed)
        write_members(
            sampler,
            stored_storms,
            fields,
            predictions[number],
            model=model,
            storms_path=storms[number],
            counts_path=counts[number],
        )
        if number < len(case_studies):
            write_cases(
                network,
                patches,
                predictions[number],
                cases=cases,
                model=model,
                seed=seed,
                path=case_studies[number],
            )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        sample_seeds(
            networks=as_list(snakemake.input.network),
            patches=snakemake.input.patches,
            predictions=as_list(snakemake.input.predictions),
            model=snakemake.params.model,
            seeds=snakemake.params.seeds,
            members=snakemake.params.members,
            cases=snakemake.params.cases,
            threads=snakemake.params.threads,
            storms=as_list(snakemake.output.storms),
            counts=as_list(snakemake.output.counts),
            case_studies=as_list(snakemake.output.cases),
        )
