"""Fit the logistic regression to the training period, and apply it to both periods."""

from typing import TYPE_CHECKING, Any

from stormcnn.io import as_list, write_csv
from stormcnn.logs import job_log
from stormcnn.models import logistic_regression as opponent
from stormcnn.models.opponents import fit_and_predict

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def predict_logistic_regression(
    *,
    features: dict[str, str],
    model: str,
    seeds: list[int],
    event: dict[str, Any],
    held_out: str | None,
    coefficients: str,
    output: dict[str, list[str]],
) -> None:
    """Write the probabilities for each period, and the coefficients."""
    (fitted,) = fit_and_predict(
        lambda table, label, day, seed: opponent.fit_logistic_regression(
            opponent.patch_means(table), label
        ),
        lambda fitted, table: opponent.predict_logistic_regression(
            fitted, opponent.patch_means(table)
        ),
        features,
        event,
        model,
        seeds,
        held_out,
        output,
    )
    write_csv(opponent.tabulate_coefficients(fitted, fitted.feature_names_in_), coefficients)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        predict_logistic_regression(
            features=dict(snakemake.input.items()),
            model=snakemake.params.model,
            seeds=snakemake.params.seeds,
            event=snakemake.params.event,
            held_out=snakemake.params.held_out,
            coefficients=snakemake.output.coefficients,
            output={
                name: as_list(snakemake.output[name]) for name in ("training", "test", "held_out")
            },
        )
