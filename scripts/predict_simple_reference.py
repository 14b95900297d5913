"""Fit the simple reference to the training period and apply it to the storms of both periods."""

from typing import TYPE_CHECKING, Any

from stormcnn import simple_reference
from stormcnn.events import check_any_storm, check_enough_storms, exceeds
from stormcnn.files import provenance, write_csv, write_netcdf
from stormcnn.logs import job_log
from stormcnn.patches import open_fields, read_patches
from stormcnn.predictions import describe_predictions

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def predict_simple_reference(
    *,
    patches: dict[str, list[str]],
    model: str,
    seed: int,
    event: dict[str, Any],
    coefficients: str,
    output: dict[str, str],
) -> None:
    """Write the fit, and the probability and the label of every storm of each period."""
    threshold = event["threshold"]
    fit = None
    for period in ("training", "test"):
        storms = read_patches(patches[period], predictors=False)
        check_any_storm(storms.sizes["storm"])
        fields = open_fields(patches[period])
        means = simple_reference.storm_means(fields, storms["variable"].values.tolist())
        if fit is None:
            happened = exceeds(storms["peak"].values, threshold)
            check_enough_storms(happened, threshold)
            fit = simple_reference.fit_simple_reference(means, happened)
            write_csv(simple_reference.describe_fit(fit, means.columns), coefficients)
        probability = simple_reference.forecast_probability(fit, means)
        predictions = describe_predictions(probability, storms["peak"], threshold)
        about = provenance({"model": model, "event": event}, model=model, seed=seed)
        write_netcdf(predictions.assign_attrs(title=storms.attrs["title"], **about), output[period])


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        predict_simple_reference(
            patches={name: snakemake.input[name] for name in ("training", "test")},
            model=snakemake.params.model,
            seed=snakemake.params.seed,
            event=snakemake.params.event,
            coefficients=snakemake.output.coefficients,
            output={name: snakemake.output[name] for name in ("training", "test")},
        )
