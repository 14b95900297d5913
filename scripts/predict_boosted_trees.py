"""Fit boosted trees to the training period, and apply them to both periods."""

from typing import TYPE_CHECKING, Any

from stormcnn.io import as_list, write_csv
from stormcnn.logs import job_log
from stormcnn.models import boosted_trees as opponent
from stormcnn.models.opponents import fit_and_predict

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def predict_boosted_trees(
    *,
    features: dict[str, str],
    model: str,
    seeds: list[int],
    event: dict[str, Any],
    held_out: str | None,
    trees: str,
    output: dict[str, list[str]],
) -> None:
    """Write the probabilities of each seed for each period, and the number of trees."""
    fitted = fit_and_predict(
        opponent.fit_boosted_trees,
        opponent.predict_boosted_trees,
        features,
        event,
        model,
        seeds,
        held_out,
        output,
    )
    write_csv(opponent.tabulate_trees(seeds, fitted), trees)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        predict_boosted_trees(
            features=dict(snakemake.input.items()),
            model=snakemake.params.model,
            seeds=snakemake.params.seeds,
            event=snakemake.params.event,
            held_out=snakemake.params.held_out,
            trees=snakemake.output.trees,
            output={
                name: as_list(snakemake.output[name]) for name in ("training", "test", "held_out")
            },
        )
