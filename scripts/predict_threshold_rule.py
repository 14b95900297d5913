"""Fit the threshold rule to the training period, and apply it to both periods."""

from typing import TYPE_CHECKING, Any

from stormcnn.io import as_list, write_csv
from stormcnn.logs import job_log
from stormcnn.models import threshold_rule as opponent
from stormcnn.models.opponents import fit_and_predict

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def predict_threshold_rule(
    *,
    features: dict[str, str],
    model: str,
    seeds: list[int],
    event: dict[str, Any],
    held_out: str | None,
    rule: str,
    statistics: str,
    output: dict[str, list[str]],
) -> None:
    """Write the probabilities for each period, the rule, and how well each statistic does."""
    (fitted,) = fit_and_predict(
        lambda table, label, day, seed: opponent.fit_threshold_rule(table, label),
        opponent.predict_threshold_rule,
        features,
        event,
        model,
        seeds,
        held_out,
        output,
    )
    write_csv(opponent.tabulate_rule(fitted), rule)
    write_csv(opponent.tabulate_statistics(fitted), statistics)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        predict_threshold_rule(
            features=dict(snakemake.input.items()),
            model=snakemake.params.model,
            seeds=snakemake.params.seeds,
            event=snakemake.params.event,
            held_out=snakemake.params.held_out,
            rule=snakemake.output.rule,
            statistics=snakemake.output.statistics,
            output={
                name: as_list(snakemake.output[name]) for name in ("training", "test", "held_out")
            },
        )
