"""Fit the logistic regression to the training period and apply it to both periods."""

from typing import TYPE_CHECKING, Any

from stormcnn.io import write_csv, write_netcdf
from stormcnn.logs import job_log
from stormcnn.models import logistic_regression as opponent
from stormcnn.models.prediction_files import describe_predictions
from stormcnn.provenance import provenance
from stormcnn.storms.events import check_any_storm, check_enough_storms, exceeds
from stormcnn.storms.patches import open_patches

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def predict_logistic_regression(
    *,
    patches: dict[str, list[str]],
    model: str,
    seed: int,
    event: dict[str, Any],
    coefficients: str,
    output: dict[str, str],
) -> None:
    """Write the coefficients, and the probability and the event of every storm of each period."""
    threshold = event["threshold"]
    regression = None
    for period in ("training", "test"):
        storms, fields = open_patches(patches[period])
        check_any_storm(storms.sizes["storm"])
        means = opponent.average_over_patch(fields, storms["variable"].values.tolist())
        if regression is None:
            events = exceeds(storms["peak"].values, threshold)
            check_enough_storms(events, threshold)
            regression = opponent.fit_logistic_regression(means, events)
            write_csv(opponent.tabulate_coefficients(regression, means.columns), coefficients)
        probability = opponent.predict_logistic_regression(regression, means)
        predictions = describe_predictions(probability, storms["peak"], threshold)
        about = provenance({"model": model, "event": event}, model=model, seed=seed)
        write_netcdf(predictions.assign_attrs(title=storms.attrs["title"], **about), output[period])


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        predict_logistic_regression(
            patches={name: snakemake.input[name] for name in ("training", "test")},
            model=snakemake.params.model,
            seed=snakemake.params.seed,
            event=snakemake.params.event,
            coefficients=snakemake.output.coefficients,
            output={name: snakemake.output[name] for name in ("training", "test")},
        )
