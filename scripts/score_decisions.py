"""Choose the probabilities at which to act in the training period, and judge them in the test."""

from typing import TYPE_CHECKING, Any

from stormcnn.io import write_csv
from stormcnn.logs import job_log
from stormcnn.verification.calibration import judge_held_out
from stormcnn.verification.decisions import judge_decisions
from stormcnn.verification.reading import network_files

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def score_decisions(
    *,
    training: list[str],
    test: list[str],
    held_out: list[str],
    held_out_opponents: list[str],
    members: list[str],
    recalibration: dict[str, Any],
    cost_loss: list[float],
    resamples: int,
    output: dict[str, str],
) -> None:
    """Write the tables of decisions and of their economic value, `output` by name.

    `recalibration` has the settings `methods`, `block` and `confidence`.
    """
    networks = network_files(held_out)
    tables = judge_decisions(
        network_files(test),
        network_files(training),
        networks | network_files(held_out_opponents),
        monte_carlo=network_files(members),
        recalibrations={
            model: judge_held_out(path, **recalibration) for (model, _), path in networks.items()
        },
        cost_loss=cost_loss,
        resamples=resamples,
        confidence=recalibration["confidence"],
        block=recalibration["block"],
    )
    for name, path in output.items():
        write_csv(tables[name], path)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        score_decisions(
            training=snakemake.input.training,
            test=snakemake.input.test,
            held_out=snakemake.input.held_out,
            held_out_opponents=snakemake.input.held_out_opponents,
            members=snakemake.input.members,
            recalibration=snakemake.params.recalibration,
            cost_loss=snakemake.params.cost_loss,
            resamples=snakemake.params.resamples,
            output=dict(snakemake.output.items()),
        )
