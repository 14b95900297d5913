"""Sample many MC members of one network for a few storms, the case studies."""

from typing import TYPE_CHECKING, Any

from stormcnn.logs import job_log

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
    from stormcnn.sampling.case_files import write_cases

    backend.prepare(threads, seed)
    write_cases(
        load_network(network),
        patches,
        predictions,
        cases=cases,
        model=model,
        seed=seed,
        path=output,
    )


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
